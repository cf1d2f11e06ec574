"""Procrustes analysis of point sets in space, and how far two rotations are apart."""

from __future__ import annotations

import numpy as np

from canthus.geometry import FloatArray


def best_rotation(source: FloatArray, target: FloatArray) -> FloatArray:
    """Rotations (N, 3, 3) R that bring R source closest to target, both (N, P, 3), each about its centre
    (Kabsch 1976)."""
    moved = [points - points.mean(-2, keepdims=True) for points in (source, target)]
    left, _, right = np.linalg.svd(moved[1].swapaxes(-1, -2) @ moved[0])
    left[..., :, 2] *= np.sign(np.linalg.det(left @ right))[..., None]
    return np.asarray(left @ right)


def mean_shape(shapes: FloatArray, start: FloatArray, rounds: int = 10) -> FloatArray:
    """The generalised Procrustes mean (P, 3) of shapes (N, P, 3), in the frame in which it lies best on
    `start` (P, 3); centred, of unit norm (Gower 1975)."""
    centred = shapes - shapes.mean(1, keepdims=True)
    centred = centred / np.sqrt((centred**2).sum((1, 2)))[:, None, None]
    mean = start - start.mean(0)
    for _ in range(rounds):
        turned = centred @ best_rotation(np.broadcast_to(mean, centred.shape), centred)
        mean = turned.mean(0)
    return np.asarray(mean @ best_rotation(start, mean) / np.linalg.norm(mean))


def rotation_distance(first: FloatArray, second: FloatArray) -> FloatArray:
    """Angle (...,) in degrees of the rotation between two rotations (..., 3, 3)."""
    trace = (first * second).sum((-1, -2))
    return np.asarray(np.degrees(np.arccos(np.clip((trace - 1) / 2, -1.0, 1.0))))
