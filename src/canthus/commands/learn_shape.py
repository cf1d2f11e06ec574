"""`canthus learn-shape`: the sparse 3D shape model, from the 2D labels of the training splits."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from canthus.datasets import DATASETS, SampleList
from canthus.formats import aside
from canthus.geometry import FloatArray, landmark_boxes
from canthus.morphable_models import MorphableModel, fit
from canthus.morphable_models.learning import learn, split_expression
from canthus.morphable_models.morphable_model import load_model, save_model

_SOURCE = (
    "learnt by `canthus learn-shape` from 2D landmarks: train_3d of aflw2000_merlrav for the shape, "
    "youtube_faces for what is expression"
)
_LICENCE = (
    "Made from labels of research data (AFLW2000, YouTube Faces): for research and non-commercial use only."
)


@dataclass(frozen=True)
class Options:
    """Number of directions, how many of them show expression, and the share of photos held out."""

    components: int = 24
    expressions: int = 8
    held_out: float = 0.1


def learn_shape(root: Path, output: Path, options: Options) -> int:
    """Learn the model, measure it on held-out photos, write NAME.npz and its card NAME.md. Exit code 0."""
    if not 0 <= options.expressions < options.components:
        raise ValueError(
            f"found {options.expressions} expressions of {options.components} components, expected fewer"
        )
    whole = DATASETS["coco"](root / "aflw2000_merlrav", "train_3d")
    persons = DATASETS["youtube_faces"](root / "youtube_faces", "train")
    points = np.stack([sample.points for sample in whole])
    complete = np.isfinite(points).all((1, 2))
    held = np.array([_held_out(sample.group, options.held_out) for sample in whole])
    model = learn(points[complete & ~held], whole.scheme, options.components)
    moving = persons.scheme.convert(np.stack([sample.points for sample in persons]), whole.scheme)
    model = split_expression(model, moving, [sample.group for sample in persons], options.expressions)
    model = replace(model, source=_SOURCE, licence=_LICENCE)
    target = output.with_suffix(".npz")
    with aside(target) as part:
        save_model(model, part)
    figures = _measured(load_model(target), points[complete & held])
    data = {"learnt": int((complete & ~held).sum()), "persons": _count(persons)}
    text = _card(target, model, figures, data)
    with aside(output.with_suffix(".md")) as part:
        part.write_text(text, encoding="utf-8")
    sys.stdout.write(json.dumps({"model": str(target), **figures}, indent=1) + "\n")
    return 0


def _held_out(group: str, share: float) -> bool:
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % 1000 < 1000 * share


def _count(persons: SampleList) -> int:
    return len({sample.group for sample in persons})


def _measured(model: MorphableModel, points: FloatArray) -> dict[str, float]:
    """Errors in per cent of sqrt(w h) of the landmark box, on faces the model has not seen."""
    box = landmark_boxes(points)
    size = np.sqrt((box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]))
    given = np.random.default_rng(0).random(points.shape[:2]) < 0.6
    figures = {"faces": float(len(points))}
    for name, weights in (("all_points_given", None), ("point_not_given", given)):
        distance = np.linalg.norm(fit(model, points, weights).points - points, axis=-1) / size[:, None]
        figures[name] = float(100 * distance[slice(None) if weights is None else ~given].mean())
    none = model.identity[:0]
    rigid = replace(model, identity=none, expression=none, deviations=np.zeros(0))
    distance = np.linalg.norm(fit(rigid, points).points - points, axis=-1) / size[:, None]
    return {**figures, "mean_shape_only": float(100 * distance.mean())}


def _card(path: Path, model: MorphableModel, figures: dict[str, float], data: dict[str, int]) -> str:
    content = path.read_bytes()
    return "\n".join(
        [
            f"# Model card: {path.stem}",
            "",
            f"A linear 3D model of the 68 landmarks ({model.scheme}): a mean face, {len(model.identity)} "
            f"directions of identity and {len(model.expression)} of expression. It turns 2D landmarks into "
            "head pose and 3D points.",
            "",
            f"* file: `{path.name}`, {len(content) / 1e3:.1f} kB, sha256 "
            f"`{hashlib.sha256(content).hexdigest()}`",
            f"* training data: {data['learnt']} faces with 68 points that stay on the head "
            "(`aflw2000_merlrav/train_3d.json`), each also mirrored; expression was told from identity on "
            f"{data['persons']} persons of YouTube Faces with several pictures each. 2D labels only: no "
            "licensed 3D model, no depth.",
            "* method: rigid factorisation with metric upgrade (Tomasi and Kanade 1992), then probabilistic "
            "non-rigid structure from motion (Torresani et al. 2008) under scaled orthographic views; "
            "expression is where the points of one person move most",
            f"* terms: {model.licence}",
            "",
            "## Measured",
            "",
            f"On {figures['faces']:.0f} faces of photos that were held out, per cent of sqrt(w h) of the "
            "landmark box:",
            "",
            "| what | mean distance |",
            "|---|---|",
            f"| fitted to all 68 points | {figures['all_points_given']:.2f} |",
            f"| fitted to 60 % of the points, measured at the others | {figures['point_not_given']:.2f} |",
            f"| turning and scaling the mean face only | {figures['mean_shape_only']:.2f} |",
            "",
            "Head pose: `docs/results_pose.md`, written by `canthus evaluate-pose`.",
            "",
            "## Limits",
            "",
            "* Depth comes from how points move between views of different people: a shape is right up to "
            "what such views can tell, and its scale of depth is the most uncertain part.",
            "* The labels of the far side of turned heads are semi-automatic.",
            "",
        ]
    )
