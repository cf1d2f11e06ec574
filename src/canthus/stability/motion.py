"""Smooth ways for a face to move through a video."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from canthus.geometry import FloatArray

#: Distance of the face's points from the axis that a head turns about, in inter-ocular distances: about
#: 10 cm, where the outer eye corners are 9 cm apart.
TURN_RADIUS = 1.1
#: Speed of a turning head in degrees a second, and how far it turns to either side.
TURN_SPEED, TURN_REACH = 90.0, 40.0
#: Seconds in which a turn reaches its speed, and rests at either end.
_TURN_EASE, _TURN_REST = 0.1, 0.3


def wander(rng: np.random.Generator, times: FloatArray, band: tuple[float, float]) -> FloatArray:
    """A smooth random signal (T,) within -1 to 1: five sine waves of frequencies in the band, Hz."""
    frequency = np.exp(rng.uniform(np.log(band[0]), np.log(band[1]), 5))
    phase, height = rng.uniform(0, 2 * np.pi, 5), rng.dirichlet(np.ones(5))
    return np.asarray(np.sin(2 * np.pi * np.outer(times, frequency) + phase) @ height)


def turns(times: FloatArray) -> FloatArray:
    """The yaw (T,) in degrees of a head that turns from side to side at `TURN_SPEED`, resting in between."""
    fine = np.linspace(0, float(times[-1]) + 1e-3, 20_000)
    there = 2 * TURN_REACH / TURN_SPEED + _TURN_EASE  # s of one way
    period = there + _TURN_REST
    local, way = (fine - _TURN_REST) % period, np.floor((fine - _TURN_REST) / period)
    speed = np.clip(np.minimum(local, there - local) / _TURN_EASE, 0, 1) * TURN_SPEED
    speed *= np.where((local < there) & (way >= 0), np.where(way % 2 == 0, 1, -1), 0)
    step = fine[1] - fine[0]
    yaw = -TURN_REACH + np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2 * step)])
    return np.interp(times, fine, yaw)


def placements(
    origin: ArrayLike,
    centers: FloatArray,
    scales: ArrayLike,
    angles: ArrayLike = 0.0,
    squeeze: ArrayLike = 1.0,
) -> FloatArray:
    """The affine maps (T, 2, 3) that take the point `origin` (2,) of a picture to `centers` (T, 2), narrow it
    by the factors `squeeze` (T,), turn it by `angles` (T,) degrees and enlarge it by `scales` (T,)."""
    count = len(centers)
    angle = np.radians(np.broadcast_to(np.asarray(angles, dtype=np.float64), count))
    scale = np.broadcast_to(np.asarray(scales, dtype=np.float64), count)
    narrow = np.broadcast_to(np.asarray(squeeze, dtype=np.float64), count)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    linear = np.stack([np.stack([cos * narrow, -sin], -1), np.stack([sin * narrow, cos], -1)], -2)
    shift = np.asarray(centers) - linear @ np.asarray(origin, dtype=np.float64)
    return np.concatenate([linear, shift[..., None]], axis=-1)


def sweep(start: ArrayLike, stop: ArrayLike, times: FloatArray, begin: float, end: float) -> FloatArray:
    """Places (T, 2) on the way from `start` to `stop`, at a steady speed from the time `begin` to `end`."""
    share = np.clip((times - begin) / (end - begin), 0, 1)[:, None]
    return np.asarray(np.asarray(start) + share * (np.asarray(stop) - np.asarray(start)))
