"""`canthus benchmark`: what a landmark network or a face detector costs on this machine."""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus import __version__, detectors
from canthus.detectors.builtin import bundled_detector
from canthus.formats import aside, check_writable
from canthus.runtime.landmarker import OnnxLandmarker
from canthus.runtime.models import model_file
from canthus.session import Session

_WARM_UP = 10

#: Name of what is timed -> the call.
Work = dict[str, Callable[[], Any]]


@dataclass(frozen=True)
class Settings:
    """`size`: side in px of the picture a detector searches; `batch`: crops in one call of a landmark
    network.
    """

    threads: int = 1
    batch: int = 1
    size: int = 320
    repeats: int = 200


def benchmark(model: str, against: str | None, settings: Settings, report: Path | None = None) -> int:
    """Time a model, in alternation with a second one where it is given; returns the exit code 0.

    Raises ValueError or FileNotFoundError for files that are no models.
    """
    check_writable(report)
    names = [model] if against is None else [model, against]
    works = [prepare(name, settings) for name in names]
    times = alternate([call for work in works for call in work.values()], settings.repeats)
    rows: list[dict[str, Any]] = []
    for name, work in zip(names, works, strict=True):
        for what in work:
            rows.append({"model": Path(name).name, "what": what, **quantiles(times[len(rows)])})
    ratios = {}
    if against is not None:
        first, second = list(works[0]), list(works[1])
        for what in (name for name in first if name in second):
            pair = times[first.index(what)], times[len(first) + second.index(what)]
            ratios[what] = round(float(np.median(pair[0] / pair[1])), 3)
    result = {"settings": vars(settings), "versions": versions(), "times": rows, "ratio_to_second": ratios}
    sys.stdout.write(_table(result))
    if report is not None:
        with aside(report) as part:
            part.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


def prepare(model: str, settings: Settings) -> Work:
    """The calls to time. `network`: the ONNX graph alone, arrays in, arrays out. `whole`: for a landmark
    model of this project from picture and boxes to `Faces`, for a detector from picture to boxes."""
    path = bundled_detector() if model == "face_detector" else model_file(model)
    session = Session(path, threads=settings.threads)
    noise = np.random.default_rng(0).integers(0, 256, (settings.size, settings.size, 3), dtype=np.uint8)
    if "cls_8" in session.outputs or session.inputs == ("image",):
        detector = detectors.load(path, working_size=settings.size, threads=settings.threads)
        feed = {session.inputs[0]: _like(session, 1, settings.size)}
        return {"network": lambda: session.run(**feed), "whole": lambda: detector(noise)}
    feed = {name: _like(session, settings.batch, settings.size) for name in session.inputs}
    work: Work = {"network": lambda: session.run(**feed)}
    if "crop_rule" in session.metadata:
        landmarker = OnnxLandmarker(path, threads=settings.threads)
        edge = settings.size * 0.2
        boxes = np.tile([edge, edge, settings.size - edge, settings.size - edge], (settings.batch, 1))
        work["whole"] = lambda: landmarker(noise, boxes, "face")
    return work


def alternate(
    calls: Sequence[Callable[[], Any]],
    repeats: int,
    *,
    warm_up: int = _WARM_UP,
    clock: Callable[[], float] = time.perf_counter,
) -> list[NDArray[np.float64]]:
    """Milliseconds (repeats,) of each call, taken in turn so that a drift of the machine meets all of
    them; of the `clock`, which gives seconds.
    """
    for call in calls:
        for _ in range(warm_up):
            call()
    times = np.empty((len(calls), repeats))
    for i in range(repeats):
        for row, call in enumerate(calls):
            start = clock()
            call()
            times[row, i] = (clock() - start) * 1000
    return list(times)


def quantiles(times: NDArray[np.float64]) -> dict[str, float]:
    """Median, 10 % and 90 % quantile in ms."""
    low, median, high = np.quantile(times, [0.1, 0.5, 0.9])
    return {
        "median_ms": round(float(median), 4),
        "p10_ms": round(float(low), 4),
        "p90_ms": round(float(high), 4),
    }


def versions() -> dict[str, str]:
    """What the figures depend on."""
    packages = {name: version(name) for name in ("numpy", "onnxruntime")}
    return {
        "canthus": __version__,
        "python": platform.python_version(),
        **packages,
        "machine": platform.machine(),
    }


def _like(session: Session, batch: int, size: int) -> NDArray[Any]:
    """Noise for the first input: a free batch is `batch`, other free sides `size`; floats lie in [0, 1]."""
    name = session.inputs[0]
    shape = [side if isinstance(side, int) else size for side in session.input_shape(name)]
    if not isinstance(session.input_shape(name)[0], int):
        shape[0] = batch
    values = np.random.default_rng(0).integers(0, 256, shape)
    dtype = session.input_dtype(name)
    return (values / 255).astype(dtype) if np.issubdtype(dtype, np.floating) else values.astype(dtype)


def _table(result: dict[str, Any]) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in result["settings"].items())
    known = ", ".join(f"{name} {value}" for name, value in result["versions"].items())
    lines = [settings, known, f"{'model':32} {'timed':8} {'median':>10} {'p10':>10} {'p90':>10}  ms"]
    for row in result["times"]:
        times = " ".join(f"{row[key]:10.3f}" for key in ("median_ms", "p10_ms", "p90_ms"))
        lines.append(f"{row['model'][:32]:32} {row['what']:8} {times}")
    for what, ratio in result["ratio_to_second"].items():
        lines.append(f"{what}: the first takes {ratio:.2f} times the second (median of paired ratios)")
    return "\n".join(lines) + "\n"
