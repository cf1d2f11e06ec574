"""The held-out test of face detectors: three sets of pictures with faces, and the negatives.

Every detector is judged at its own threshold, the one that leaves at most five false positives on the
held-out negatives, and searches at the same working size.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from canthus.detectors import BuiltinDetector, Detections, Detector, YuNetDetector
from canthus.detectors.yunet import TO_FACE
from canthus.face_detection.labels import labels_from_landmarks
from canthus.face_detection.pasting import paste_faces
from canthus.face_detection.scenes import Image, Scene, make_scene
from canthus.face_detection.scoring import Picture, operating_threshold, recall
from canthus.face_detection.sources import (
    afw_boxes,
    afw_photos,
    five_points,
    helen_photos,
    negative_paths,
    read_pts,
)
from canthus.formats import aside
from canthus.geometry import FloatArray
from canthus.images import read_image

#: False positives allowed on the held-out negatives.
ALLOWED = 5
#: Candidates below this score are of no interest at any operating point.
LOWEST = 0.02
#: Seed of the pasted faces.
PASTE_SEED = 0

Labelled = list[tuple[Image, FloatArray]]


@dataclass(frozen=True)
class HeldOutSet:
    """`faces`: name -> pictures with the true `face` boxes (N, 4); `negatives`: pictures without faces."""

    faces: dict[str, Labelled]
    negatives: list[Image]


def held_out_set(root: Path) -> HeldOutSet:
    """HELEN test, every 5th AFW photo, HELEN-test faces pasted small onto every 5th negative, and those
    negatives.
    """
    negatives = [read_image(path) for path in negative_paths(root, "test")]
    helen = [_helen_scene(path) for path in helen_photos(root, "test")]
    afw = afw_boxes(root)
    pasted = paste_faces(negatives, helen, seed=PASTE_SEED)
    faces: dict[str, Labelled] = {
        "helen_test": [(scene.levels[0], scene.labels.boxes) for scene in helen],
        "afw_every_5th": [(read_image(path), afw[path.name]) for path in afw_photos(root, "test")],
        "pasted_20_40px": [(image, labels.boxes) for image, labels in pasted],
    }
    return HeldOutSet(faces, negatives)


def _helen_scene(path: Path) -> Scene:
    points = read_pts(path.with_suffix(".pts"))[None]
    return make_scene(path.name, read_image(path), labels_from_landmarks(points, five_points(points)))


def save_pasted(material: HeldOutSet, folder: Path) -> None:
    """Write the pasted pictures as PNG and their boxes as `boxes.json` ({file: [[x1, y1, x2, y2], ...]})."""
    folder.mkdir(parents=True, exist_ok=True)
    boxes = {}
    for number, (image, truth) in enumerate(material.faces["pasted_20_40px"]):
        name = f"{number:03d}.png"
        cv2.imwrite(str(folder / name), image[..., ::-1])
        boxes[name] = np.round(truth, 2).tolist()
    with aside(folder / "boxes.json") as part:
        part.write_text(json.dumps(boxes, indent=1) + "\n", encoding="utf-8")


def without_adjustment(found: Detections) -> Detections:
    """YuNet's detections with its own boxes again, before they were moved to the `face` kind."""
    left, top, right, bottom = TO_FACE
    boxes = np.asarray(found.boxes, float).reshape(-1, 4)
    size = (boxes[:, 2:] - boxes[:, :2]) / (1 + right - left, 1 + bottom - top)
    raw = boxes - np.asarray(TO_FACE) * np.concatenate([size, size], axis=1)
    return replace(found, boxes=raw.astype(np.float32))


def measure(detector: Detector, material: HeldOutSet, *, shipped: float | None = None) -> dict[str, Any]:
    """Recall in per cent on every set at the detector's own operating point, and at its `shipped` threshold.

    `detector` must return every candidate down to `LOWEST`.
    """
    empty = [detector(image) for image in material.negatives]
    found = {
        name: [Picture(detector(image), truth, image.shape[1], image.shape[0]) for image, truth in pictures]
        for name, pictures in material.faces.items()
    }
    return figures_at(empty, found, shipped)


def figures_at(
    empty: Sequence[Detections], found: dict[str, list[Picture]], shipped: float | None
) -> dict[str, Any]:
    """The figures of `measure` from detections already made."""

    def at(threshold: float) -> dict[str, Any]:
        return {
            "threshold": round(threshold, 4),
            "false_positives": int(sum((part.scores > threshold).sum() for part in empty)),
            "recall": {name: round(recall(pictures, threshold), 2) for name, pictures in found.items()},
        }

    out = {"operating_point": at(operating_threshold(empty, ALLOWED))}
    if shipped is not None:
        out["shipped"] = at(shipped)
    return out


def compare(
    model: Path | None, yunet: Path | None, material: HeldOutSet, *, working_size: int
) -> dict[str, Any]:
    """Our detector, and YuNet's file where given, both as adjusted and with its own boxes."""
    ours = BuiltinDetector(model, working_size=working_size, threads=1)
    shipped, ours.score_threshold = ours.score_threshold, LOWEST
    figures = {"canthus": measure(ours, material, shipped=shipped)}
    if yunet is not None:
        peer = YuNetDetector(yunet, working_size=working_size, score_threshold=LOWEST, threads=1)
        figures["yunet"] = measure(peer, material)
        figures["yunet_raw_boxes"] = measure(lambda image: without_adjustment(peer(image)), material)
    return figures
