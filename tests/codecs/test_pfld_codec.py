from __future__ import annotations

import numpy as np
import pytest
import torch

from canthus.codecs.pfld import Pfld, head_angles
from canthus.geometry import FloatArray
from canthus.morphable_models import rotation_matrix, sparse_model
from canthus.sample import Annotations
from canthus.schemes import SCHEMES


def face(pitch: float, yaw: float, roll: float) -> FloatArray:
    """The mean shape of the package's model, turned by degrees and seen from far, in a crop of 112 px."""
    shape = sparse_model().at_landmarks().mean
    turned = (shape - shape.mean(0)) @ rotation_matrix([yaw, pitch, roll]).T
    flat = turned[:, :2] * [1, -1]
    return np.asarray(55.5 + 80 * flat / np.ptp(flat, axis=0).max())


POSES = [(0, 0, 0), (0, 40, 0), (20, 0, 0), (-20, -40, 5)]


def test_classes_and_angles_of_a_batch() -> None:
    points = torch.from_numpy(np.stack([face(*pose) for pose in POSES])).float()
    tags = {"subset/expression": torch.tensor([1.0, torch.nan, 0.0, 1.0])}
    weight = torch.tensor([1.0, 1.0, 0.5, 1.0])
    codec = Pfld(SCHEMES["ibug68_3d"], 112)
    targets = codec.encode(Annotations(points, torch.ones(4, 68), torch.ones(4), weight, tags))
    # profile, frontal, up, down, expression, occlusion
    expected = [[0, 1, 0, 0, 1, 0], [1, 0, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0], [1, 0, 0, 1, 1, 0]]
    assert targets["classes"].value.tolist() == expected
    np.testing.assert_allclose(targets["angles"].value.numpy(), np.radians(POSES), atol=0.01)
    assert targets["angles"].weight.tolist() == [1.0, 1.0, 0.5, 1.0]
    points[1] = torch.nan
    points[1, :3] = 10.0  # three points tell no pose: not taught, and frontal
    targets = codec.encode(Annotations(points, torch.ones(4, 68), torch.ones(4), weight, tags))
    assert targets["angles"].weight[1] == 0 and targets["angles"].value[1].tolist() == [0, 0, 0]
    assert targets["classes"].value[1].tolist() == [0, 1, 0, 0, 0, 0]


@pytest.mark.filterwarnings("error")
def test_what_shows_no_head_has_no_angles() -> None:
    assert np.isnan(head_angles(np.zeros((2, 68, 2)), SCHEMES["ibug68"])).all()
    assert np.isnan(head_angles(np.random.default_rng(0).random((1, 5, 2)), SCHEMES["five"])).all()
    assert np.isfinite(head_angles(face(0, 0, 0)[None], SCHEMES["ibug68"])).all()


def test_mirroring_changes_the_signs_of_yaw_and_roll() -> None:
    scheme = SCHEMES["ibug68_3d"]
    points = face(12, 30, -8)
    mirrored = points[list(scheme.flip)] * [-1, 1] + [111, 0]
    angles = head_angles(np.stack([points, mirrored]), scheme)
    np.testing.assert_allclose(angles[1], angles[0] * [1, -1, -1], atol=0.02)
    outputs = {"points": torch.rand(2, 68, 2), "angles": torch.from_numpy(angles)}
    flipped = Pfld(scheme, 112).mirror(outputs, scheme)["angles"].numpy()
    np.testing.assert_allclose(flipped, angles[::-1], atol=0.02)
