"""A morphable model from 2D landmarks alone: non-rigid structure from motion.

Every picture is taken for a scaled orthographic view of `mean + basis . z`, z standard normal, plus noise
(Torresani, Hertzmann and Bregler 2008). The start is the rigid factorisation of Tomasi and Kanade (1992)
with its metric upgrade; expectation maximisation then alternates between the posterior of z, the poses and
the shapes. Every picture counts a second time mirrored, so that the model is symmetric.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from canthus.geometry import FloatArray
from canthus.morphable_models.camera import Orthographic
from canthus.morphable_models.fitting import fit
from canthus.morphable_models.morphable_model import MorphableModel
from canthus.morphable_models.pose import exponential
from canthus.schemes import Scheme


@dataclass(frozen=True)
class Landmarks3D:
    """Which points show the axes of a face: pairs lie left and right, `top` above `bottom`, `front` before
    the mean of the others."""

    top: tuple[int, ...]
    bottom: tuple[int, ...]
    front: tuple[int, ...]


#: For the 68 points of iBUG: brows above the chin, the tip of the nose before the rest.
AXES68 = Landmarks3D(top=tuple(range(17, 27)), bottom=(7, 8, 9), front=(30,))


def learn(
    points: FloatArray, scheme: Scheme, components: int, *, iterations: int = 60, axes: Landmarks3D = AXES68
) -> MorphableModel:
    """A model with `components` directions, all in `identity`, from complete points (F, P, 2) in image px.

    Its unit of length is the root mean square distance of a mean face's points from their centre.
    """
    flat = normalised(points)
    views = np.concatenate([flat, flat[:, list(scheme.flip)] * (-1.0, 1.0)])
    mean = _rigid(views, scheme, axes)
    state = _poses(views, mean)
    random = np.random.default_rng(0)
    basis: FloatArray = 0.02 * random.standard_normal((components, *mean.shape))
    variance = 0.01
    for _ in range(iterations):
        mean, basis, variance, state = _improved(views, mean, basis, variance, state)
    size = float(np.sqrt((mean**2).sum(1).mean()))
    return MorphableModel(
        mean=mean / size,
        identity=basis / size,
        expression=np.zeros((0, *mean.shape)),
        deviations=np.ones(components),
        scheme=scheme.name,
        noise=float(np.sqrt(variance)) / size,
        source="",
        licence="",
    )


def normalised(points: FloatArray) -> FloatArray:
    """Points (F, P, 2) with y up, centred, their root mean square distance from the centre 1."""
    up = np.asarray(points, dtype=np.float64) * (1.0, -1.0)
    if not np.isfinite(up).all():
        raise ValueError("learning a shape needs complete faces; found points without a position")
    up = up - up.mean(1, keepdims=True)
    return np.asarray(up / np.sqrt((up**2).sum(-1).mean(1))[:, None, None])


def split_expression(
    model: MorphableModel, points: FloatArray, persons: list[str], expressions: int
) -> MorphableModel:
    """The same model in coordinates that tell expression from identity.

    `points` (F, P, 2) in image px, NaN where unknown, of several pictures for each of `persons` (F,). How the
    points of one person move between pictures is taken apart into principal components; the model's part
    that spans the first `expressions` of them becomes `expression`, what is left `identity`. The
    coefficients are only turned: they stay standard normal, and what the model can show stays the same.
    """
    coefficients = fit(model, points).coefficients
    kept = np.isfinite(coefficients).all(1)
    names = np.array(persons)[kept]
    by_person = [coefficients[kept][names == name] for name in np.unique(names)]
    changes = np.concatenate([rows - rows.mean(0) for rows in by_person if len(rows) > 1])
    rows = model.basis.reshape(model.size, -1)
    left, singular, _ = np.linalg.svd(rows, full_matrices=False)
    to_length = left * singular  # |coefficients @ to_length| is how far the points move
    moved = np.linalg.svd(changes @ to_length, full_matrices=False)[2][:expressions].T
    spanned = left @ (moved / singular[:, None])
    turn = np.linalg.qr(np.concatenate([spanned, np.eye(model.size)], axis=1))[0].T
    turned = np.tensordot(turn, model.basis, axes=1)
    return replace(model, identity=turned[expressions:], expression=turned[:expressions])


@dataclass(frozen=True, eq=False)
class _Views:
    """The pose of each view: `cameras` (F, 2, 3), the first rows of a rotation times a scale; `shifts`
    (F, 2)."""

    cameras: FloatArray
    shifts: FloatArray


def _rigid(views: FloatArray, scheme: Scheme, axes: Landmarks3D) -> FloatArray:
    """The mean shape (P, 3) in the model frame, from the best three dimensions of all views (F, P, 2)."""
    stacked = views.transpose(0, 2, 1).reshape(2 * len(views), -1)
    left, singular, right = np.linalg.svd(stacked, full_matrices=False)
    motion, shape = left[:, :3] * singular[:3], right[:3]
    first, second = motion[0::2], motion[1::2]
    rows = np.concatenate(
        [
            _products(first, first) - _products(second, second),
            _products(first, second),
            (_products(first, first) + _products(second, second)).mean(0, keepdims=True) * len(views),
        ]
    )
    wanted = np.zeros(len(rows))
    wanted[-1] = 2 * len(views)
    a, b, c, d, e, f = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    values, vectors = np.linalg.eigh(np.array([[a, b, c], [b, d, e], [c, e, f]]))
    if values[0] <= 0:
        raise ValueError("the views do not determine a shape: they turn too little")
    return _in_face_frame(np.linalg.solve(vectors * np.sqrt(values), shape).T, scheme, axes)


def _products(a: FloatArray, b: FloatArray) -> FloatArray:
    """Coefficients (F, 6) of a' Q b in the six entries of a symmetric Q."""
    cross = [a[:, i] * b[:, j] + (a[:, j] * b[:, i] if i != j else 0) for i in range(3) for j in range(i, 3)]
    return np.stack(cross, axis=1)


def _in_face_frame(shape: FloatArray, scheme: Scheme, axes: Landmarks3D) -> FloatArray:
    """Turned to the model frame; of the two depths that views cannot tell apart, the nose in front."""
    flip = np.array(scheme.flip)
    right = np.arange(len(flip)) < flip
    across = (shape[flip[right]] - shape[right]).mean(0)
    across /= np.linalg.norm(across)
    up = shape[list(axes.top)].mean(0) - shape[list(axes.bottom)].mean(0)
    up -= across * (up @ across)
    up /= np.linalg.norm(up)
    turned = shape @ np.stack([across, up, np.cross(across, up)], axis=1)
    turned -= turned.mean(0)
    if turned[list(axes.front), 2].mean() < 0:
        turned[:, 2] *= -1
    return np.asarray((turned + turned[flip] * (-1.0, 1.0, 1.0)) / 2)


def _poses(views: FloatArray, mean: FloatArray) -> _Views:
    """Poses of the mean shape."""
    rigid = MorphableModel(
        mean=mean,
        identity=np.zeros((0, *mean.shape)),
        expression=np.zeros((0, *mean.shape)),
        deviations=np.zeros(0),
        scheme="",
        noise=1.0,
        source="",
        licence="",
    )
    found = fit(rigid, views * (1.0, -1.0), camera=Orthographic())
    scale, shifts = found.parameters[:, 0], found.parameters[:, 1:]
    return _Views(found.rotation[:, :2] * scale[:, None, None], shifts)


def _improved(
    views: FloatArray, mean: FloatArray, basis: FloatArray, variance: float, state: _Views
) -> tuple[FloatArray, FloatArray, float, _Views]:
    """One round of expectation maximisation."""
    count, components = len(views), len(basis)
    seen = (state.cameras[:, None] @ basis.transpose(1, 2, 0)).reshape(count, -1, components)
    rest = views - mean @ state.cameras.transpose(0, 2, 1) - state.shifts[:, None]
    rest = rest.reshape(count, -1, 1)
    gram = seen.transpose(0, 2, 1) @ seen
    spread = np.linalg.inv(gram / variance + np.eye(components))
    z = (spread @ (seen.transpose(0, 2, 1) @ rest))[..., 0] / variance
    left = rest - seen @ z[..., None]
    variance = float(((left**2).sum() + (gram * spread).sum()) / left.size)
    state = _turned(views, mean + np.tensordot(z, basis, axes=1), state)
    mean, basis = _shapes(views, state, z, spread)
    center = z.mean(0)
    mean = mean + np.tensordot(center, basis, axes=1)
    z = z - center
    second = spread.mean(0) + z.T @ z / count
    basis = np.tensordot(np.linalg.cholesky(second).T, basis, axes=1)
    mean = mean - mean.mean(0)
    return mean, _without_motions(mean, basis), variance, state


def _turned(views: FloatArray, shapes: FloatArray, state: _Views) -> _Views:
    """One Gauss-Newton step of every pose for the shapes (F, P, 3)."""
    scale = np.linalg.norm(state.cameras, axis=2).mean(1)
    rows = state.cameras / scale[:, None, None]
    rotation = np.concatenate([rows, np.cross(rows[:, 0], rows[:, 1])[:, None]], axis=1)
    inside = shapes @ rotation.transpose(0, 2, 1)
    x, y, z = np.moveaxis(inside * scale[:, None, None], -1, 0)
    zero, one = np.zeros_like(x), np.ones_like(x)
    across = np.stack([zero, z, -y, x / scale[:, None], one, zero], axis=-1)
    down = np.stack([-z, zero, x, y / scale[:, None], zero, one], axis=-1)
    jacobian = np.stack([across, down], axis=2).reshape(len(views), -1, 6)
    left = (views - np.stack([x, y], axis=-1) - state.shifts[:, None]).reshape(len(views), -1, 1)
    transposed = jacobian.transpose(0, 2, 1)
    step = np.linalg.solve(transposed @ jacobian, transposed @ left)[..., 0]
    rotation = exponential(step[:, :3]) @ rotation
    scale = scale + step[:, 3]
    return _Views(rotation[:, :2] * scale[:, None, None], state.shifts + step[:, 4:])


def _shapes(
    views: FloatArray, state: _Views, z: FloatArray, spread: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean (P, 3) and basis (C, P, 3) that explain the views best for the posterior of z."""
    count, components = z.shape
    one = np.concatenate([np.ones((count, 1)), z], axis=1)
    moments = one[:, :, None] * one[:, None, :]
    moments[:, 1:, 1:] += spread
    squares = state.cameras.transpose(0, 2, 1) @ state.cameras
    normal = np.tensordot(moments, squares, axes=(0, 0))  # (1 + C, 1 + C, 3, 3)
    normal = normal.transpose(0, 2, 1, 3).reshape(3 * (1 + components), -1)
    back = (views - state.shifts[:, None]) @ state.cameras  # (F, P, 3)
    target = np.tensordot(one, back, axes=(0, 0)).transpose(0, 2, 1).reshape(3 * (1 + components), -1)
    normal += 1e-9 * np.trace(normal) / len(normal) * np.eye(len(normal))
    solved = np.linalg.solve(normal, target).reshape(1 + components, 3, -1).transpose(0, 2, 1)
    return solved[0], solved[1:]


def _without_motions(mean: FloatArray, basis: FloatArray) -> FloatArray:
    """The basis without what moves, turns or scales the whole face: that is the pose's part."""
    axes = np.eye(3)
    motions = [np.broadcast_to(axis, mean.shape) for axis in axes] + [np.cross(axis, mean) for axis in axes]
    directions = np.linalg.qr(np.stack([motion.ravel() for motion in (*motions, mean)], axis=1))[0]
    rows = basis.reshape(len(basis), -1)
    return np.asarray((rows - rows @ directions @ directions.T).reshape(basis.shape))
