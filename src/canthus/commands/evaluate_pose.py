"""`canthus evaluate-pose`: head poses of the shipped shape model against three kinds of truth."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from canthus import __version__
from canthus.commands.benchmark import versions
from canthus.datasets import DATASETS, SampleList
from canthus.formats import aside
from canthus.geometry import FloatArray, landmark_boxes
from canthus.morphable_models import euler_angles, fit, rotation_matrix, sparse_model
from canthus.morphable_models.alignment import best_rotation, mean_shape, rotation_distance
from canthus.runtime.predictor import Predictor

ANGLES = ("yaw", "pitch", "roll")
#: Faces with a larger angle are left out, as published scores do.
LIMIT = 99.0


@dataclass(frozen=True)
class Outputs:
    """Files to write: the figures, the results page."""

    json: Path | None = None
    markdown: Path | None = None


def evaluate_pose(model: str | None, root: Path, outputs: Outputs) -> int:
    """Measure and print the page; `root` holds aflw2000_merlrav, aflw2000_3d_original and
    ict_facekit_68.npz. Exit code 0."""
    rows = [*_against_fits(model, root), _against_originals(root), *_against_synthetic(root)]
    name = model or "face68"
    result = {
        "command": " ".join(["canthus evaluate-pose", *([name] if model else []), "--root DATA"]),
        "versions": versions(),
        "rows": rows,
    }
    page = _page(result)
    sys.stdout.write(page)
    for target, text in ((outputs.json, json.dumps(result, indent=1) + "\n"), (outputs.markdown, page)):
        if target is not None:
            with aside(target) as part:
                part.write_text(text, encoding="utf-8")
    return 0


def _against_fits(model: str | None, root: Path) -> list[dict[str, Any]]:
    """The 3D fits of AFLW2000-3D beside the test images: from the labels, and from a network's points."""
    samples = DATASETS["coco"](root / "aflw2000_merlrav", "test_3d")
    truth = _fitted_points(root / "aflw2000_merlrav" / "points3d.npz", samples)
    mean = mean_shape(truth, sparse_model().mean)
    rotation = best_rotation(np.broadcast_to(mean, truth.shape), truth)
    labels = fit(sparse_model(), np.stack([sample.points for sample in samples]))
    predictor = Predictor(model)
    found = [predictor(sample.read(), sample.box[None], sample.box_kind) for sample in samples]
    seen = rotation_matrix(np.concatenate([faces.pose for faces in found if faces.pose is not None]))
    title = "AFLW2000-3D, 150 test images, rotation onto the mean of the 3D fits"
    return [
        _row(title, "the 68 labels (3D jaw)", labels.rotation, rotation),
        _row(title, f"points of {model or 'face68'}, labelled box", seen, rotation),
    ]


def _fitted_points(path: Path, samples: SampleList) -> FloatArray:
    """(N, 68, 3), y up, of the samples in their order."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; it holds the 3D points that poses are measured on")
    with np.load(path, allow_pickle=False) as file:
        names = [Path(str(name)).stem for name in file["test_3d_names"]]
        points = dict(zip(names, file["test_3d_points"].astype(np.float64), strict=True))
    return np.stack([points[Path(sample.id.split("#")[0]).stem] for sample in samples]) * (1.0, -1.0, 1.0)


def _against_originals(root: Path) -> dict[str, Any]:
    samples = DATASETS["aflw2000_3d"](root / "aflw2000_3d_original", "test")
    found = fit(sparse_model(), np.stack([sample.points for sample in samples]))
    stated = np.array([[sample.tags[angle] for angle in ANGLES] for sample in samples])
    kept = (np.abs(stated) < LIMIT).all(1)
    title = f"AFLW2000-3D originals, `Pose_Para`, |angle| < {LIMIT:.0f} degrees"
    return _row(title, "`pt3d_68`", found.rotation[kept], rotation_matrix(stated[kept]))


def _against_synthetic(root: Path) -> list[dict[str, Any]]:
    """Random ICT-FaceKit faces in random poses, exact and with noise, in both cameras."""
    with np.load(root / "ict_facekit_68.npz", allow_pickle=False) as file:
        mean, identity = file["mean"].astype(float), file["identity"].astype(float)
        expression = file["expression"].astype(float)
    random = np.random.default_rng(0)
    count = 500
    shapes = mean + np.tensordot(random.normal(size=(count, len(identity))), identity, axes=1)
    shapes += np.tensordot(0.2 * random.random((count, len(expression))), expression, axes=1)
    shapes -= shapes.mean(1, keepdims=True)
    turns = rotation_matrix(random.uniform((-75, -30, -30), (75, 30, 30), (count, 3)))
    # Frames of two mean faces differ by a small constant turn, which is no error of a fit.
    turns_of_ours = turns @ best_rotation(sparse_model().mean, mean)
    inside = shapes @ turns.transpose(0, 2, 1)
    flat = inside[..., :2] * (10.0, -10.0) + 200.0
    near = inside[..., :2] / (1 - inside[..., 2:] / 60.0) * (10.0, -10.0) + 200.0  # 60 cm away
    size = np.sqrt(np.prod(np.diff(landmark_boxes(flat).reshape(-1, 2, 2), axis=1)[:, 0], axis=1))
    noise = random.normal(size=flat.shape) * 0.01 * size[:, None, None]
    title = "500 random faces of ICT-FaceKit, yaw to 75, pitch and roll to 30 degrees"
    cases = {
        "scaled orthographic, exact": flat,
        "scaled orthographic, noise 1 % of the face": flat + noise,
        "perspective from 60 cm, exact": near,
    }
    return [
        _row(title, name, fit(sparse_model(), points).rotation, turns_of_ours)
        for name, points in cases.items()
    ]


def _row(truth: str, source: str, found: FloatArray, rotation: FloatArray) -> dict[str, Any]:
    error = np.abs((euler_angles(found) - euler_angles(rotation) + 180) % 360 - 180)
    distance = rotation_distance(found, rotation)
    return {
        "truth": truth,
        "points": source,
        "faces": len(distance),
        "mae": {name: round(float(value), 2) for name, value in zip(ANGLES, error.mean(0), strict=True)},
        "mae_mean": round(float(error.mean()), 2),
        "rotation_mean": round(float(distance.mean()), 2),
        "rotation_median": round(float(np.median(distance)), 2),
    }


def _page(result: dict[str, Any]) -> str:
    lines = [
        "# Head pose, measured",
        "",
        f"Written by `{result['command']}` (canthus {__version__}). Poses of `assets/face_shape.npz`, which "
        "was learnt from 2D labels alone; nothing here was used to make it. Mean absolute errors in degrees; "
        "rotation: the angle between the two rotations.",
        "",
        "| truth | points | faces | yaw | pitch | roll | mean of the three | rotation, mean | median |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        angles = " | ".join(f"{row['mae'][name]:.2f}" for name in ANGLES)
        lines.append(
            f"| {row['truth']} | {row['points']} | {row['faces']} | {angles} | {row['mae_mean']:.2f} | "
            f"{row['rotation_mean']:.2f} | {row['rotation_median']:.2f} |"
        )
    notes = (
        "The frame of a mean face is a convention: in the first and third kind of rows the truth is turned "
        "by the one constant rotation that lays its mean face best on ours. `Pose_Para` is taken as it is."
    )
    return "\n".join([*lines, "", notes, ""])
