"""Measures of faces whose faults are known."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from canthus.faces import Faces
from canthus.schemes import SCHEMES
from canthus.stability.measures import figures, match, sums
from canthus.stability.motion import turns
from canthus.stability.sequences import Video

SCHEME = SCHEMES["ibug68"]
TIMES = np.arange(90) / 30
RNG = np.random.default_rng(0)
SHAPE = RNG.uniform(0, 100, (68, 2))
SHAPE[36], SHAPE[45] = (30, 40), (80, 40)  # inter-ocular distance 50 px


def video(truth: np.ndarray, covered: np.ndarray | None = None, yaw: np.ndarray | None = None) -> Video:
    hidden = np.zeros(truth.shape[:2]) if covered is None else covered
    return Video("made", "made", TIMES, truth, hidden, np.zeros(90) if yaw is None else yaw, lambda: iter(()))


def frames(points: np.ndarray, ids: np.ndarray | None = None) -> list[Faces]:
    """One result a frame for points (T, N, 68, 2), without the faces that are NaN."""
    out = []
    for frame, rows in enumerate(points):
        numbers = np.arange(points.shape[1]) if ids is None else ids[frame]
        faces = Faces(rows, np.ones(rows.shape[:2]), np.zeros((len(rows), 4)), SCHEME, track_ids=numbers)
        out.append(faces[~np.isnan(rows[:, 0, 0])])
    return out


def measured(made: Video, found: list[Faces]) -> dict[str, float | None]:
    return figures(sums(made, match(made, found, SCHEME), SCHEME))


STILL = np.tile(SHAPE, (90, 1, 1, 1))  # (90, 1, 68, 2)


def test_error_and_jitter_of_points_that_jump_to_and_fro() -> None:
    """1 px to the right and to the left in turn: an error of 2 %, second differences of 4 px."""
    jump = np.where(np.arange(90) % 2, 1.0, -1.0)[:, None, None, None] * np.array([1.0, 0.0])
    got = measured(video(STILL), frames(STILL + jump))
    assert got["nme"] == pytest.approx(2.0, abs=1e-4)
    assert got["jitter"] == pytest.approx(8.0, abs=1e-3)
    assert (got["lost"], got["switches"], got["twice"], got["lag"], got["frames"]) == (0, 0, 0, None, 90)


def test_a_steady_offset_and_true_acceleration_are_no_jitter() -> None:
    truth = STILL + np.square(np.arange(90.0))[:, None, None, None] * 0.25
    got = measured(video(truth), frames(truth + 3))
    assert got["jitter"] == pytest.approx(0, abs=1e-2)
    assert got["second_difference"] == pytest.approx(100 * 0.5 * np.sqrt(2) / 50, rel=1e-2)


@pytest.mark.parametrize("delay", [0, 1, 2])
def test_lag_of_delayed_points(delay: int) -> None:
    yaw = turns(TIMES)
    truth = STILL + 55 * np.sin(np.radians(yaw))[:, None, None, None] * np.array([1.0, 0.0])
    late = np.concatenate([truth[:1]] * delay + [truth[: 90 - delay]])
    noise = np.random.default_rng(0).normal(0, 0.5, truth.shape)
    assert measured(video(truth, yaw=yaw), frames(late + noise + 2))["lag"] == pytest.approx(delay, abs=0.05)


def test_losses_count_while_the_face_is_visible() -> None:
    points, covered = STILL.copy(), np.zeros((90, 1))
    points[10:30] = np.nan
    covered[20:40] = 0.5
    points[50:54] += 25  # half an inter-ocular distance off: not found
    got = measured(video(STILL, covered), frames(points))
    assert got["frames"] == 70
    assert got["lost"] == pytest.approx(100 * 14 / 70)
    assert got["nme"] == pytest.approx(0, abs=1e-4)


def test_switches_of_ids_across_a_gap_and_faces_seen_twice() -> None:
    two = np.concatenate([STILL, STILL + 300], axis=1)
    ids = np.tile([4, 7], (90, 1))
    ids[30:60] = [7, 4]
    found = two.copy()
    found[25:35] = np.nan
    got = measured(video(two), frames(found, ids))
    assert got["switches"] == 4
    got = measured(video(STILL), frames(np.concatenate([STILL, STILL + 5], axis=1)))
    assert (got["twice"], got["switches"]) == (90, 0)


def test_sums_add_up_and_nothing_is_none() -> None:
    first = sums(video(STILL), match(video(STILL), frames(STILL + 1), SCHEME), SCHEME)
    second = sums(video(STILL), match(video(STILL), frames(STILL + 2), SCHEME), SCHEME)
    assert figures(first + second)["nme"] == pytest.approx(100 * 1.5 * np.sqrt(2) / 50, rel=1e-4)
    empty = figures(Counter())
    assert empty["nme"] is None and empty["lost"] is None and empty["switches"] == 0
