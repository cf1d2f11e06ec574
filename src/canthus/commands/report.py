"""The report of a score, on the terminal and as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from canthus.formats import aside

#: (title, start of the metric's name, unit)
GROUPS = (
    ("NME, %", "nme/"),
    ("NME, % (mean over all points)", "nme_pooled/"),
    ("failure rate, %", "failure_rate/"),
    ("AUC of the CED", "auc/"),
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
    """The report as lines of text: provenance first, then one line a number."""
    lines = [f"{name:<12} {report[name]}" for name in _HEAD if name in report]
    if report.get("partial"):
        lines.append(f"{'partial':<12} lacks {'; '.join(report['partial'])}")
    rule = ", ".join(f"{key} {value}" for key, value in report.get("crop_rule", {}).items())
    lines.append(f"{'crop rule':<12} {rule}")
    lines.append(f"{'seconds':<12} {_pairs(report.get('seconds', {}))}")
    lines.append(f"{'versions':<12} {_pairs(report.get('versions', {}))}")
    metrics = report["metrics"]
    for title, start in GROUPS:
        rows = [(name, value) for name, value in metrics.items() if name.startswith(start)]
        if rows:
            lines += ["", title, *(f"  {name:<44} {_number(value)}" for name, value in rows)]
    left_out = {name: value for name, value in metrics.items() if name.startswith("left_out/") and value}
    if left_out:
        lines += ["", "faces left out (no such denominator)"]
        lines += [f"  {name.removeprefix('left_out/'):<44} {value:.0f}" for name, value in left_out.items()]
    return "\n".join([*lines, *_subsets(metrics)]) + "\n"


def _subsets(metrics: dict[str, float | None]) -> list[str]:
    names = [name.removesuffix("/faces") for name in metrics if name.endswith("/faces")]
    lines = []
    for name in names:
        rows = {
            key.removeprefix(f"{name}/"): value
            for key, value in metrics.items()
            if key.startswith(f"{name}/")
        }
        lines += ["", f"{name}: {rows['faces']:.0f} faces"]
        shown = {key: v for key, v in rows.items() if key.startswith(("nme/", "failure_rate/", "auc/"))}
        lines += [f"  {key:<44} {_number(value)}" for key, value in shown.items()]
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in values.items())


def deliver(report: dict[str, Any], json_path: Path | None, warnings: list[str]) -> None:
    """Warnings to stderr, the report to stdout and, where a path is given, to a JSON file."""
    for text in warnings:
        sys.stderr.write(f"warning: {text}\n")
    sys.stdout.write(render(report))
    if json_path is not None:
        write_json(json_path, report)
