"""`canthus benchmark --video`: what a frame of a clip costs, part by part."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from canthus.commands.benchmark import versions
from canthus.commands.inputs import is_clip
from canthus.commands.moving_clip import moving_clip
from canthus.formats import aside, check_writable
from canthus.runtime.predictor import Predictor
from canthus.runtime.tracker import Tracker
from canthus.runtime.video import VideoFile

#: What a frame is made of: reading it; searching faces, on average; cutting crops and moving points back;
#: the network; following and smoothing; all of that but the reading; and the pose of the head.
PARTS = ("decode", "detect", "crop", "network", "track", "total", "pose")

_WARM_UP = 25  # frames
_GENERATED = 500


def benchmark_video(video: Path, model: str, threads: int = 1, report: Path | None = None) -> int:
    """Time a clip, or the clip that a camera over a photograph sees; returns the exit code 0.

    With one thread, its processor time is taken, which other programs do not touch. Raises ValueError or
    OSError for files that are neither.
    """
    check_writable(report)
    with tempfile.TemporaryDirectory() as folder, opencv_threads(threads):
        clip = video
        if not is_clip(video):
            clip = Path(folder) / "clip.mp4"
            moving_clip(video, clip, frames=_GENERATED)
        result = {
            "video": video.name,
            "model": Path(model).name,
            "threads": threads,
            "versions": versions(),
            **measure(clip, model, threads),
        }
    sys.stdout.write(_table(result))
    if report is not None:
        with aside(report) as part:
            part.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def measure(clip: Path, model: str, threads: int) -> dict[str, Any]:
    """Size and number of the frames, `faces` a frame, and `parts`: mean and median ms of each, by `PARTS`."""
    clock = _Clock(time.thread_time if threads == 1 else time.perf_counter)
    predictor = Predictor(model, threads=threads)
    session = predictor.landmarker.session
    session.run = clock.timed("network", session.run)  # type: ignore[method-assign]
    tracker = Tracker(
        clock.timed("locate", predictor.landmarker),
        clock.timed("detect", predictor.detector),
    )
    source = VideoFile(clip, threads=threads)
    rows: list[list[float]] = []
    faces = 0
    for frame in clock.each("decode", source.frames()):
        with clock.taken("total"):
            found = tracker(frame.image, frame.timestamp)
        with clock.taken("pose"):
            _ = found.pose  # solved for when it is read
        faces += len(found)
        rows.append(clock.row())
    if len(rows) <= 2 * _WARM_UP:
        raise ValueError(f"{clip}: found {len(rows)} frames, expected more than {2 * _WARM_UP} to time")
    times = np.array(rows[_WARM_UP:]) * 1000
    parts = {
        name: {"mean_ms": round(float(row.mean()), 4), "median_ms": round(float(np.median(row)), 4)}
        for name, row in zip(PARTS, times.T, strict=True)
    }
    size = {"width": source.width, "height": source.height, "frames": len(rows)}
    return {**size, "faces": round(faces / len(rows), 2), "parts": parts}


class _Clock:
    """Seconds that each part of a frame took, by its name."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._spent = dict.fromkeys((*PARTS, "locate"), 0.0)

    @contextmanager
    def taken(self, part: str) -> Iterator[None]:
        """Add what the block takes."""
        start = self._now()
        yield
        self._spent[part] += self._now() - start

    def timed(self, part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, timed."""

        def call(*arguments: Any, **named: Any) -> Any:
            with self.taken(part):
                return work(*arguments, **named)

        return call

    def each(self, part: str, items: Iterator[Any]) -> Iterator[Any]:
        """The same items; what each one takes to come is timed."""
        while True:
            with self.taken(part):
                item = next(items, None)
            if item is None:
                return
            yield item

    def row(self) -> list[float]:
        """The frame's seconds by `PARTS`, and a fresh start."""
        spent, self._spent = self._spent, dict.fromkeys(self._spent, 0.0)
        spent["crop"] = spent["locate"] - spent["network"]
        spent["track"] = spent["total"] - spent["detect"] - spent["locate"]
        return [spent[part] for part in PARTS]


@contextmanager
def opencv_threads(count: int) -> Iterator[None]:
    """OpenCV with so many threads inside the block."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(count)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _table(result: dict[str, Any]) -> str:
    known = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
    head = (
        f"{result['video']}: {result['frames']} frames of {result['width']}x{result['height']} px, "
        f"{result['faces']} faces a frame, {result['model']}, threads {result['threads']}"
    )
    lines = [head, known, f"{'part':8} {'mean':>8} {'median':>8}  ms a frame"]
    for name, times in result["parts"].items():
        note = "  points, without decoding" if name == "total" else ""
        lines.append(f"{name:8} {times['mean_ms']:8.3f} {times['median_ms']:8.3f}{note}")
    return "\n".join(lines) + "\n"
