"""Ways of moving: speeds and places one can check."""

from __future__ import annotations

import numpy as np

from canthus.geometry import apply_affine
from canthus.stability.motion import placements, sweep, turns, wander

TIMES = np.arange(90) / 30


def test_a_head_turns_at_ninety_degrees_a_second_between_its_ends() -> None:
    yaw = turns(TIMES)
    speed = np.abs(np.diff(yaw)) * 30
    assert abs(yaw[0] + 40) < 1e-6 and abs(yaw.max() - 40) < 0.1
    assert np.isclose(speed.max(), 90, atol=0.2)
    assert 0.5 < (speed > 89).mean() < 0.7
    assert (speed[:8] < 1e-6).all()  # 0.3 s of rest


def test_wandering_is_smooth_bounded_and_repeatable() -> None:
    signal = wander(np.random.default_rng(1), TIMES, (0.2, 1.0))
    np.testing.assert_array_equal(signal, wander(np.random.default_rng(1), TIMES, (0.2, 1.0)))
    assert np.abs(signal).max() <= 1
    assert np.abs(np.diff(signal, 2)).max() <= (2 * np.pi / 30) ** 2  # of a sine of 1 Hz


def test_placements_put_the_origin_where_it_should_be_at_the_right_size() -> None:
    centers = np.array([[100.0, 50.0], [10.0, 20.0]])
    maps = placements((5, 7), centers, [2.0, 3.0], [0.0, 90.0], [1.0, 0.5])
    np.testing.assert_allclose([apply_affine(m, [5, 7]) for m in maps], centers)
    np.testing.assert_allclose(apply_affine(maps[0], [6, 9]), [102, 54])
    # Narrowed to a half, turned by 90 degrees (x becomes y), three times as large.
    np.testing.assert_allclose(apply_affine(maps[1], [6, 9]), [10 - 6, 20 + 1.5])


def test_a_sweep_waits_goes_and_rests() -> None:
    way = sweep((0, 0), (10, 20), np.array([0.0, 1.0, 1.5, 2.0, 3.0]), 1.0, 2.0)
    np.testing.assert_allclose(way, [[0, 0], [0, 0], [5, 10], [10, 20], [10, 20]])
