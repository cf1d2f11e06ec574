"""`canthus challenge check`: the rules and the score of the light-weight landmark challenge of 2022.

One float32 network in a file of at most 15 MB, taught without a face detector, sees whole pictures; the error
is the mean distance over the side of the picture (NTU computer vision 2022 and Microsoft, CodaLab 5118).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from canthus.commands.challenge_rules import check
from canthus.commands.report import write_json
from canthus.commands.splits import Split
from canthus.datasets import Dataset
from canthus.evaluation import PictureBoxes, predict_split
from canthus.formats import aside, check_writable
from canthus.formats.predictions import Predictions
from canthus.runtime.landmarker import OnnxLandmarker
from canthus.runtime.models import is_exported, model_file, weights_file
from canthus.scoring import YAW_BINS, score

POINTS = 68


@dataclass(frozen=True)
class Outputs:
    """The file with a line a picture, and one with the report."""

    solution: Path = Path("solution.txt")
    json: Path | None = None


def challenge(model: str, data: Split | None, outputs: Outputs, threads: int | None = None) -> int:
    """Print the rules and, with data, the errors; write the solution. 1 where a rule is broken."""
    if data is None and outputs.solution != Outputs.solution:
        raise ValueError("--solution needs pictures: add --root and what else names a labelled split")
    for path in (outputs.json, outputs.solution if data else None):
        if path is not None:
            check_writable(path)
    file = model_file(model) if is_exported(model) else weights_file(model)
    rules = check(file)
    report: dict[str, Any] = {"model": file.name, "rules": [vars(rule) for rule in rules]}
    lines = [f"{'kept' if rule.kept else 'BROKEN':<7} {rule.name}: {rule.found}" for rule in rules]
    if data is not None:
        dataset = data.open()
        landmarker = OnnxLandmarker(model_file(file), threads=threads)
        if len(landmarker.scheme) != POINTS:
            raise ValueError(
                f"{model}: predicts {len(landmarker.scheme)} points, the challenge asks for {POINTS}"
            )
        if landmarker.scheme.name != dataset.scheme.name:
            raise ValueError(
                f"{model}: predicts {landmarker.scheme.name}, the labels are {dataset.scheme.name}; "
                "expected the same"
            )
        predictions = predict_split(landmarker, dataset, PictureBoxes(landmarker.crop_rule))
        with aside(outputs.solution) as part:
            part.write_text("".join(solution(predictions, dataset)), encoding="utf-8")
        report |= score(predictions, dataset)
        lines += [*errors(report["metrics"]), f"{outputs.solution}: {len(dataset)} lines"]
    if outputs.json is not None:
        write_json(outputs.json, report)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if all(rule.kept for rule in rules) else 1


def solution(predictions: Predictions, dataset: Dataset) -> Iterator[str]:
    """One line a picture: its file's name and x y of every point in px of the picture, 1 + 136 words.

    ValueError for a picture with several labelled faces, or one without a file.
    """
    names = set[str]()
    for i in range(len(dataset)):
        image = dataset[i].image
        if not isinstance(image, Path):
            raise ValueError(f"{dataset[i].id}: has no picture file of its own, which the solution names")
        if image.name in names:
            raise ValueError(
                f"{image.name}: appears twice, expected one face a picture and names that differ"
            )
        names.add(image.name)
        values = np.asarray(predictions.points[i], dtype=np.float64).reshape(-1)
        yield " ".join([image.name, *(f"{value:.4f}" for value in values)]) + "\n"


def errors(metrics: dict[str, float | None]) -> list[str]:
    """NME over the picture's side, and over the box of the labelled points, all faces and by yaw."""
    lines = [f"NME {_percent(metrics['nme/crop_side'])} of the side of the picture"]
    lines.append(
        f"NME {_percent(metrics['nme/landmark_box_sqrt_wh'])} of the landmark box, sqrt(width x height)"
    )
    means = list[float]()
    for low, high in YAW_BINS:
        name = f"yaw_{low}_{high}" if high is not None else f"yaw_{low}"
        value = metrics.get(f"{name}/nme/landmark_box_sqrt_wh")
        if value is not None:
            means.append(value)
            faces = int(metrics[f"{name}/faces"] or 0)
            lines.append(
                f"    yaw {low} to {90 if high is None else high} degrees: {_percent(value)}, {faces} faces"
            )
    if len(means) == len(YAW_BINS):
        lines.append(f"    mean of the three: {_percent(sum(means) / len(means))}")
    return lines


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f} %"
