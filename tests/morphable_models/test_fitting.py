"""Poses and shapes are recovered from points whose truth is known."""

import numpy as np
import pytest

from canthus.morphable_models import (
    MorphableModel,
    Orthographic,
    Perspective,
    fit,
    fit_pose,
    rotation_matrix,
)
from canthus.morphable_models.fitting import _CHUNK

RANDOM = np.random.default_rng(0)
POINTS = 30


def made(noise: float = 1e-4) -> MorphableModel:
    """A bumpy shape with four directions of change."""
    random = np.random.default_rng(3)
    return MorphableModel(
        mean=random.normal(size=(POINTS, 3)),
        identity=0.1 * random.normal(size=(3, POINTS, 3)),
        expression=0.1 * random.normal(size=(1, POINTS, 3)),
        deviations=np.array([1.0, 1.0, 1.0, 0.5]),
        scheme="made",
        noise=noise,
        source="made",
        licence="none",
    )


def truth(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Angles (N, 3) in degrees and coefficients (N, 4)."""
    angles = RANDOM.uniform((-70, -30, -40), (70, 30, 40), (count, 3))
    return angles, RANDOM.normal(size=(count, 4)) * (1, 1, 1, 0.5)


def test_orthographic_views_give_back_pose_scale_place_and_shape() -> None:
    model = made()
    angles, coefficients = truth(_CHUNK + 3)  # more than are solved at a time
    inside = model.shape(coefficients) @ rotation_matrix(angles).transpose(0, 2, 1)
    scale, shift = 40.0, np.array([120.0, 90.0])
    points = inside[..., :2] * (scale, -scale) + shift
    found = fit(model, points, steps=8)
    np.testing.assert_allclose(found.pose, angles, atol=0.01)
    np.testing.assert_allclose(found.coefficients, coefficients, atol=1e-3)
    np.testing.assert_allclose(
        found.parameters, np.tile((scale, shift[0], -shift[1]), (len(points), 1)), rtol=1e-3
    )
    np.testing.assert_allclose(found.points, points, atol=0.02)
    np.testing.assert_allclose(found.points3d[..., 2], scale * inside[..., 2], atol=0.05)
    assert found.residual.max() < 0.02


def test_perspective_views_give_back_the_distance() -> None:
    model = made()
    angles, coefficients = truth(5)
    inside = model.shape(coefficients) @ rotation_matrix(angles).transpose(0, 2, 1)
    place = np.array([0.4, -0.3, 12.0])
    focal, center = 600.0, (320.0, 240.0)
    plane = focal * (inside[..., :2] + place[:2]) / (place[2] - inside[..., 2:])
    points = plane * (1.0, -1.0) + center
    found = fit(model, points, camera=Perspective(focal, center), steps=12)
    np.testing.assert_allclose(found.pose, angles, atol=0.01)
    np.testing.assert_allclose(found.parameters, np.tile(place, (5, 1)), rtol=2e-3)
    np.testing.assert_allclose(found.points, points, atol=0.02)


def test_a_point_without_weight_or_position_changes_nothing() -> None:
    model = made(noise=0.05)
    angles, coefficients = truth(4)
    inside = model.shape(coefficients) @ rotation_matrix(angles).transpose(0, 2, 1)
    points = inside[..., :2] * (40.0, -40.0)
    weights = np.ones(points.shape[:2])
    weights[:, 7] = 0
    absent, wild = points.copy(), points.copy()
    absent[:, 7] = np.nan
    wild[:, 7] += 1000.0
    np.testing.assert_allclose(fit(model, absent).pose, fit(model, wild, weights).pose, atol=1e-9)
    assert np.abs(fit(model, wild).pose - fit(model, points).pose).max() > 1


def test_the_prior_holds_the_shape_where_points_are_few() -> None:
    model = made(noise=0.05)
    points = np.full((1, POINTS, 2), np.nan)
    points[0, :6] = model.mean[:6, :2] * (40.0, -40.0) + RANDOM.normal(size=(6, 2))
    assert np.abs(fit(model, points).coefficients).max() < 2
    points[0, 3:] = np.nan
    assert np.isnan(fit(model, points).pose).all()  # three points are too few
    assert fit(model, np.zeros((0, POINTS, 2))).pose.shape == (0, 3)


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(ValueError, match=r"expected \(N, 30, 2\)"):
        fit(made(), np.zeros((1, 68, 2)))
    with pytest.raises(ValueError, match=r"expected \(\.\.\., 4\): 3 of identity, 1 of expression"):
        made().shape(np.zeros(3))


@pytest.mark.parametrize("camera", [Orthographic(), Perspective(500.0, (0.0, 0.0))])
def test_derivatives_of_cameras(camera: Orthographic | Perspective) -> None:
    """Those by ways in space and by each parameter against finite differences."""
    points, ways = RANDOM.normal(size=(2, 5, 3)), RANDOM.normal(size=(2, 4, 5, 3))
    parameters = np.array([[3.0, 0.2, 8.0], [2.0, -0.4, 9.0]])
    found = camera.derivatives(points, parameters, ways)
    assert found.shape == (2, 7, 5, 2)
    seen, step = camera.project(points, parameters), 1e-6
    for number in range(7):
        moved, changed = points, parameters.copy()
        if number < 4:
            moved = points + step * ways[:, number]
        else:
            changed[:, number - 4] += step
        numeric = (camera.project(moved, changed) - seen) / step
        np.testing.assert_allclose(found[:, number], numeric, rtol=1e-4, atol=1e-4)


def test_the_pose_alone_is_that_of_the_fit() -> None:
    model = made(noise=0.05)
    angles, coefficients = truth(5)
    inside = model.shape(coefficients) @ rotation_matrix(angles).transpose(0, 2, 1)
    points = inside[..., :2] * (40.0, -40.0) + RANDOM.normal(size=(5, POINTS, 2))
    points[1, :3] = np.nan
    points[2, 2:] = np.nan
    weights = RANDOM.uniform(0.2, 1, points.shape[:2])
    np.testing.assert_allclose(fit_pose(model, points, weights), fit(model, points, weights).pose, atol=1e-6)
    each = [fit_pose(model, points[i : i + 1], weights[i : i + 1])[0] for i in range(5)]
    np.testing.assert_allclose(each, fit_pose(model, points, weights), atol=1e-6)
    assert np.isnan(each[2]).all()
