"""Parameters of 3DDFA's layout: points by hand, fits of labels, mirroring, shapes of a user."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from canthus.codecs.morphable_affine import MorphableAffine
from canthus.morphable_models import rotation_matrix, sparse_model
from canthus.morphable_models.morphable_model import save_model
from canthus.sample import Annotations
from canthus.schemes import SCHEMES

SCHEME = SCHEMES["ibug68_3d"]
SIZE = 120


def labels(points: np.ndarray) -> Annotations:
    batch = len(points)
    found = torch.from_numpy(points.astype(np.float32))
    return Annotations(found, torch.ones(batch, 68), torch.ones(batch), torch.ones(batch))


def faces(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, 68, 2) in crop px and depths (N, 68) in px of random faces of the package's model."""
    random = np.random.default_rng(2)
    turns = rotation_matrix(random.uniform((-60, -20, -20), (60, 20, 20), (count, 3)))
    inside = sparse_model().shape(0.5 * random.normal(size=(count, 24))) @ turns.transpose(0, 2, 1)
    scale = 33.0
    return inside[..., :2] * (scale, -scale) + (62.0, 57.0), scale * inside[..., 2]


def white(codec: MorphableAffine, real: list[float]) -> Tensor:
    return (torch.tensor([real]) - codec.parameter_mean) / codec.parameter_std


def test_points_by_hand() -> None:
    codec = MorphableAffine(SCHEME, SIZE, identity=2, expression=1)
    matrix = [2.0, 0.0, 0.0, 5.0, 0.0, 3.0, 0.0, 7.0, 0.0, 0.0, 4.0, 1.0]
    parameters = white(codec, [*matrix, 0.5, 0.0, -1.0])
    shape = sparse_model().mean + 0.5 * sparse_model().identity[0] - sparse_model().expression[0]
    decoded = codec.decode({"parameters": parameters})
    expected = np.stack([2 * shape[:, 0] + 5, 121 - (3 * shape[:, 1] + 7), 4 * shape[:, 2] + 1], -1)
    assert decoded.points3d is not None and decoded.coefficients is parameters
    np.testing.assert_allclose(decoded.points3d[0].numpy(), expected, atol=1e-4)
    np.testing.assert_allclose(decoded.points[0].numpy(), expected[:, :2], atol=1e-4)
    assert (decoded.scores == 1).all()
    from_one = MorphableAffine(SCHEME, SIZE, identity=2, expression=1, origin=1.0)
    moved = from_one.decode({"parameters": parameters}).points[0].numpy()
    np.testing.assert_allclose(moved, expected[:, :2] - 1, atol=1e-4)


@pytest.mark.parametrize("origin", [0.0, 1.0])
def test_labels_become_parameters_that_give_them_back(origin: float) -> None:
    codec = MorphableAffine(SCHEME, SIZE, origin=origin)
    points, depth = faces(12)
    targets = codec.encode(labels(points))
    assert codec.fields == {"parameters": (36,)} and codec.groups == (12, 16, 8)
    found = codec.decode({"parameters": targets["parameters"].value}).points3d
    assert found is not None
    assert np.abs(found[..., :2].numpy() - points).mean() < 0.15  # the prior holds the coefficients back
    relative = found[..., 2].numpy() - found[..., 2].numpy().mean(1, keepdims=True)
    assert np.abs(relative - (depth - depth.mean(1, keepdims=True))).mean() < 1.5
    np.testing.assert_allclose(targets["points3d"].value[..., :2].numpy(), points, atol=1e-4)
    np.testing.assert_allclose(targets["points3d"].value[..., 2], found[..., 2], atol=1e-2)
    assert targets["parameters"].value.abs().max() < 6 and targets["parameters"].weight.tolist() == [1.0] * 12


def test_what_has_no_position_teaches_nothing() -> None:
    codec = MorphableAffine(SCHEME, SIZE)
    points, _ = faces(3)
    points[0, 5] = np.nan
    points[1] = np.nan
    points[2] = 20.0
    targets = codec.encode(labels(points))
    assert targets["parameters"].weight.tolist() == [1.0, 0.0, 0.0]
    weight = targets["points3d"].weight
    assert weight[0, 5] == 0 and weight[0].sum() == 67 and weight[1:].sum() == 0
    assert all(torch.isfinite(target.value).all() for target in targets.values())


def test_mirroring_parameters_mirrors_points(tmp_path: Path) -> None:
    """Exactly for a shape that is closed under mirroring."""
    order, sign = list(SCHEME.flip), np.array([-1.0, 1.0, 1.0])
    mean, own = sparse_model().mean, sparse_model().identity[:3]
    model = replace(
        sparse_model(),
        mean=(mean + mean[order] * sign) / 2,
        identity=np.concatenate([own, own[:, order] * sign]),
        deviations=np.ones(14),
    )
    save_model(model, tmp_path / "even.npz")
    codec = MorphableAffine(SCHEME, SIZE, model=str(tmp_path / "even.npz"), expression=0, origin=1.0)
    outputs = {"parameters": torch.randn(3, 18, generator=torch.Generator().manual_seed(1))}
    straight, mirrored = codec.decode(outputs), codec.decode(codec.mirror(outputs, SCHEME))
    assert straight.points3d is not None and mirrored.points3d is not None
    expected = straight.points3d[:, order] * torch.tensor([-1.0, 1.0, 1.0])
    expected = expected + torch.tensor([SIZE - 1.0, 0.0, 0.0])
    torch.testing.assert_close(mirrored.points3d, expected, atol=1e-2, rtol=0)
    twice = codec.mirror(codec.mirror(outputs, SCHEME), SCHEME)
    torch.testing.assert_close(twice["parameters"], outputs["parameters"], atol=1e-2, rtol=0)
    own_shape = MorphableAffine(SCHEME, SIZE)
    random = {"parameters": torch.randn(3, 36, generator=torch.Generator().manual_seed(1))}
    found = own_shape.decode(own_shape.mirror(random, SCHEME)).points
    mirror = torch.tensor([-1.0, 1.0])
    wanted = own_shape.decode(random).points[:, order] * mirror + torch.tensor([SIZE - 1.0, 0.0])
    assert (found - wanted).abs().mean() < 0.3  # learnt, so nearly even


def test_coefficients_that_the_shape_has_not_move_nothing() -> None:
    codec = MorphableAffine(SCHEME, SIZE, identity=40, expression=10)
    assert codec.fields == {"parameters": (62,)}
    outputs = torch.randn(1, 62, generator=torch.Generator().manual_seed(2))
    other = outputs.clone()
    other[:, 12 + 16 : 12 + 40] += 3.0
    other[:, 12 + 40 + 8 :] += 3.0
    torch.testing.assert_close(codec.space(other), codec.space(outputs), atol=0, rtol=0)
    points, _ = faces(2)
    idle = codec.encode(labels(points))["parameters"].value[:, 28:52]
    assert idle.abs().max() < 1e-6


def test_a_shape_of_the_user(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    save_model(replace(sparse_model(), mean=2 * sparse_model().mean, source="mine", licence="secret"), path)
    codec = MorphableAffine(SCHEME, SIZE, model=str(path), identity=4)
    np.testing.assert_allclose(codec.mean_shape.numpy(), 2 * sparse_model().mean, rtol=1e-5)
    assert codec.facts() == {"shape_model": "mine", "shape_model_licence": "secret"}
    options = {"model": str(path), "identity": 4, "origin": 1.0}
    assert codec.stored_options(options) == {"identity": 4, "expression": 8, "origin": 1.0}
    with pytest.raises(
        ValueError, match="found a shape model of the scheme ibug68_3d, the recipe's is wflw98"
    ):
        MorphableAffine(SCHEMES["wflw98"], SIZE, model=str(path))
