"""Error, jitter, lag, losses and exchanged ids of followed faces against the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.faces import Faces
from canthus.geometry import FloatArray
from canthus.runtime.assignment import assign
from canthus.schemes import Scheme
from canthus.stability.motion import TURN_SPEED
from canthus.stability.sequences import Video

#: A face counts as found where the mean error of its points is at most this share of its inter-ocular
#: distance.
FOUND = 0.35
#: A face counts as visible while less than this share of its points is hidden.
VISIBLE = 1 / 3


@dataclass(frozen=True)
class Matched:
    """What was found of the F true faces in T frames: `points` (T, F, K, 2), NaN where nothing was; `ids`
    (T, F), -1 there and for faces that have none; `twice`: further faces in the place of a true one."""

    points: FloatArray
    ids: NDArray[np.int64]
    twice: int


def match(video: Video, frames: Sequence[Faces], scheme: Scheme) -> Matched:
    """The faces found in each frame, given to the true ones so that their errors are least."""
    points = np.full_like(video.truth, np.nan)
    ids = np.full(video.truth.shape[:2], -1, dtype=np.int64)
    twice = 0
    oculars = scheme.normalizer("inter_ocular", video.truth)  # (T, F)
    for frame, faces in enumerate(frames):
        gaps = video.truth[frame][:, None] - faces.points[None]  # (F, N, K, 2)
        errors = np.linalg.norm(gaps, axis=-1).mean(-1) / oculars[frame][:, None]
        pairs = assign(errors, FOUND)
        for face, row in pairs:
            points[frame, face] = faces.points[row]
            ids[frame, face] = -1 if faces.track_ids is None else faces.track_ids[row]
        near = (errors <= FOUND).any(axis=0) if len(faces) else np.zeros(0)
        twice += int(near.sum()) - len(pairs)
    return Matched(points, ids, twice)


def sums(video: Video, found: Matched, scheme: Scheme) -> Counter[str]:
    """The sums that `figures` divides; those of several videos may be added."""
    ocular = scheme.normalizer("inter_ocular", video.truth)[..., None, None]
    errors = (found.points - video.truth) / ocular  # (T, F, K, 2), in inter-ocular distances
    visible = video.covered < VISIBLE  # (T, F)
    errors[~visible] = np.nan
    seen = ~np.isnan(errors[..., 0, 0])
    same = (found.ids[2:] == found.ids[1:-1]) & (found.ids[1:-1] == found.ids[:-2])  # a gap is NaN anyway
    out: Counter[str] = Counter(
        {
            "visible": int(visible.sum()),
            "lost": int((visible & ~seen).sum()),
            "twice": found.twice,
            "switches": sum(_switches(found.ids[seen[:, f], f]) for f in range(seen.shape[1])),
        }
    )
    _add(out, "error", np.linalg.norm(errors, axis=-1))
    bends = errors[2:] - 2 * errors[1:-1] + errors[:-2]
    _add(out, "bend", np.square(bends[same]).sum(-1))
    places = found.points / ocular
    whole = places[2:] - 2 * places[1:-1] + places[:-2]
    _add(out, "whole_bend", np.where(np.isnan(bends[..., 0]), np.nan, np.square(whole).sum(-1))[same])
    _add_lag(out, video, errors, ocular)
    return out


def figures(total: Counter[str]) -> dict[str, float | None]:
    """`nme` %, `jitter` % (root mean square of the second difference of the errors), `second_difference` %
    (the same of the points themselves, which holds the true motion), `lag` frames at 90 degrees a second,
    `lost` % of the frames that show a face, `switches` of ids, `twice`; of inter-ocular distances. None
    where there was nothing to measure."""

    def mean(name: str) -> float | None:
        return total[f"{name}_sum"] / total[f"{name}_count"] if total[f"{name}_count"] else None

    def root(name: str) -> float | None:
        value = mean(name)
        return None if value is None else 100 * float(np.sqrt(value))

    nme, lag = mean("error"), mean("lag")
    return {
        "nme": None if nme is None else 100 * nme,
        "jitter": root("bend"),
        "second_difference": root("whole_bend"),
        "lag": lag,
        "lost": 100 * total["lost"] / total["visible"] if total["visible"] else None,
        "switches": total["switches"],
        "twice": total["twice"],
        "frames": total["visible"],
    }


def _switches(ids: NDArray[np.int64]) -> int:
    """How often the id (T,) of a face changes."""
    return int((ids[1:] != ids[:-1]).sum())


def _add(out: Counter[str], name: str, values: FloatArray) -> None:
    known = values[~np.isnan(values)]
    out[f"{name}_sum"] += float(known.sum())  # type: ignore[assignment]
    out[f"{name}_count"] += len(known)


def _add_lag(out: Counter[str], video: Video, errors: FloatArray, ocular: FloatArray) -> None:
    """Least squares: the error of a point that lags by L frames is -L times its motion from frame to frame.

    A point's mean error is taken off first: a head turns both ways, so no lag is lost with it.
    """
    speed = np.gradient(video.yaw, video.times) if video.yaw.any() else np.zeros_like(video.yaw)
    fast = np.abs(speed) > 0.9 * TURN_SPEED
    if not fast.any():
        return
    velocity = (np.gradient(video.truth, axis=0) / ocular)[fast]
    mine = errors[fast]
    mine = mine - np.nanmean(mine, axis=0)
    known = ~np.isnan(mine)
    out["lag_sum"] -= float((mine * velocity)[known].sum())  # type: ignore[assignment]
    out["lag_count"] += float(np.square(velocity)[known].sum())  # type: ignore[assignment]
