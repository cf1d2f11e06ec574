from __future__ import annotations

import math

import numpy as np
import pytest

from canthus.geometry import CropRule
from canthus.sample import Sample
from canthus.schemes import SCHEMES
from canthus.transforms import Pipeline, View
from canthus.transforms.box_jitter import BoxJitter
from canthus.transforms.flip import Flip

POINTS = np.array([[50.0, 50.0], [60.0, 50.0], [50.0, 70.0]])


def moved(jitter: BoxJitter, seed: int) -> np.ndarray:
    box = np.array([0, 0, 100, 100], np.float32)
    sample = Sample(np.zeros((9, 9, 3), np.uint8), POINTS, np.ones(3), box, "face", "a", "a")
    start = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    view = View(sample, 101, 50.0, start, POINTS, np.ones(3), 1.0, np.zeros((0, 0, 3), np.uint8))
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
    turned = np.array([angle for angle in angles if abs(angle) > 1e-9])
    assert np.mean(np.abs(turned) > 60 - 1e-6) == pytest.approx(0.0455, abs=0.01)  # clipped at two deviations
    assert np.abs(turned).max() == pytest.approx(60)
    assert np.mean(np.abs(turned) < 30) == pytest.approx(0.6827, abs=0.03)
    grown = 1 / np.array(factors)
    assert (grown.min(), grown.max()) == pytest.approx((0.75, 1.25))
    assert np.mean(grown > 1.25 - 1e-9) == pytest.approx(0.1587, abs=0.02)  # clipped at one deviation
    assert np.mean(grown < 0.75 + 1e-9) == pytest.approx(0.1587, abs=0.02)
    assert np.mean(np.abs(grown - 1) < 0.125) == pytest.approx(0.3829, abs=0.03)


def test_the_picture_moves_against_the_box() -> None:
    shifts = np.array(
        [moved(BoxJitter(rotate=0, scale=0, shift_probability=0.3), seed)[0] - 50 for seed in range(2000)]
    )
    moving = np.abs(shifts).sum(1) > 0
    assert moving.mean() == pytest.approx(0.3, abs=0.04)
    assert 0.15 * 101 < np.abs(shifts).max() <= 0.16 * 101
    assert np.corrcoef(shifts[moving].T)[0, 1] == pytest.approx(0, abs=0.15)
    assert np.var(shifts[moving] / 101) == pytest.approx(0.32**2 / 12, rel=0.1)  # evenly spread


def test_the_published_middle_is_that_of_the_rule() -> None:
    rule = CropRule(box_kind="landmarks", scale=1.0, center="pixel")
    points = np.array([[20.0, 30.0], [60.0, 30.0], [60.0, 70.0], [20.0, 70.0], [35.0, 60.0]], np.float32)
    box = np.array([20, 30, 60, 70], np.float32)
    image = np.zeros((90, 90, 3), np.uint8)
    sample = Sample(image, points, np.ones(5, np.float32), box, "landmarks", "a", "a")
    rng = np.random.default_rng(0)
    plain, flipped, turned = (
        Pipeline(rule, 80, SCHEMES["five"], transforms)(sample, rng).points
        for transforms in ((), (Flip(SCHEMES["five"], probability=1),), (BoxJitter(rotate_probability=1),))
    )
    np.testing.assert_allclose(plain[4], [30, 60])
    np.testing.assert_allclose(flipped[4], [80 - plain[3][0], plain[3][1]])  # about 40, the centre's pixel
    ratio = np.linalg.norm(turned - 40, axis=1) / np.linalg.norm(plain - 40, axis=1)
    np.testing.assert_allclose(ratio, ratio[0])  # about the centre, too
