from __future__ import annotations

import math

import numpy as np
import pytest

from canthus.sample import Sample
from canthus.transforms import View
from canthus.transforms.box_jitter import BoxJitter

POINTS = np.array([[50.0, 50.0], [60.0, 50.0], [50.0, 70.0]])


def moved(jitter: BoxJitter, seed: int) -> np.ndarray:
    box = np.array([0, 0, 100, 100], np.float32)
    sample = Sample(np.zeros((9, 9, 3), np.uint8), POINTS, np.ones(3), box, "face", "a", "a")
    start = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    view = View(sample, 101, start, POINTS, np.ones(3), 1.0, np.zeros((0, 0, 3), np.uint8))
    jitter.move(view, np.random.default_rng(seed))
    return view.points


def test_still_without_ranges() -> None:
    jitter = BoxJitter(rotate=0, scale=0, shift=0, shift_probability=1)
    np.testing.assert_allclose(moved(jitter, 0), POINTS, atol=1e-12)


def test_rotation_and_scale_about_the_middle() -> None:
    angles, factors = [], []
    for seed in range(4000):
        points = moved(BoxJitter(), seed)
        np.testing.assert_allclose(points[0], [50, 50], atol=1e-9)
        across, down = points[1] - points[0], points[2] - points[0]
        np.testing.assert_allclose(down, 2 * np.array([-across[1], across[0]]), atol=1e-9)
        angles.append(-math.degrees(math.atan2(across[1], across[0])))
        factors.append(np.hypot(*across) / 10)
    assert np.mean(np.abs(angles) < 1e-9) == pytest.approx(0.4, abs=0.03)
    assert 55 < max(angles) <= 60 and -60 <= min(angles) < -55
    assert 1 / 1.25 <= min(factors) < 0.81 and 1.3 < max(factors) <= 1 / 0.75
    # A standard normal cut to [-1, 1] has the variance 1 - 2 phi(1) / erf(1 / sqrt 2) = 0.2911.
    assert np.var(1 / np.array(factors)) == pytest.approx(0.25**2 * 0.2911, rel=0.06)


def test_the_picture_moves_against_the_box() -> None:
    shifts = np.array(
        [moved(BoxJitter(rotate=0, scale=0, shift_probability=0.3), seed)[0] - 50 for seed in range(2000)]
    )
    moving = np.abs(shifts).sum(1) > 0
    assert moving.mean() == pytest.approx(0.3, abs=0.04)
    assert 0.15 * 101 < np.abs(shifts).max() <= 0.16 * 101
    assert np.corrcoef(shifts[moving].T)[0, 1] == pytest.approx(0, abs=0.15)
