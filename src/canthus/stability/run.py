"""Follow the faces of the made videos, smooth them in every way, and add up the measures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from canthus.faces import Faces
from canthus.runtime.predictor import Predictor
from canthus.runtime.smoothing import LEVELS, Smoother, smooth_offline
from canthus.stability.measures import figures, match, sums
from canthus.stability.sequences import Video

#: Ways to the points: each picture by itself; followed; followed and smoothed.
ALONE, RAW = "each picture alone", "followed, raw"
WAYS = (
    ALONE,
    RAW,
    *(f"causal, {level}" for level in LEVELS),
    *(f"looking ahead, {level}" for level in LEVELS),
)
#: Videos of one face, added up under this name.
POOLED = "one face"

Figures = dict[str, float | None]


def measure(
    predictor: Predictor, videos: Iterable[Video], *, progress: Callable[[], None] | None = None
) -> dict[str, dict[str, Figures]]:
    """Kind of video (and `POOLED`) -> way -> its figures. `progress` is called after each video."""
    totals: dict[str, dict[str, Counter[str]]] = {}
    for video in videos:
        for way, frames in ways(predictor, video).items():
            total = sums(video, match(video, frames, predictor.scheme), predictor.scheme)
            for kind in (video.kind, *(() if video.kind == "crossing" else (POOLED,))):
                totals.setdefault(kind, {}).setdefault(way, Counter()).update(total)
        if progress is not None:
            progress()
    return {
        kind: {way: figures(total) for way, total in rows.items()} for kind, rows in sorted(totals.items())
    }


def ways(predictor: Predictor, video: Video) -> dict[str, list[Faces]]:
    """The faces of every frame, found in each of `WAYS`; the networks run once for all that follow."""
    tracker = predictor.tracker(smooth="off")
    alone, raw = [], []
    for image, time in zip(video.render(), video.times, strict=True):
        alone.append(predictor(image))
        raw.append((float(time), tracker(image, float(time))))
    out = {ALONE: alone, RAW: [faces for _, faces in raw]}
    for level in LEVELS:
        smoother = Smoother(level)
        out[f"causal, {level}"] = [smoother(faces, time) for time, faces in raw]
    for level in LEVELS:
        out[f"looking ahead, {level}"] = list(smooth_offline(raw, level))
    return out
