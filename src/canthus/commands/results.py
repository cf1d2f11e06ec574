"""`canthus results`: measure the bundled models and write the page of results."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from canthus.commands.evaluate import Boxes, Options, run
from canthus.commands.model_card import demoted, landmark_card
from canthus.commands.report import write_json
from canthus.commands.results_page import page
from canthus.commands.results_summary import fill, summary
from canthus.commands.results_trained import read_trained, trained_section
from canthus.commands.splits import Split
from canthus.formats import aside
from canthus.runtime.models import BUNDLED, model_file


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


#: What other commands measure, and their files: benchmarks/designs.py, benchmarks/peers.py,
#: `canthus evaluate-detector --json`, `canthus benchmark --json` and `canthus challenge check --json`. Beside
#: them `trained/*.json`: rows trained here.
MEASURED = {
    "designs": "designs.json",
    "peers": "peers.json",
    "detector": "results_detector.json",
    "speed": "speed.json",
    "challenge": "challenge.json",
}


def read_measured(folder: Path) -> dict[str, Any]:
    """Name -> content of the files of `MEASURED` that the folder has; ValueError for one that is no JSON."""
    out = {}
    for name, file in MEASURED.items():
        path = folder / file
        if path.is_file():
            try:
                out[name] = json.loads(path.read_text())
            except ValueError as error:
                raise ValueError(f"{path}: not a JSON file ({error})") from error
    return out


@dataclass(frozen=True)
class Outputs:
    """The page, a file with every report, and a clone whose other pages are refreshed."""

    page: Path
    json: Path | None = None
    checkout: Path | None = None


def results(models: list[str], root: Path, measured: Path, outputs: Outputs) -> int:
    """Run every evaluation of every model and write the page; the exit code."""
    others = read_measured(measured)
    reports = []
    for model in models:
        for item in RUNS:
            report, warnings = evaluate(model, item, root)
            reports.append(report)
            for text in warnings:
                sys.stderr.write(f"warning: {text}\n")
    day = datetime.now(UTC).date().isoformat()
    text = page(reports, others, day)
    trained = read_trained(measured / "trained")
    if trained:
        text += "\n" + trained_section(trained) + "\n"
    with aside(outputs.page) as part:
        part.write_text(text)
    if outputs.json is not None:
        write_json(outputs.json, reports)
    if outputs.checkout is not None:
        refresh(outputs.checkout, reports, others, day)
    sys.stdout.write(f"{outputs.page}\n")
    return 0


def refresh(checkout: Path, reports: list[dict[str, Any]], others: dict[str, Any], day: str) -> None:
    """Write the figures into a clone: README's table, the bundled models' cards, and the page of licences."""
    fill(checkout / "README.md", "results", summary(reports, others, day))
    assets = checkout / "src" / "canthus" / "assets"
    for name in BUNDLED:
        mine = [report for report in reports if report["model"] == name]
        if mine:
            with aside(assets / f"{name}.md") as part:
                part.write_text(landmark_card(name, model_file(name), mine))
    cards = [demoted(path.read_text()) for path in sorted(assets.glob("*.md"))]
    fill(checkout / "docs" / "licences.md", "cards", "\n\n".join(cards))


def evaluate(model: str, item: Run, root: Path) -> tuple[dict[str, Any], list[str]]:
    """The report of one run, with `title` and `command`, and warnings."""
    data = Split(item.dataset, root / item.folder, item.split)
    backgrounds = root / item.backgrounds if item.backgrounds else None
    report, warnings = run(model, data, Boxes(item.boxes), Options(backgrounds=backgrounds))
    return {"title": item.title, "command": item.command(model), **report}, warnings
