"""`canthus challenge check`: the rules and the score of the light-weight landmark challenge of 2022.

One float32 network in a file of at most 15 MB, taught without a face detector, sees whole pictures; the error
is the mean distance over the side of the picture (NTU computer vision 2022 and Microsoft, CodaLab 5118).
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from canthus.commands.report import write_json
from canthus.commands.splits import Split, check_schemes
from canthus.datasets import Dataset
from canthus.evaluation import PictureBoxes, predict_split
from canthus.formats import aside, check_writable
from canthus.formats.predictions import Predictions
from canthus.recipe import Recipe
from canthus.runtime.landmarker import OnnxLandmarker
from canthus.runtime.models import model_file, weights_file
from canthus.scoring import YAW_BINS, score

#: Largest file, bytes.
LIMIT = 15_000_000
POINTS = 68
#: Tags that a face detector took part in.
DETECTED = ("reg_offset",)
HEADER = 1 << 26  # bytes: longer headers of a weights file are damaged ones


@dataclass(frozen=True)
class Rule:
    """A rule of the challenge, whether the model keeps it, and what was found."""

    name: str
    kept: bool
    found: str


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
    weights = weights_file(model)
    rules = check(weights)
    report: dict[str, Any] = {"model": weights.name, "rules": [vars(rule) for rule in rules]}
    lines = [f"{'kept' if rule.kept else 'BROKEN':<7} {rule.name}: {rule.found}" for rule in rules]
    if data is not None:
        dataset = data.open()
        landmarker = OnnxLandmarker(model_file(weights), threads=threads)
        if len(landmarker.scheme) != POINTS:
            raise ValueError(
                f"{model}: predicts {len(landmarker.scheme)} points, the challenge asks for {POINTS}"
            )
        check_schemes(landmarker.scheme.name, dataset.scheme.name, allowed=False)
        predictions = predict_split(landmarker, dataset, PictureBoxes(landmarker.crop_rule))
        with aside(outputs.solution) as part:
            part.write_text("".join(solution(predictions, dataset)), encoding="utf-8")
        report |= score(predictions, dataset)
        lines += [*errors(report["metrics"]), f"{outputs.solution}: {len(dataset)} lines"]
    if outputs.json is not None:
        write_json(outputs.json, report)
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if all(rule.kept for rule in rules) else 1


def check(weights: Path) -> list[Rule]:
    """The rules that a weights file (.safetensors) can be held to; ValueError for a file that is none."""
    tensors, recipe, header = read_weights(weights)
    size = weights.stat().st_size
    others = sorted({str(tensor["dtype"]) for tensor in tensors.values()} - {"F32"} - _COUNTERS)
    return [
        Rule("float32", not others, f"values of {', '.join(others) or 'float32 alone'}"),
        Rule("one network", *_one_network(recipe, tensors)),
        Rule("at most 15 MB", size <= LIMIT, f"{size / 1e6:.2f} MB"),
        Rule("no face detector", *_no_detector(recipe)),
        Rule("no other model", *_no_other_model(recipe, header)),
    ]


#: What counts batches is no value of the network.
_COUNTERS = {"I64"}


def read_weights(path: Path) -> tuple[dict[str, Any], Recipe, dict[str, str]]:
    """Name -> what the header of a .safetensors file says of a tensor, the recipe in it, the other facts."""
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else HEADER + 1
        if length > HEADER:
            raise ValueError(f"{path}: not a safetensors file")
        try:
            content = json.loads(file.read(length))
            facts = content.pop("__metadata__")
            recipe = Recipe.model_validate_json(facts["recipe"])
        except (ValueError, KeyError, AttributeError):
            raise ValueError(
                f"{path}: found no recipe in the header, expected a file written by canthus train or convert"
            ) from None
    return content, recipe, facts


def _one_network(recipe: Recipe, tensors: dict[str, Any]) -> tuple[bool, str]:
    """Whether every tensor belongs to the network of the recipe."""
    try:
        import torch

        from canthus.build import build_landmarker
    except ModuleNotFoundError as error:
        raise ImportError(f"checking needs {error.name}: pip install 'canthus[train]'") from None
    with torch.device("meta"):
        own = build_landmarker(recipe).state_dict()
    shapes = {name: list(value.shape) for name, value in own.items()}
    found = {name: tensor["shape"] for name, tensor in tensors.items()}
    if shapes == found:
        return True, f"the {len(found)} tensors of {recipe.backbone.name} and {recipe.head.name}"
    foreign = sorted(name for name in {*shapes, *found} if shapes.get(name) != found.get(name))
    return False, f"{foreign[0]} and {len(foreign) - 1} more are not as the recipe has them"


def _no_detector(recipe: Recipe) -> tuple[bool, str]:
    """Whether the boxes of all training data are labels or whole pictures, and no detector chose samples."""
    for part in recipe.datasets:
        used = [tag for tag in DETECTED if tag in part.filter]
        if used:
            return False, f"{part.title} is filtered by {used[0]}, which a detector measured"
        if part.boxes == "dataset":
            return False, (
                f"{part.title} is cropped at the boxes that it states, which may be a detector's; the recipe "
                "has to say boxes: landmarks or boxes: picture"
            )
    return True, "crops of " + ", ".join(f"{part.title} by {part.boxes}" for part in recipe.datasets)


def _no_other_model(recipe: Recipe, facts: dict[str, str]) -> tuple[bool, str]:
    """Whether the weights began at random and are scored in one pass."""
    start = facts.get("initial_weights")
    if start not in (None, "scratch"):
        return False, f"the training began with {start}"
    if recipe.test.flip:
        return False, "the recipe is scored with the mirrored picture too"
    stated = "taught from scratch" if start else "the file does not say what its training began with"
    return True, f"{stated}, scored in one pass"


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
