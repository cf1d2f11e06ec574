"""Filters against naive loops and against what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from canthus.faces import Faces
from canthus.runtime.smoothing import LEVELS, OneEuro, Smoother, smooth_offline
from canthus.schemes import SCHEMES

FIVE = SCHEMES["five"]
FACE = np.array([[20, 30], [80, 30], [50, 60], [25, 90], [75, 90]], dtype=float)


def faces(points: np.ndarray, id: int = 0, deviation: np.ndarray | float = 1.0) -> Faces:
    """One face with this id; `deviation` px of its points."""
    variance = np.broadcast_to(np.asarray(deviation, float) ** 2, (5,))
    covariance = variance[:, None, None] * np.eye(2)
    return Faces(points[None], np.ones((1, 5)), np.zeros((1, 4)), FIVE, covariance=covariance[None],
                 track_ids=np.array([id]))  # fmt: skip


def naive_one_euro(values: list[float], rate: float, min_cutoff: float, beta: float) -> list[float]:
    """Algorithm 1 of Casiez, Roussel and Vogel (2012) for one number."""

    def alpha(cutoff: float) -> float:
        return 1 / (1 + (1 / (2 * math.pi * cutoff)) * rate)

    out: list[float] = []
    slope = 0.0
    for value in values:
        if not out:
            out.append(value)
            continue
        slope = alpha(1.0) * (value - out[-1]) * rate + (1 - alpha(1.0)) * slope
        share = alpha(min_cutoff + beta * abs(slope))
        out.append(share * value + (1 - share) * out[-1])
    return out


def test_one_euro_is_the_published_one() -> None:
    values = np.random.default_rng(0).normal(size=50).cumsum().tolist()
    one_euro = OneEuro(0.8, 0.3)
    mine = [float(one_euro([value], 1 / 25)[0]) for value in values]
    np.testing.assert_allclose(mine, naive_one_euro(values, 25, 0.8, 0.3), rtol=1e-12)


def test_smoother_needs_ids_and_a_level() -> None:
    with pytest.raises(ValueError, match="track_ids"):
        Smoother()(Faces(FACE[None], np.ones((1, 5)), np.zeros((1, 4)), FIVE), 0.0)
    with pytest.raises(ValueError, match="expected off, low, medium, high"):
        Smoother("most")


def test_offline_leaves_parabolas_as_they_are() -> None:
    """Uneven timestamps, uneven certainty: zero phase, zero loss."""
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.02, 0.05, 60))
    truth = [FACE + np.array([40 * t - 9 * t * t, 5 * t * t]) for t in times]
    deviations = rng.uniform(0.5, 3, (60, 5))
    frames = [(t, faces(p, 0, d)) for t, p, d in zip(times, truth, deviations, strict=True)]
    for level in LEVELS:
        for smooth, points in zip(smooth_offline(frames, level), truth, strict=True):
            np.testing.assert_allclose(smooth.points[0], points, atol=1e-3)


def test_offline_weighs_by_certainty_and_stops_at_a_loss() -> None:
    frames = [(i / 30, faces(FACE, 0, 1.0)) for i in range(9)]
    wild = FACE + 10
    frames[4] = (4 / 30, faces(wild, 0, 1000.0))
    middle = list(smooth_offline(frames))[4]
    np.testing.assert_allclose(middle.points[0], FACE, atol=0.01)  # nothing is left of the wild sighting
    frames[5] = (5 / 30, faces(FACE, 0)[:0])
    frames[6:] = [(time, faces(FACE + 500, 0)) for time, _ in frames[6:]]
    out = list(smooth_offline(frames))
    assert [len(item) for item in out] == [1] * 5 + [0] + [1] * 3
    np.testing.assert_allclose(out[3].points[0], FACE, atol=0.01)
    np.testing.assert_allclose(out[6].points[0], FACE + 500, atol=0.01)


def test_offline_gives_every_picture_in_order_with_a_bounded_look_ahead() -> None:
    taken = 0

    def frames():  # type: ignore[no-untyped-def]
        nonlocal taken
        for i in range(500):
            taken += 1
            yield i / 120, faces(FACE + i)

    for i, item in enumerate(smooth_offline(frames(), "high")):
        assert abs(float(item.points[0, 0, 0]) - 20 - i) < 1e-2
        assert taken - i <= 34
    assert i == 499
    with pytest.raises(ValueError, match="found 0 after 0"):
        list(smooth_offline([(0, faces(FACE)), (0, faces(FACE))]))
