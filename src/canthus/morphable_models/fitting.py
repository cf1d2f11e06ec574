"""Head pose and shape from 2D landmarks: regularised least squares on a morphable model, batched."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from canthus.geometry import FloatArray
from canthus.morphable_models.camera import Camera, Orthographic, Perspective, Projected
from canthus.morphable_models.morphable_model import MorphableModel
from canthus.morphable_models.pose import euler_angles, exponential

#: Gauss-Newton steps: on real faces the angles move by less than 0.01 degrees afterwards.
STEPS = 2
_CHUNK = 16  # faces solved at a time: more would not stay in the processor's cache
_FEWEST = 4  # points that determine a pose, with the shape held by its prior


@dataclass(frozen=True, eq=False)
class Fit:
    """N faces as the model sees them; NaN where a face has too few points.

    `rotation` (N, 3, 3) from the model to the camera frame; `camera` and its `parameters` (N, 3), see
    `Orthographic` and `Perspective` (shifts with y up); `coefficients` (N, I + E); `points` (N, P, 2) image
    px; `points3d` (N, P, 3): x and y of `points`, z in px toward the viewer, 0 at the model's origin;
    `residual` (N,): root mean square distance in px of the points that were given.
    """

    rotation: FloatArray
    camera: Camera
    parameters: FloatArray
    coefficients: FloatArray
    points: FloatArray
    points3d: FloatArray
    residual: FloatArray

    @property
    def pose(self) -> FloatArray:
        """Yaw, pitch, roll (N, 3) in degrees: see `canthus.morphable_models.pose`."""
        return euler_angles(self.rotation)


def fit(
    model: MorphableModel,
    points: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    camera: Camera | None = None,
    steps: int = STEPS,
) -> Fit:
    """Fit `model` (its landmarks) to points (N, P, 2) in image px, NaN where a point is not known.

    `weights` (N, P) in [0, 1], for instance visibilities: 0 leaves a point out. `camera`: scaled
    orthographic unless a `Perspective` is given. Least squares in px, the coefficients held by their
    deviations against the model's noise (the posterior mode); started from the mean shape seen by an affine
    camera (DeMenthon and Davis 1995), then Gauss-Newton over rotation, camera and coefficients together.
    """
    model = model.at_landmarks()
    observed = np.asarray(points, dtype=np.float64)
    if observed.ndim != 3 or observed.shape[1:] != (len(model.mean), 2):
        raise ValueError(
            f"found points {observed.shape}, expected (N, {len(model.mean)}, 2) of scheme {model.scheme}"
        )
    known = np.asarray(np.isfinite(observed).all(-1))
    trust = known.astype(np.float64)
    if weights is not None:
        trust *= np.nan_to_num(np.asarray(weights, dtype=np.float64))
    camera = camera or Orthographic()
    center = np.array(camera.center if isinstance(camera, Perspective) else (0.0, 0.0))
    plane = (np.where(known[..., None], observed, center) - center) * (1.0, -1.0)
    enough = np.asarray((trust > 0).sum(1) >= _FEWEST)
    trust[~enough] = 1.0  # solved all the same, then struck out
    starts = range(0, max(len(plane), 1), _CHUNK)
    state = _joined(
        [_solved(model, plane[i : i + _CHUNK], trust[i : i + _CHUNK], camera, steps) for i in starts]
    )
    inside = model.shape(state.coefficients) @ state.rotation.transpose(0, 2, 1)
    seen = camera.project(inside, state.parameters).points
    squared = np.asarray((trust * ((plane - seen) ** 2).sum(-1)).sum(1) / trust.sum(1))
    depth = inside[..., 2] * camera.scale(state.parameters)[:, None]
    places = seen * (1.0, -1.0) + center
    for value in (state.rotation, state.parameters, state.coefficients, places, depth, squared):
        value[~enough] = np.nan
    points3d = np.concatenate([places, depth[..., None]], axis=-1)
    return Fit(
        state.rotation, camera, state.parameters, state.coefficients, places, points3d, np.sqrt(squared)
    )


@dataclass(frozen=True, eq=False)
class _State:
    """What is solved for: rotation (N, 3, 3), camera parameters (N, 3), coefficients (N, C)."""

    rotation: FloatArray
    parameters: FloatArray
    coefficients: FloatArray


def _solved(
    model: MorphableModel, plane: FloatArray, trust: FloatArray, camera: Camera, steps: int
) -> _State:
    state = _start(model, plane, trust, camera)
    for _ in range(steps):
        state = _stepped(model, plane, trust, camera, state)
    return state


def _joined(parts: list[_State]) -> _State:
    return _State(
        np.concatenate([part.rotation for part in parts]),
        np.concatenate([part.parameters for part in parts]),
        np.concatenate([part.coefficients for part in parts]),
    )


def _start(model: MorphableModel, plane: FloatArray, trust: FloatArray, camera: Camera) -> _State:
    """The mean shape under an affine camera, made a rotation and a scale."""
    share = trust / trust.sum(1, keepdims=True)
    shape_center = share @ model.mean
    plane_center = (share[:, None] @ plane)[:, 0]
    shape = model.mean - shape_center[:, None]
    weighted = (shape * share[..., None]).transpose(0, 2, 1)
    spread = weighted @ shape
    spread += 1e-6 * np.trace(spread, axis1=1, axis2=2)[:, None, None] * np.eye(3)
    affine = np.linalg.solve(spread, weighted @ (plane - plane_center[:, None])).transpose(0, 2, 1)
    left, singular, right = np.linalg.svd(affine, full_matrices=False)
    rows = left @ right
    rotation = np.concatenate([rows, np.cross(rows[:, 0], rows[:, 1])[:, None]], axis=1)
    scale = np.maximum(singular.mean(1), 1e-9)
    shift = plane_center - scale[:, None] * (rows @ shape_center[..., None])[..., 0]
    return _State(rotation, camera.start(scale, shift), np.zeros((len(plane), model.size)))


def _stepped(
    model: MorphableModel, plane: FloatArray, trust: FloatArray, camera: Camera, state: _State
) -> _State:
    """One Gauss-Newton step of the weighted squares and the coefficients' prior."""
    inside = model.shape(state.coefficients) @ state.rotation.transpose(0, 2, 1)
    seen = camera.project(inside, state.parameters)
    variance = (model.noise * camera.scale(state.parameters))[:, None] ** 2
    jacobian = _jacobian(inside, seen, state.rotation, model.basis)
    count, rows, size = jacobian.shape
    weighted = (jacobian * np.repeat(trust, 2, axis=1)[..., None]).transpose(0, 2, 1)
    gradient = (weighted @ (plane - seen.points).reshape(count, rows, 1))[..., 0]
    gradient[:, 6:] -= variance * state.coefficients / model.deviations**2
    hessian = weighted @ jacobian
    diagonal = hessian.reshape(count, size * size)[:, :: size + 1]
    diagonal *= 1 + 1e-9
    diagonal[:, 6:] += variance / model.deviations**2
    step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
    return _State(
        exponential(step[:, :3]) @ state.rotation,
        state.parameters + step[:, 3:6],
        state.coefficients + step[:, 6:],
    )


def _jacobian(inside: FloatArray, seen: Projected, rotation: FloatArray, basis: FloatArray) -> FloatArray:
    """Derivative (N, 2 P, 3 + 3 + C) of the projected points by a turn of the camera frame, by the camera
    and by the coefficients of `basis` (C, P, 3)."""
    n, p = inside.shape[:2]
    turned = (seen.by_points.reshape(n, 2 * p, 3) @ rotation).reshape(n, p, 2, 3)
    columns = np.empty((n, p, 2, 6 + len(basis)))
    x, y, z = np.moveaxis(inside[:, :, None], -1, 0)
    a, b, c = np.moveaxis(seen.by_points, -1, 0)
    columns[..., 0], columns[..., 1], columns[..., 2] = c * y - b * z, a * z - c * x, b * x - a * y
    columns[..., 3:6] = seen.by_parameters
    columns[..., 6:] = 0.0
    for axis in range(3):
        columns[..., 6:] += turned[..., axis, None] * basis[:, :, axis].T[:, None]
    return columns.reshape(n, 2 * p, 6 + len(basis))
