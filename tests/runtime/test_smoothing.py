"""Filters against naive loops and against what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from canthus.faces import Faces
from canthus.runtime.smoothing import LEVELS, Cutoff, FaceFilter, Level, Smoother, share, smooth_offline
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


def test_cutoff_and_share_make_the_published_one_euro() -> None:
    values = np.random.default_rng(0).normal(size=50).cumsum()
    cutoff, mine = Cutoff(0.8, 0.3), [values[:1]]
    for value in values[1:]:
        step = value - mine[-1]
        mine.append(mine[-1] + share(cutoff(step, 1 / 25), 1 / 25) * step)
    np.testing.assert_allclose(np.ravel(mine), naive_one_euro(values.tolist(), 25, 0.8, 0.3), rtol=1e-12)


def test_slack_is_no_speed() -> None:
    cutoff = Cutoff(1.0, 2.0, slack=0.5)
    assert cutoff(np.array([0.0, 0.001]), 0.1) == 1.0
    assert float(Cutoff(1.0, 2.0, slack=0.5)(np.array([3e9, 4e9]), 1e9)) == pytest.approx(1 + 2 * 4.5)


def smoothed(points: np.ndarray, level: str = "medium", deviation: np.ndarray | float = 1.0) -> np.ndarray:
    """Points (T, 5, 2) through a `Smoother` at 30 pictures a second."""
    smoother = Smoother(level)
    return np.stack([smoother(faces(p, 0, deviation), i / 30).points[0] for i, p in enumerate(points)])


def bends(points: np.ndarray) -> float:
    return float(np.sqrt(np.square(np.diff(points, 2, axis=0)).mean()))


def lag(smooth: np.ndarray, truth: np.ndarray) -> float:
    """Frames, for motion along x at a steady speed."""
    return float(((truth - smooth)[..., 0] / np.diff(truth[:2, 0, 0])).mean())


def test_a_shift_goes_through_the_published_alpha_beta_filter() -> None:
    """Kalata (1984): beta = 2 (2 - alpha) - 4 sqrt(1 - alpha); alpha by the cutoff's exponential."""
    level, seconds = Level((1.5, 0, 0), (1.0, 0, 0), (1.0, 0, 0), (1.0, 0, 0), 0.1), 1 / 30
    way = np.random.default_rng(3).normal(size=40).cumsum()
    filter = FaceFilter(level, FACE + way[0])
    mine = [way[0], *(filter(FACE + step, seconds)[0, 0] - FACE[0, 0] for step in way[1:])]
    alpha = 1 - math.exp(-2 * math.pi * 1.5 * seconds) ** 2
    beta = 2 * (2 - alpha) - 4 * math.sqrt(1 - alpha)
    place, speed, expected = way[0], 0.0, [way[0]]
    for step in way[1:]:
        missed = step - (place + speed * seconds)
        place, speed = place + speed * seconds + alpha * missed, speed + beta / seconds * missed
        expected.append(place)
    np.testing.assert_allclose(mine, expected, atol=1e-9)


def test_the_motion_is_the_weighted_affine_one_of_least_squares() -> None:
    """With instant motion and points that do nothing of their own, what is left is the fitted motion."""
    rng, instant = np.random.default_rng(4), (1e9, 0, 0)
    before, after = rng.uniform(0, 100, (2, 20, 2))
    trust = rng.uniform(0.3, 3, 20)
    found = FaceFilter(Level(instant, instant, instant, (0, 0, 0), 0.1), before)(after, 1 / 30, trust=trust)
    rows = np.concatenate([before, np.ones((20, 1))], axis=1)
    root = np.sqrt(trust)[:, None]
    fitted = rows @ np.linalg.lstsq(root * rows, root * after, rcond=None)[0]
    np.testing.assert_allclose(found, fitted, atol=1e-2)


def test_noise_at_rest_shrinks_with_the_level() -> None:
    noise = np.random.default_rng(0).normal(size=(300, 5, 2))
    jitter = [bends(smoothed(FACE + noise, level)[30:]) for level in ("off", "low", "medium", "high")]
    assert jitter == sorted(jitter, reverse=True)
    assert jitter[2] < jitter[0] / 3
    assert np.abs(smoothed(FACE + noise, "high")[30:].mean(0) - FACE).max() < 0.3


@pytest.mark.parametrize("level", list(LEVELS))
def test_a_face_that_moves_steadily_is_not_late(level: str) -> None:
    """200 px a second, two of its widths, beginning at once: within one frame soon, and then for good."""
    way = np.maximum(np.arange(90) - 10, 0)[:, None, None] * np.array([200 / 30, 0])
    truth = FACE + way + np.random.default_rng(1).normal(0, 0.5, (90, 5, 2))
    late = [lag(smoothed(truth, level)[i : i + 5], (FACE + way)[i : i + 5]) for i in (13, 20, 40, 80)]
    assert all(abs(value) < 1 for value in late)
    assert abs(late[-1]) < 0.1


def test_growing_and_rolling_faces_keep_their_shape() -> None:
    frames = []
    for i in range(60):
        angle, scale = 0.02 * i, 1.01**i
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        frames.append((FACE - 50) @ turn.T + 50)
    truth = np.stack(frames)
    error = np.linalg.norm(smoothed(truth) - truth, axis=-1)
    assert error[10:].max() < 0.01 * 60 * 1.8  # 1 % of the face


def test_a_blink_is_followed() -> None:
    """One point of a resting face moves by a tenth of it within 0.1 s and back: most of the way is seen."""
    path = np.interp(np.arange(60) / 30, [1.0, 1.1, 1.2, 1.3], [0, 8, 8, 0])
    truth = np.tile(FACE, (60, 1, 1))
    truth[:, 0, 1] += path
    smooth = smoothed(truth)
    assert smooth[36, 0, 1] - FACE[0, 1] > 4
    assert np.abs(smooth[:, 1:] - FACE[1:]).max() < 1.5  # the others stay


def test_uncertain_points_are_smoothed_more() -> None:
    """Of 68 points as noisy as each other, the half that is said to be uncertain comes out steadier."""
    rng = np.random.default_rng(2)
    shape, certain = rng.uniform(0, 100, (68, 2)), np.arange(68) % 2 == 0
    covariance = np.where(certain, 1.0, 9.0)[None, :, None, None] * np.eye(2)
    smoother, out = Smoother(), []
    for i, noise in enumerate(rng.normal(size=(120, 1, 68, 2))):
        one = Faces(shape + noise, np.ones((1, 68)), np.zeros((1, 4)), SCHEMES["ibug68"],
                    covariance=covariance, track_ids=np.zeros(1))  # fmt: skip
        out.append(smoother(one, i / 30).points[0])
    jitter = np.sqrt(np.square(np.diff(np.stack(out)[20:], 2, axis=0)).mean(axis=(0, 2)))
    assert jitter[~certain].mean() < 0.7 * jitter[certain].mean()


def test_a_loss_starts_anew_and_others_do_not_mind() -> None:
    smoother, whole = Smoother(), Smoother()
    for i in range(20):
        smoother(faces(FACE + i % 2), i / 30)
        whole(faces(FACE + i % 2), i / 30)
    smoother(faces(FACE)[:0], 20 / 30)
    whole(faces(FACE), 20 / 30)
    jumped = FACE + 3.0
    np.testing.assert_allclose(smoother(faces(jumped), 21 / 30).points[0], jumped, rtol=1e-6)
    assert np.abs(whole(faces(jumped), 21 / 30).points[0] - jumped).max() > 0.5
    smoother.reset()
    np.testing.assert_allclose(smoother(faces(FACE), 0.0).points[0], FACE, rtol=1e-6)


def test_uneven_times_and_slow_pictures_do_no_harm() -> None:
    smoother = Smoother()
    rng = np.random.default_rng(3)
    time = 0.0
    for _ in range(40):
        time += float(rng.choice([1e-6, 0.01, 0.05, 3.0]))
        points = FACE + 40 * time
        out = smoother(faces(points), time).points[0]
        assert np.isfinite(out).all() and np.abs(out - points).max() < 130


def test_points_in_one_place_do_no_harm() -> None:
    smoother = Smoother()
    for i in range(4):
        np.testing.assert_allclose(smoother(faces(np.full((5, 2), 7.0)), i / 30).points, 7.0)


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
