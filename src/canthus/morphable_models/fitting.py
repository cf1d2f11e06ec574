"""Head pose and shape from 2D landmarks: regularised least squares on a morphable model, batched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.geometry import FloatArray
from canthus.morphable_models.camera import Camera, Orthographic, Perspective
from canthus.morphable_models.morphable_model import MorphableModel
from canthus.morphable_models.pose import euler_angles, small_rotation

#: Gauss-Newton steps. What they leave of the way to the optimum: under 0.01 degrees with all 68 points on the
#: head, about 0.3 degrees where the jaw is left out, which is little beside the error of either.
STEPS = 2
_CHUNK = 16  # faces solved at a time: more would not stay in the processor's cache
_FEWEST = 4  # points that determine a pose, with the shape held by its prior
#: The start lets each coordinate vary in so many directions, more loosely than the shape does.
_VARYING, _LOOSE = 12, 10.0
_UP = np.array([1.0, -1.0])
#: The products of two vectors' coordinates (9,) times this are their cross product.
_CROSS = np.cross(np.eye(3)[:, None], np.eye(3)).reshape(9, 3)
#: A turn about x, y or z moves a point by itself (a row) times these.
_TURNS = np.cross(np.eye(3)[:, None], np.eye(3))  # (3, 3, 3)


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
    camera = camera or Orthographic()
    center = np.array(camera.center if isinstance(camera, Perspective) else (0.0, 0.0))
    observed = _checked(model, points)
    state = _solve(model, observed - center, weights, camera, steps)
    inside = model.shape(state.coefficients) @ state.rotation.transpose(0, 2, 1)
    places = camera.project(inside, state.parameters) * (1.0, -1.0) + center
    depth = inside[..., 2] * camera.scale(state.parameters)[:, None]
    points3d = np.concatenate([places, depth[..., None]], axis=-1)
    trust = _trust(observed, weights)
    missed = np.where(trust > 0, np.square(observed - places).sum(-1), 0.0)
    with np.errstate(invalid="ignore"):  # faces without a point have no residual
        residual = np.sqrt((trust * missed).sum(1) / trust.sum(1))
    residual[np.isnan(state.parameters[:, 0])] = np.nan
    return Fit(state.rotation, camera, state.parameters, state.coefficients, places, points3d, residual)


def fit_pose(model: MorphableModel, points: ArrayLike, weights: ArrayLike | None = None) -> FloatArray:
    """`fit(...).pose` alone, (N, 3), which takes less time."""
    model = model.at_landmarks()
    return euler_angles(_solve(model, _checked(model, points), weights, Orthographic(), STEPS).rotation)


def _checked(model: MorphableModel, points: ArrayLike) -> FloatArray:
    observed = np.asarray(points, dtype=np.float64)
    if observed.ndim != 3 or observed.shape[1:] != (len(model.mean), 2):
        raise ValueError(
            f"found points {observed.shape}, expected (N, {len(model.mean)}, 2) of scheme {model.scheme}"
        )
    return observed


def _trust(points: FloatArray, weights: ArrayLike | None) -> FloatArray:
    """The weights (N, P), 0 for points that are not known."""
    trust = np.isfinite(points[..., 0] + points[..., 1]).astype(np.float64)
    if weights is not None:
        trust *= np.nan_to_num(np.asarray(weights, dtype=np.float64))
    return trust


@dataclass(frozen=True, eq=False)
class _State:
    """What is solved for: rotation (N, 3, 3), camera parameters (N, 3), coefficients (N, C)."""

    rotation: FloatArray
    parameters: FloatArray
    coefficients: FloatArray


class _Shape:
    """What a fit to some of a model's points reads, laid out for it.

    `mean` (P, 3); `basis` (C P, 3); `precision` (C,) of the prior, in units of the noise. `frame`
    (P, 4 + V): mean, ones, and the V main directions in which a coordinate of the points varies, whatever
    the pose; `hold` (4 + V, 4 + V) is their prior.
    """

    def __init__(self, model: MorphableModel, used: NDArray[np.bool_]) -> None:
        self.mean = model.mean[used]
        self.size = model.size
        basis = np.ascontiguousarray(model.basis[:, used])
        self.basis = basis.reshape(basis[..., 0].size, 3)
        self.flat = basis.reshape(self.size, self.mean.size)
        self.precision = (model.noise / model.deviations) ** 2
        spread = (model.basis * model.deviations[:, None, None]).transpose(0, 2, 1)
        spread = spread.reshape(3 * self.size, len(model.mean))
        _, length, ways = np.linalg.svd(spread / np.sqrt(3), full_matrices=False)
        varying = (length[:_VARYING, None] * ways[:_VARYING, used]).T
        self.frame = np.concatenate([self.mean, np.ones((len(self.mean), 1)), varying], axis=1)
        held = np.full(varying.shape[1], _LOOSE * model.noise**2)
        self.hold = np.diag([*np.full(4, 1e-6 * np.square(model.mean).sum()), *held])


@lru_cache(maxsize=8)
def _shape_of(model: MorphableModel, used: bytes) -> _Shape:
    return _Shape(model, np.frombuffer(used, dtype=np.bool_))


def _solve(
    model: MorphableModel, points: FloatArray, weights: ArrayLike | None, camera: Camera, steps: int
) -> _State:
    """The fit to points (N, P, 2) px, y down, from the camera's centre; NaN rows for faces with too few."""
    trust = _trust(points, weights)
    used = np.asarray(trust.any(axis=0))
    if np.count_nonzero(used) < _FEWEST:
        used[:] = True
    shape = _shape_of(model, used.tobytes())
    plane, trust = points[:, used] * _UP, trust[:, used]
    lacking = None
    if not trust.all():
        plane[trust == 0] = 0.0
        lacking = np.count_nonzero(trust, axis=1) < _FEWEST
        trust[lacking] = 1.0  # solved all the same, then struck out
    parts = []
    for first in range(0, max(len(plane), 1), _CHUNK):
        part, sure = plane[first : first + _CHUNK], trust[first : first + _CHUNK]
        state = _start(shape, part, sure, camera)
        root = np.sqrt(sure)[:, None, :, None]
        for _ in range(steps):
            state = _stepped(shape, part, root, camera, state)
        parts.append((state.rotation, state.parameters, state.coefficients))
    solved = parts[0] if len(parts) == 1 else [np.concatenate(each) for each in zip(*parts, strict=True)]
    if lacking is not None:
        for value in solved:
            value[lacking] = np.nan
    return _State(*solved)


def _start(shape: _Shape, plane: FloatArray, trust: FloatArray, camera: Camera) -> _State:
    """The mean shape under an affine camera, made a rotation and a scale."""
    weighted = (shape.frame * trust[..., None]).transpose(0, 2, 1)
    found = np.linalg.solve(weighted @ shape.frame + shape.hold, weighted @ plane)  # (N, 4 + V, 2)
    left, singular, right = np.linalg.svd(found[:, :3].transpose(0, 2, 1), full_matrices=False)
    rotation = np.empty((len(plane), 3, 3))
    rows = np.matmul(left, right, out=rotation[:, :2])
    np.matmul((rows[:, 0, :, None] * rows[:, 1, None]).reshape(len(plane), 9), _CROSS, out=rotation[:, 2])
    scale = np.maximum(singular.sum(axis=1) / 2, 1e-9)
    return _State(rotation, camera.start(scale, found[:, 3]), np.zeros((len(plane), shape.size)))


def _stepped(shape: _Shape, plane: FloatArray, root: FloatArray, camera: Camera, state: _State) -> _State:
    """One Gauss-Newton step of the weighted squares and the coefficients' prior; `root` (N, 1, P, 1) of the
    weights."""
    (count, size), points = state.coefficients.shape, len(shape.mean)
    back = state.rotation.transpose(0, 2, 1)
    inside = (shape.mean + (state.coefficients @ shape.flat).reshape(count, points, 3)) @ back
    ways = np.empty((count, 3 + size, points, 3))
    np.matmul(inside[:, None], _TURNS, out=ways[:, :3])
    np.matmul(shape.basis, back, out=ways[:, 3:].reshape(count, size * points, 3))
    jacobian = camera.derivatives(inside, state.parameters, ways)
    jacobian *= root
    missed = plane - camera.project(inside, state.parameters)
    missed *= root[:, 0]
    columns = jacobian.reshape(count, size + 6, 2 * points)
    prior = shape.precision * np.square(camera.scale(state.parameters))[:, None]
    gradient = columns @ missed.reshape(count, 2 * points, 1)
    gradient[:, 3:-3, 0] -= prior * state.coefficients
    hessian = columns @ columns.transpose(0, 2, 1)
    diagonal = hessian.reshape(count, (size + 6) ** 2)[:, :: size + 7]
    diagonal *= 1 + 1e-9
    diagonal[:, 3:-3] += prior
    step = np.linalg.solve(hessian, gradient)[..., 0]
    return _State(
        small_rotation(step[:, :3]) @ state.rotation,
        state.parameters + step[:, -3:],
        state.coefficients + step[:, 3:-3],
    )
