"""The card of a bundled landmark model, as Markdown, from its file and its reports."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from canthus.commands.results_page import YAW, table
from canthus.runtime.landmarker import OnnxLandmarker

LIMITS = (
    "The tests are small: 330 and 150 faces. No figure exists by age, sex or skin colour.",
    "The jaw follows the visible contour of a turned head; it is not the same bone from every side.",
    "Errors grow with the yaw, and points hidden behind the head are a guess.",
    "Visibility was taught by a part of the training faces only, and by pasted occlusions.",
    "Drawings, masks, animals and heads upside down are not in the training data.",
)


def landmark_card(name: str, path: Path, reports: Sequence[dict[str, Any]]) -> str:
    """The card of the model file `path`; `reports` are those of `canthus results` for it."""
    card = OnnxLandmarker(path).card
    content = path.read_bytes()
    parameters = f", {card['parameters']:,} parameters" if "parameters" in card else ""
    lines = [
        f"# Model card: {name}",
        "",
        f"{card.get('description', '')}".strip(),
        "",
        f"* file: `{path.name}`, {len(content) / 1e6:.2f} MB{parameters}, sha256 "
        f"`{hashlib.sha256(content).hexdigest()}`",
        f"* input: RGB crops of {card['input_size']} x {card['input_size']} px; output: the scheme "
        f"`{card['scheme']}`",
        f"* training data: {card.get('training_data', 'not stated')}",
        f"* terms: {card.get('licence', 'not stated')}",
        "",
        "## Measured",
        "",
        "By `canthus results`; what each number means: `docs/protocols.md`.",
        "",
        table(["", *(_run(report) for report in reports)], _figures(reports)),
        "",
        "## Limits",
        "",
        *(f"* {text}" for text in LIMITS),
    ]
    return "\n".join(lines) + "\n"


def demoted(card: str) -> str:
    """A card as a section of a page: its title becomes a heading of the third level, the others follow."""
    lines = card.replace("# Model card: ", "# ", 1).rstrip().splitlines()
    return "\n".join(f"##{line}" if line.startswith("#") else line for line in lines)


def _run(report: dict[str, Any]) -> str:
    missed = f", {report['missed']} missed" if report["missed"] else ""
    return f"{report['title']}, boxes: {report['boxes']} ({report['faces']} faces{missed})"


def _figures(reports: Sequence[dict[str, Any]]) -> list[list[str]]:
    """One row a figure that any report has, one column a report."""
    wanted = [
        ("NME inter-ocular, %", "nme/inter_ocular", 2),
        ("NME sqrt(w h), %", "nme/landmark_box_sqrt_wh", 2),
        *((f"the same, yaw {name}", f"{key}/nme/landmark_box_sqrt_wh", 2) for name, key in YAW),
        ("failure rate at 0.08, %", "failure_rate/inter_ocular@0.08", 2),
        ("points inside the 50 % ellipse, %", "calibration/inside_50", 1),
        ("points inside the 90 % ellipse, %", "calibration/inside_90", 1),
        ("visibility AUC", "visibility_auc", 3),
        ("presence AUC", "presence_auc", 4),
    ]
    rows = []
    for label, name, digits in wanted:
        values = [report["metrics"].get(name) for report in reports]
        if any(value is not None for value in values):
            rows.append([label, *("-" if value is None else f"{value:.{digits}f}" for value in values)])
    return rows
