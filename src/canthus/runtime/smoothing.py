"""Points that do not tremble: a causal filter for live pictures, and one that looks ahead for files."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from canthus.faces import Faces
from canthus.geometry import FloatArray

Share = TypeVar("Share", float, FloatArray)


class Cutoff:
    """The cutoff of the One-Euro filter (Casiez, Roussel and Vogel 2012): it rises with the speed.

    `resting` Hz; `beta` Hz more for each unit a second above `slack`; the speed is the length of the steps
    (..., D) to the filter's last value, low-passed at `calm` Hz before the length is taken. The first three
    may be arrays (...,).
    """

    def __init__(
        self,
        resting: FloatArray | float,
        beta: FloatArray | float,
        slack: FloatArray | float = 0.0,
        *,
        calm: float = 1.0,
    ) -> None:
        self.resting, self.beta, self.slack, self._calm = resting, beta, slack, calm
        self._velocity: FloatArray | float = 0.0

    def __call__(self, steps: FloatArray, seconds: float) -> FloatArray:
        """The cutoffs (...,) in Hz for the next value, `steps` (..., D) units from the last filtered one."""
        self._velocity = self._velocity + share(self._calm, seconds) * (steps / seconds - self._velocity)
        speed = np.sqrt(np.square(self._velocity).sum(axis=-1))
        return np.asarray(self.resting + self.beta * np.maximum(speed - self.slack, 0.0))


def share(cutoff: Share, seconds: float) -> Share:
    """How much of a new value a first-order low pass of this cutoff in Hz takes."""
    angle = (2 * math.pi * seconds) * cutoff
    return angle / (1 + angle)


class FaceFilter:
    """The points of one face: One-Euro filters in a frame that moves with the face.

    Plain One-Euro filters cannot both rest and follow: whatever stops the tremble of a moving face makes it
    late. Here the last filtered points are first moved on by the motion of the face as a whole, an affine
    one; what is left to the new points is split into such a motion and the rest. The motion is corrected by
    alpha-beta filters (Kalata 1984), which do not lag behind a steady speed: one for the shift, one for
    growth and roll, one for stretch and shear; the rest by a One-Euro filter for each point. The cutoffs of
    all are `Cutoff`s of what the prediction missed. Lengths are in spreads: the root mean square distance of
    the points from their mean.
    """

    def __init__(self, level: Level, points: FloatArray) -> None:
        self.points = points
        self._rates = np.zeros((3, 2))  # of the motion, a second; see `_moves`
        self._motion = Cutoff(*np.array([level.shift, level.turn, level.shape]).T, calm=_CALM)
        self._own = Cutoff(*level.own, calm=_CALM)

    def ahead(self, seconds: float) -> FloatArray:
        """Where the filtered points (K, 2) will be after so many seconds."""
        arms = self.points - self.points.sum(axis=0) / len(self.points)
        spread = math.sqrt(float(np.vdot(arms, arms)) / len(arms))
        return np.asarray(self.points + _moves(arms, spread, seconds * self._rates))

    def __call__(self, points: FloatArray, seconds: float, *, trust: FloatArray | None = None) -> FloatArray:
        """The filtered points (K, 2), `seconds` after the last ones; `trust` (K,) multiplies the cutoff of
        each and its weight in the motion."""
        trust = np.ones(len(points)) if trust is None else trust
        weights = trust / trust.sum()
        arms = self.points - weights @ self.points
        weighted = (arms * weights[:, None]).T
        moments = weighted @ arms
        spread = math.sqrt(max(float(moments[0, 0] + moments[1, 1]), 1e-6))
        missed = points - self.points - _moves(arms, spread, seconds * self._rates)
        steps = _motion(weights @ missed / spread, moments, weighted @ missed)
        own = missed - _moves(arms, spread, steps)
        kept = np.exp(-2 * math.pi * seconds * self._motion(steps, seconds))[:, None]  # (3, 1)
        late = 1 - share(trust * self._own(own / spread, seconds), seconds)
        # Of what the prediction missed each filter takes its part: what it leaves is taken off again.
        self.points = points - _moves(arms, spread, kept**2 * steps) - late[:, None] * own
        self._rates = self._rates + 2 * (1 - kept) ** 2 / seconds * steps
        return self.points


def _moves(arms: FloatArray, spread: float, motion: FloatArray) -> FloatArray:
    """How points at `arms` (K, 2) from their middle move (K, 2) in a motion (3, 2): shift x, y in spreads;
    growth, roll; stretch, shear."""
    (x, y), (growth, roll), (stretch, shear) = motion.tolist()
    linear = np.array([[growth + stretch, shear + roll], [shear - roll, growth - stretch]])
    return np.asarray(arms @ linear + np.array([spread * x, spread * y]))


def _motion(shift: FloatArray, moments: FloatArray, products: FloatArray) -> FloatArray:
    """The motion (3, 2) of `_moves` with a shift (2,) whose linear part is the least-squares one: of the
    arms' weighted second moments (2, 2) and their weighted products (2, 2) with the moves."""
    (a, b), (_, d) = moments.tolist()
    ridge = 1e-6 * (a + d) + 1e-12
    a, d = a + ridge, d + ridge
    (p, q), (r, t) = products.tolist()
    scale = 0.5 / (a * d - b * b)
    xx, xy = d * p - b * r, d * q - b * t  # of the arms' x to the moves' x and y
    yx, yy = a * r - b * p, a * t - b * q
    sides = ((xx + yy) * scale, (xy - yx) * scale), ((xx - yy) * scale, (xy + yx) * scale)
    return np.array([shift, *sides])


@dataclass(frozen=True)
class Level:
    """How strongly a level smooths: the arguments of the `Cutoff`s of a face's `shift`, of its growth and
    roll (`turn`), of its stretch and shear (`shape`), and of each point's `own` motion; `reach` s before and
    after a picture of a file that its smoothing looks at.
    """

    shift: tuple[float, float, float]
    turn: tuple[float, float, float]
    shape: tuple[float, float, float]
    own: tuple[float, float, float]
    reach: float


#: Hz: with the published 1 Hz a sudden turn is noticed later.
_CALM = 1.5
#: Chosen on videos made of photographs of the training split, see docs/tracking.md.
LEVELS = {
    "low": Level((2.8, 4.0, 0.1), (2.0, 3.0, 0.1), (2.0, 3.0, 0.1), (2.0, 4.0, 0.0), 0.1),
    "medium": Level((1.8, 2.6, 0.16), (1.0, 1.0, 0.1), (0.8, 1.4, 0.12), (0.6, 1.2, 0.1), 0.2),
    "high": Level((1.2, 2.4, 0.2), (0.6, 0.9, 0.15), (0.4, 1.2, 0.15), (0.3, 0.8, 0.1), 0.35),
}
#: Pictures on either side that smoothing looks at, at most.
_WIDEST = 32


class Smoother:
    """The points of each followed face through a `FaceFilter` of its own; uncertain points are smoothed more.

    `level`: `off`, `low`, `medium` or `high`. The cutoff of a point is multiplied by the face's median
    variance over its own (within 0.25 to 4). A face that is absent from a picture starts anew.
    """

    def __init__(self, level: str = "medium") -> None:
        self._level = _level(level)
        self._filters: dict[int, FaceFilter] = {}
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
        if self._level is None or not ids:
            self._filters = {}
            return faces
        before, self._filters = self._filters, {}
        points, trust = faces.points.astype(np.float64), relative_certainty(faces)
        for row, id in enumerate(ids):
            if id in before:
                points[row] = before[id](points[row], seconds, trust=trust[row])
                self._filters[id] = before[id]
            else:
                self._filters[id] = FaceFilter(self._level, points[row])
        return faces.moved(points)


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
    return frame.faces.moved(np.stack(points))


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


def relative_certainty(faces: Faces) -> FloatArray:
    """How sure each point (N, K) is within its face: 1 for the typical point, less for uncertain ones."""
    if faces.covariance is None:
        return np.ones(faces.points.shape[:2])
    variance = np.maximum(faces.covariance[..., 0, 0] + faces.covariance[..., 1, 1], 1e-12)
    half = variance.shape[1] // 2
    middle = np.partition(variance, half, axis=1)[:, half, None]
    return np.asarray(np.minimum(np.maximum(middle / variance, 0.25), 4.0), dtype=np.float64)
