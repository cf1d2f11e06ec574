"""Points that do not tremble: a causal filter for live pictures, and one that looks ahead for files."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from canthus.faces import Faces
from canthus.geometry import FloatArray, landmark_boxes


class OneEuro:
    """The One-Euro filter (Casiez, Roussel and Vogel 2012): a low pass whose cutoff rises with the speed.

    `min_cutoff` Hz at rest; `beta` Hz more for each unit a second; the speed itself is low-passed at
    `speed_cutoff` Hz. The speed of a row of `value` (..., D) is the length of its derivative, so that the
    coordinates of a point are filtered alike.
    """

    def __init__(self, min_cutoff: float, beta: float, speed_cutoff: float = 1.0) -> None:
        self.min_cutoff, self.beta, self.speed_cutoff = min_cutoff, beta, speed_cutoff
        self._value: FloatArray | None = None
        self._derivative: FloatArray | None = None

    def __call__(
        self, value: ArrayLike, seconds: float, *, trust: ArrayLike = 1.0, unit: float = 1.0
    ) -> FloatArray:
        """The filtered value (..., D), `seconds` after the last one.

        `trust` (...,) multiplies the cutoff of each row; speeds are measured in `unit`s a second.
        """
        value = np.asarray(value, dtype=np.float64)
        if self._value is None or self._derivative is None:
            self._value, self._derivative = value, np.zeros_like(value)
            return value
        share = _share(self.speed_cutoff, seconds)
        self._derivative = self._derivative + share * ((value - self._value) / seconds - self._derivative)
        speed = np.linalg.norm(self._derivative, axis=-1) / unit
        shares = _share(np.asarray(trust) * (self.min_cutoff + self.beta * speed), seconds)
        self._value = self._value + shares[..., None] * (value - self._value)
        return self._value


@dataclass(frozen=True)
class Level:
    """How strongly a level smooths: `min_cutoff` and `beta` of the One-Euro filter, speeds in face sizes
    (root of the area of the landmarks' box) a second; `reach` s before and after a picture of a file that its
    smoothing looks at.
    """

    min_cutoff: float
    beta: float
    reach: float


LEVELS = {"low": Level(3.0, 12.0, 0.1), "medium": Level(1.5, 8.0, 0.2), "high": Level(0.7, 5.0, 0.35)}
#: Pictures on either side that smoothing looks at, at most.
_WIDEST = 32


class Smoother:
    """The points of each followed face through a One-Euro filter of its own; uncertain points are smoothed
    more.

    `level`: `off`, `low`, `medium` or `high`. The cutoff of a point is multiplied by the face's median
    standard deviation over its own (within 0.5 to 2). A face that is absent from a frame starts anew.
    """

    def __init__(self, level: str = "medium") -> None:
        self._level = _level(level)
        self._filters: dict[int, OneEuro] = {}
        self._now = 0.0

    def reset(self) -> None:
        """Forget every face."""
        self._filters = {}

    def __call__(self, faces: Faces, timestamp: float) -> Faces:
        """The same faces with smoothed points; `timestamp` in seconds, later than the last one.

        Raises ValueError for faces without `track_ids`.
        """
        ids = _ids(faces)
        seconds, self._now = timestamp - self._now, timestamp
        if self._level is None or not len(faces):
            self._filters = {}
            return faces
        kept = {id: self._filters.get(id) or OneEuro(self._level.min_cutoff, self._level.beta) for id in ids}
        self._filters = kept
        sizes = _sizes(faces)
        trust = _trust(faces)
        points = [
            kept[id](faces.points[row], seconds, trust=trust[row], unit=sizes[row])
            for row, id in enumerate(ids)
        ]
        return replace(faces, points=np.stack(points).astype(np.float32))


def smooth_offline(frames: Iterable[tuple[float, Faces]], level: str = "medium") -> Iterator[Faces]:
    """The faces of each picture of a file in turn, their points smoothed with those before and after it.

    `frames`: timestamps in s, increasing, and faces with `track_ids`. A point becomes the value at its time
    of the parabola that fits the points of its face over `reach` seconds on both sides best, weighted by a
    tricube kernel (Cleveland 1979) and by the inverse of the predicted variance: it neither lags nor flattens
    steady acceleration. Only pictures from the last to the next loss of the face count. Holds as many
    pictures as `reach` spans on both sides, never more than 65.
    """
    chosen = _level(level)
    if chosen is None:
        yield from (faces for _, faces in frames)
        return
    window: deque[_Frame] = deque()
    ahead = 0  # pictures of the window that are still to be given
    for timestamp, faces in frames:
        if window and not timestamp > window[-1].time:
            raise ValueError(f"timestamp: found {timestamp} after {window[-1].time}, expected more seconds")
        window.append(_Frame(timestamp, faces, {id: row for row, id in enumerate(_ids(faces))}))
        ahead += 1
        while ahead > _WIDEST or timestamp - window[-ahead].time > chosen.reach:
            yield _smoothed(window, len(window) - ahead, chosen.reach)
            ahead -= 1
            while len(window) - ahead > _WIDEST or (
                ahead and window[-ahead].time - window[0].time > chosen.reach
            ):
                window.popleft()
    for center in range(len(window) - ahead, len(window)):
        yield _smoothed(window, center, chosen.reach)


@dataclass(frozen=True)
class _Frame:
    time: float
    faces: Faces
    rows: dict[int, int]


def _smoothed(window: Sequence[_Frame], center: int, reach: float) -> Faces:
    """The faces of the picture number `center` of the window."""
    frame = window[center]
    if not len(frame.faces):
        return frame.faces
    points = [_fitted(_run(window, center, id, reach), frame.time, reach) for id in frame.rows]
    return replace(frame.faces, points=np.stack(points).astype(np.float32))


def _run(window: Sequence[_Frame], center: int, id: int, reach: float) -> list[tuple[float, Faces, int]]:
    """The sightings (time, faces, row) of one face around a picture, without a gap, in order."""
    time = window[center].time
    first = last = center
    while first > 0 and id in window[first - 1].rows and time - window[first - 1].time < reach:
        first -= 1
    while last + 1 < len(window) and id in window[last + 1].rows and window[last + 1].time - time < reach:
        last += 1
    frames = [window[i] for i in range(first, last + 1)]
    return [(frame.time, frame.faces, frame.rows[id]) for frame in frames]


def _fitted(run: list[tuple[float, Faces, int]], time: float, reach: float) -> FloatArray:
    """The points (K, 2) at `time` of the parabola through the sightings; of fewer than four as they are."""
    points = np.stack([faces.points[row] for _, faces, row in run]).astype(np.float64)  # (T, K, 2)
    shift = np.array([moment for moment, _, _ in run]) - time
    if len(run) < 4:
        return np.asarray(points[int(np.abs(shift).argmin())])
    kernel = (1 - np.abs(shift / reach) ** 3) ** 3
    weights = kernel[:, None] * np.stack([_certainty(faces, row) for _, faces, row in run])  # (T, K)
    powers = (shift / reach)[:, None] ** np.arange(3)  # (T, 3)
    normal = np.einsum("tk,ti,tj->kij", weights, powers, powers)
    right = np.einsum("tk,ti,tkd->kid", weights, powers, points)
    return np.asarray(np.linalg.solve(normal, right)[:, 0])


def _certainty(faces: Faces, row: int) -> FloatArray:
    """The inverse variance (K,) of a face's points."""
    if faces.covariance is None:
        return np.ones(faces.points.shape[1])
    return np.asarray(1 / np.maximum(np.trace(faces.covariance[row], axis1=-2, axis2=-1), 1e-6))


def _level(name: str) -> Level | None:
    if name != "off" and name not in LEVELS:
        raise ValueError(f"smooth: found {name!r}, expected off, {', '.join(LEVELS)}")
    return LEVELS.get(name)


def _ids(faces: Faces) -> list[int]:
    if len(faces) and faces.track_ids is None:
        raise ValueError("faces without track_ids cannot be smoothed; take them from a tracker")
    return [] if faces.track_ids is None else faces.track_ids.tolist()


def _sizes(faces: Faces) -> FloatArray:
    """Root of the area (N,) px of the points' boxes."""
    boxes = landmark_boxes(faces.points)
    return np.asarray(np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0), axis=-1)))


def _trust(faces: Faces) -> FloatArray:
    """How sure each point (N, K) is within its face: 1 for the typical point, less for uncertain ones."""
    if faces.covariance is None:
        return np.ones(faces.points.shape[:2])
    deviation = np.sqrt(np.maximum(np.trace(faces.covariance, axis1=-2, axis2=-1), 1e-12))
    return np.asarray(np.clip(np.median(deviation, axis=-1, keepdims=True) / deviation, 0.5, 2.0))


def _share(cutoff: ArrayLike, seconds: float) -> FloatArray:
    """How much of the new value a first-order low pass of this cutoff in Hz takes."""
    angle = 2 * math.pi * seconds * np.asarray(cutoff, dtype=np.float64)
    return np.asarray(angle / (1 + angle))
