"""PFLD's targets: solvePnP on synthetic heads of known pose, classes, what tells no pose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from canthus.codecs.pfld import Pfld, head_angles
from canthus.datasets import DATASETS, SampleList
from canthus.geometry import FloatArray
from canthus.losses.pfld import PfldLoss
from canthus.morphable_models import rotation_matrix, sparse_model
from canthus.morphable_models.rigid_pose import FEWEST, RIGID
from canthus.recipe import load_recipe
from canthus.sample import Annotations
from canthus.schemes import SCHEMES, Scheme

SIZE = 112


def face(pitch: float, yaw: float, roll: float) -> FloatArray:
    """The mean shape of the package's model, turned by degrees, before the camera that the codec states: at
    ten of its units, in a crop of 112 px whose middle is 55.5 and whose focal length is 3 sides."""
    turned = sparse_model().mean @ rotation_matrix([yaw, pitch, roll]).T + (0.3, -0.2, 0.0)
    return np.asarray(55.5 + 3 * 112 * turned[:, :2] * (1, -1) / (10 - turned[:, 2:]))


def in_scheme(points: FloatArray, scheme: Scheme) -> FloatArray:
    """The 68 points in another scheme; where one is a mean of several, those are all put on it."""
    out = np.full((len(scheme), 2), np.nan)
    for point, sources in zip(points, scheme.conversions["ibug68_3d"], strict=True):
        for source in sources:
            out[source] = point
    return out


def annotations(points: FloatArray, tags: dict[str, list[float]]) -> Annotations:
    found, n = torch.from_numpy(points).float(), len(points)
    weight = torch.tensor([1.0, 1.0, 0.5, 1.0])[:n]
    given = {name: torch.tensor(values) for name, values in tags.items()}
    return Annotations(found, torch.ones(found.shape[:2]), torch.ones(n), weight, given)


POSES = [(0, 0, 0), (0, 40, 0), (20, 0, 0), (-20, -40, 5)]


def test_angles_are_those_of_synthetic_heads_in_radians() -> None:
    random = np.random.default_rng(0)
    degrees = random.uniform((-30, -80, -45), (30, 80, 45), (40, 3))
    points = np.stack([face(*pose) for pose in degrees])
    found = head_angles(points, SCHEMES["ibug68_3d"], SIZE)
    np.testing.assert_allclose(found, degrees * np.pi / 180, atol=1e-4)
    np.testing.assert_allclose(
        head_angles(points * 2 + 0.5, SCHEMES["ibug68_3d"], 2 * SIZE), found, atol=1e-6
    )
    contour = points.copy()
    contour[:, :17] = random.random((40, 17, 2)) * 100  # a jaw on the visible contour takes no part
    np.testing.assert_allclose(head_angles(contour, SCHEMES["ibug68"], SIZE), found, atol=1e-6)


@pytest.mark.parametrize("name", [name for name, s in SCHEMES.items() if "ibug68_3d" in s.conversions])
def test_every_scheme_that_maps_to_the_model_has_angles(name: str) -> None:
    scheme = SCHEMES[name]
    points = np.stack([in_scheme(face(*pose), scheme) for pose in POSES])
    found = head_angles(points, scheme, SIZE)
    np.testing.assert_allclose(found, np.radians(POSES), atol=1e-3)


def test_what_shows_no_head_has_no_angles() -> None:
    scheme = SCHEMES["ibug68_3d"]
    nothing = np.full((68, 2), np.nan)
    few, enough = nothing.copy(), nothing.copy()
    few[list(RIGID[: FEWEST - 1])] = face(0, 30, 0)[list(RIGID[: FEWEST - 1])]
    enough[list(RIGID[:FEWEST])] = face(0, 30, 0)[list(RIGID[:FEWEST])]
    line = np.linspace(0, 100, 68)[:, None] * (1.0, 0.5)
    found = head_angles(np.stack([nothing, few, np.zeros((68, 2)), line, enough]), scheme, SIZE)
    assert np.isnan(found[:4]).all()
    np.testing.assert_allclose(found[4], [0, np.radians(30), 0], atol=1e-3)
    assert np.isnan(head_angles(np.random.default_rng(0).random((1, 5, 2)), SCHEMES["five"], SIZE)).all()
    assert head_angles(np.zeros((0, 68, 2)), scheme, SIZE).shape == (0, 3)


def test_classes_from_the_angles() -> None:
    codec = Pfld(SCHEMES["ibug68_3d"], SIZE)
    points = np.stack([face(*pose) for pose in POSES])
    targets = codec.encode(annotations(points, {}))
    # profile, frontal, up, down, and WFLW's attributes, which nothing states
    expected = [[0, 1, 0, 0], [1, 0, 0, 0], [0, 1, 1, 0], [1, 0, 0, 1]]
    assert targets["classes"].value.tolist() == [row + [0] * 5 for row in expected]
    np.testing.assert_allclose(targets["angles"].value.numpy(), np.radians(POSES), atol=1e-4)
    assert targets["angles"].weight.tolist() == [1.0, 1.0, 0.5, 1.0]


def test_classes_from_wflws_attributes() -> None:
    """Large pose is taken from the dataset where it says so; an attribute that is not stated is not there."""
    tags = {
        "subset/largepose": [1.0, 0.0, torch.nan, torch.nan],
        "subset/expression": [1.0, torch.nan, 0.0, 1.0],
        "subset/illumination": [0.0, 1.0, 0.0, 0.0],
        "subset/makeup": [0.0, 0.0, 1.0, 0.0],
        "subset/occlusion": [0.0, 0.0, 0.0, 1.0],
        "subset/blur": [1.0, 0.0, 0.0, 0.0],
    }
    points = np.stack([face(*pose) for pose in POSES])
    classes = Pfld(SCHEMES["ibug68_3d"], SIZE).encode(annotations(points, tags))["classes"].value
    assert classes.int().tolist() == [
        [1, 0, 0, 0, 1, 0, 0, 0, 1],
        [0, 1, 0, 0, 0, 1, 0, 0, 0],
        [0, 1, 1, 0, 0, 0, 1, 0, 0],
        [1, 0, 0, 1, 1, 0, 0, 1, 0],
    ]


def test_a_face_without_a_pose_is_frontal_and_teaches_its_points_alone() -> None:
    points = np.stack([face(*pose) for pose in POSES])
    points[1, list(RIGID)] = np.nan
    targets = Pfld(SCHEMES["ibug68_3d"], SIZE).encode(annotations(points, {}))
    assert targets["angles"].weight[1] == 0 and targets["angles"].value[1].tolist() == [0, 0, 0]
    assert targets["classes"].value[1].tolist() == [0, 1, *[0] * 7]
    outputs = {
        "points": torch.rand(4, 68, 2, requires_grad=True),
        "angles": torch.ones(4, 3, requires_grad=True),
    }
    loss = PfldLoss()(outputs, targets)
    loss.backward()
    assert torch.isfinite(loss) and outputs["points"].grad is not None and outputs["angles"].grad is not None
    assert (outputs["angles"].grad[1] == 0).all() and (outputs["angles"].grad[0] != 0).all()
    assert (outputs["points"].grad[1, :17] != 0).all() and (outputs["points"].grad[1, list(RIGID)] == 0).all()


def test_mirroring_changes_the_signs_of_yaw_and_roll() -> None:
    scheme = SCHEMES["ibug68_3d"]
    points = face(12, 30, -8)
    mirrored = points[list(scheme.flip)] * [-1, 1] + [111, 0]
    angles = head_angles(np.stack([points, mirrored]), scheme, SIZE)
    np.testing.assert_allclose(angles[1], angles[0] * [1, -1, -1], atol=0.02)


def cropped(dataset: SampleList) -> FloatArray:
    """The labels (N, K, 2) in the crops of PFLD's row."""
    rule = load_recipe("300w-pfld_1x").crop
    return np.stack([rule.crop(s.box, s.box_kind, SIZE).to_crop(s.points) for s in dataset])


def test_angles_of_real_heads(data: Path) -> None:
    """Against the fits that come with AFLW2000-3D: signs, order and size. Where a head looks straight ahead
    is a convention of each mean face: ours and theirs differ by a few degrees of pitch."""
    fits = DATASETS["aflw2000_3d"](data / "aflw2000_3d_original", "test")
    found = np.degrees(head_angles(cropped(fits), fits.scheme, SIZE))
    stated = np.array([[sample.tags[name] for name in ("pitch", "yaw", "roll")] for sample in fits])
    assert (np.abs(found - stated).mean(0) < (10, 6, 5)).all()
    assert all(
        np.corrcoef(found[:, i], stated[:, i])[0, 1] > bound for i, bound in enumerate((0.9, 0.95, 0.7))
    )
    faces = DATASETS["coco"](data / "aflw2000_merlrav", "test_3d")
    yaw = np.abs(np.degrees(head_angles(cropped(faces), faces.scheme, SIZE)[:, 1]))
    assert np.abs(yaw - [sample.tags["yaw_abs"] for sample in faces]).mean() < 5
