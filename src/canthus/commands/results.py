"""`canthus results`: measure the bundled models and write the page of results."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from canthus.commands.evaluate import Boxes, Options, run
from canthus.commands.report import write_json
from canthus.commands.results_page import page
from canthus.commands.splits import Split
from canthus.formats import aside


@dataclass(frozen=True)
class Run:
    """One evaluation: `folder` and `backgrounds` are relative to the data's root."""

    title: str
    dataset: str
    folder: str
    split: str
    boxes: str
    backgrounds: str | None = None

    def command(self, model: str) -> str:
        """What a user types to repeat it; DATA stands for the root."""
        words = ["canthus evaluate", model, "--dataset", self.dataset, "--root", f"DATA/{self.folder}"]
        words += ["--split", self.split, "--boxes", self.boxes]
        words += ["--backgrounds", f"DATA/{self.backgrounds}"] if self.backgrounds else []
        return " ".join(words)


AFLW = "AFLW2000 test (MERL-RAV labels)"
RUNS = (
    Run("HELEN test", "300w", "300w", "helen_test", "landmarks", "negatives"),
    Run("HELEN test", "300w", "300w", "helen_test", "detector"),
    Run(AFLW, "coco", "aflw2000_merlrav", "test", "landmarks", "negatives"),
    Run(AFLW, "coco", "aflw2000_merlrav", "test", "detector"),
)


#: What other commands measure, as JSON files: benchmarks/designs.py, benchmarks/peers.py,
#: `canthus evaluate-detector --json` and `canthus benchmark --json`.
MEASURED = ("designs", "peers", "detector", "speed")


def read_measured(folder: Path) -> dict[str, Any]:
    """Name -> content of the files of `MEASURED` that the folder has; ValueError for one that is no JSON."""
    out = {}
    for name in MEASURED:
        path = folder / f"{name}.json"
        if path.is_file():
            try:
                out[name] = json.loads(path.read_text())
            except ValueError as error:
                raise ValueError(f"{path}: not a JSON file ({error})") from error
    return out


def results(models: list[str], root: Path, output: Path, json_path: Path | None, measured: Path) -> int:
    """Run every evaluation of every model and write the page; the exit code."""
    others = read_measured(measured)
    reports = []
    for model in models:
        for item in RUNS:
            report, warnings = evaluate(model, item, root)
            reports.append(report)
            for text in warnings:
                sys.stderr.write(f"warning: {text}\n")
    text = page(reports, others, datetime.now(UTC).date().isoformat())
    with aside(output) as part:
        part.write_text(text)
    if json_path is not None:
        write_json(json_path, reports)
    sys.stdout.write(f"{output}\n")
    return 0


def evaluate(model: str, item: Run, root: Path) -> tuple[dict[str, Any], list[str]]:
    """The report of one run, with `title` and `command`, and warnings."""
    data = Split(item.dataset, root / item.folder, item.split)
    backgrounds = root / item.backgrounds if item.backgrounds else None
    report, warnings = run(model, data, Boxes(item.boxes), Options(backgrounds=backgrounds))
    return {"title": item.title, "command": item.command(model), **report}, warnings
