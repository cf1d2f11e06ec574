"""The report of a score, on the terminal and as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from canthus.commands.curve_plot import plot_curves
from canthus.commands.output import Output
from canthus.formats import aside

#: (title, start of the metric's name, unit)
GROUPS = (
    ("NME, % (mean over faces)", "nme/"),
    ("NME, % (mean over all points)", "nme_pooled/"),
    ("failure rate, %", "failure_rate/"),
    ("AUC of the CED", "auc/"),
    ("NME, % (mean of the yaw bins)", "mean_of_yaw_bins/"),
    ("NME of the parts, %", "part/"),
    ("points inside the ellipse, %", "calibration/"),
    ("visibility, AUC", "visibility_auc"),
    ("presence, AUC", "presence_auc"),
)
_HEAD = (
    "model",
    "sha256",
    "scheme",
    "dataset",
    "split",
    "labels",
    "boxes",
    "box_kind",
    "images",
    "faces",
    "missed",
)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file aside, then rename it."""
    with aside(path) as part:
        part.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n")


def render(report: dict[str, Any]) -> str:
    """The report as lines of text: provenance, one line a number with its 95 % interval, the subsets."""
    lines = [f"{name:<12} {report[name]}" for name in _HEAD if name in report]
    if report.get("partial"):
        lines.append(f"{'partial':<12} lacks {'; '.join(report['partial'])}")
    rule = ", ".join(f"{key} {value}" for key, value in report.get("crop_rule", {}).items())
    lines.append(f"{'crop rule':<12} {rule}")
    if "yaw" in report:
        lines.append(f"{'yaw':<12} {_yaw(report['yaw'])}")
    lines.append(f"{'seconds':<12} {_pairs(report.get('seconds', {}))}")
    lines.append(f"{'versions':<12} {_pairs(report.get('versions', {}))}")
    metrics = report["metrics"]
    for title, start in GROUPS:
        rows = [(name, value) for name, value in metrics.items() if name.startswith(start)]
        if rows:
            lines += ["", title]
            lines += [f"  {name:<44} {_number(value)}{_interval(report, name)}" for name, value in rows]
    left_out = {name: value for name, value in metrics.items() if name.startswith("left_out/") and value}
    if left_out:
        lines += ["", "faces left out (no such denominator)"]
        lines += [f"  {name.removeprefix('left_out/'):<44} {value:.0f}" for name, value in left_out.items()]
    return "\n".join([*lines, *_subsets(report)]) + "\n"


def _yaw(faces: dict[str, int]) -> str:
    """Where the yaw of the bins comes from."""
    sources = {
        "stated": "stated by the labels",
        "fitted": "fitted to the labelled points with the package's shape model",
        "unknown": "unknown, in no bin",
    }
    return ", ".join(f"{text}: {faces[name]} faces" for name, text in sources.items() if faces[name])


def _subsets(report: dict[str, Any]) -> list[str]:
    """One table of the whole split and its subsets: NME, failure rates and areas of the usual denominator."""
    metrics, normalizer = report["metrics"], report.get("ced", {}).get("normalizer", "")
    names = [name.removesuffix("/faces") for name in metrics if name.endswith("/faces")]
    if not names:
        return []
    kinds = ("nme", "failure_rate", "auc")
    keys = [key for kind in kinds for key in metrics if key.split("@")[0] == f"{kind}/{normalizer}"]
    titles = [key.replace(f"/{normalizer}", "").replace("failure_rate", "FR") for key in keys]
    lines = ["", f"subsets ({normalizer})", _row("", "faces", *titles, "95 % of nme")]
    for name in ("", *names):
        start = f"{name}/" if name else ""
        faces = report["faces"] if not name else metrics[f"{name}/faces"]
        numbers = [_number(metrics[f"{start}{key}"]) for key in keys]
        interval = _interval(report, f"{start}{keys[0]}") if keys else ""
        lines.append(_row(name or "all", f"{faces:.0f}", *numbers, interval.strip()))
    return lines


def _row(name: str, *cells: str) -> str:
    return f"  {name:<26}" + "".join(f" {cell:>9}" for cell in cells)


def _interval(report: dict[str, Any], name: str) -> str:
    interval = report.get("intervals", {}).get("metrics", {}).get(name)
    return "" if interval is None else f"  [{interval[0]:.4f}, {interval[1]:.4f}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())


def deliver(report: dict[str, Any], output: Output, warnings: list[str]) -> None:
    """Warnings to stderr, the report to stdout and to the files that are asked for."""
    for text in warnings:
        sys.stderr.write(f"warning: {text}\n")
    sys.stdout.write(render(report))
    if output.json is not None:
        write_json(output.json, report)
    if output.plot is not None:
        plot_curves(report, output.plot)
