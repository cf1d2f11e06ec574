"""A shape model learnt from views of a known one."""

from pathlib import Path

import numpy as np
import pytest

from canthus.morphable_models import MorphableModel, euler_angles, fit, rotation_matrix, sparse_model
from canthus.morphable_models.alignment import rotation_distance
from canthus.morphable_models.learning import learn, split_expression
from canthus.morphable_models.morphable_model import load_model, save_model
from canthus.schemes import SCHEMES

SCHEME = SCHEMES["ibug68_3d"]
FLIP = list(SCHEME.flip)


def symmetric(count: int) -> tuple[np.ndarray, np.ndarray]:
    """The shipped mean face and `count` symmetric directions."""
    random = np.random.default_rng(1)
    basis = 0.06 * random.normal(size=(count, 68, 3))
    return sparse_model().mean, (basis + basis[:, FLIP] * (-1, 1, 1)) / 2


def views(mean: np.ndarray, basis: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Image points of the shapes in random poses, and the rotations."""
    random = np.random.default_rng(2)
    rotation = rotation_matrix(random.uniform((-60, -25, -20), (60, 25, 20), (len(z), 3)))
    inside = (mean + np.tensordot(z, basis, axes=1)) @ rotation.transpose(0, 2, 1)
    return inside[..., :2] * (50.0, -50.0) + 100.0, rotation


def test_a_known_shape_is_found_again() -> None:
    mean, basis = symmetric(2)
    points, rotation = views(mean, basis, np.random.default_rng(3).normal(size=(80, 2)))
    model = learn(points, SCHEME, 2, iterations=20)
    found = fit(model, points, steps=6)
    distance = np.linalg.norm(found.points - points, axis=-1)
    assert distance.mean() < 0.2  # px, of faces about 100 px large
    constant = found.rotation @ rotation.transpose(0, 2, 1)
    assert rotation_distance(constant, np.broadcast_to(np.eye(3), constant.shape)).mean() < 3
    unchanged = learn(points, SCHEME, 2, iterations=1)
    assert np.linalg.norm(fit(unchanged, points, steps=6).points - points, axis=-1).mean() > distance.mean()


def test_what_moves_within_a_person_becomes_expression() -> None:
    mean, basis = symmetric(3)
    random = np.random.default_rng(4)
    persons = [str(i // 4) for i in range(120)]
    z = np.repeat(random.normal(size=(30, 3)), 4, axis=0)
    z[:, 1] = random.normal(size=120)  # only the second direction differs between a person's pictures
    points, _ = views(mean, basis, z)
    model = MorphableModel(mean, basis, np.zeros((0, 68, 3)), np.ones(3), SCHEME.name, 0.01, "made", "none")
    turned = split_expression(model, points, persons, 1)
    direction = turned.expression[0].ravel()
    truth = basis[1].ravel()
    assert abs(direction @ truth) / np.linalg.norm(direction) / np.linalg.norm(truth) > 0.99
    before, after = fit(model, points, steps=6), fit(turned, points, steps=6)
    np.testing.assert_allclose(before.points, after.points, atol=1e-6)


def test_incomplete_faces_are_refused() -> None:
    with pytest.raises(ValueError, match="complete faces"):
        learn(np.full((4, 68, 2), np.nan), SCHEME, 1)


def test_the_shipped_model() -> None:
    """Nose in front, left and right alike, and a face from the front has no angles."""
    model = sparse_model()
    mean = model.mean
    np.testing.assert_allclose(mean[FLIP] * (-1, 1, 1), mean, atol=0.02)
    assert mean[30, 2] == mean[17:, 2].max()
    assert mean[45, 0] > 0 > mean[36, 0]
    front = mean[None, :, :2] * (100.0, -100.0)
    np.testing.assert_allclose(euler_angles(fit(model, front).rotation), 0, atol=0.5)
    assert (model.scheme, len(model.identity), len(model.expression)) == ("ibug68_3d", 16, 8)


def test_files(tmp_path: Path) -> None:
    model = sparse_model()
    save_model(model, tmp_path / "a.npz")
    again = load_model(tmp_path / "a.npz")
    np.testing.assert_allclose(again.basis, model.basis)
    assert again.licence == model.licence
    (tmp_path / "b.npz").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="not a morphable model"):
        load_model(tmp_path / "b.npz")
    with pytest.raises(FileNotFoundError, match="no such"):
        load_model(tmp_path / "c.npz")
