"""COCO keypoints: a file that the `coco` dataset, and every other tool of that format, reads."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from canthus import __version__
from canthus.faces import Faces
from canthus.formats.format import ImageFaces, begin, beside
from canthus.geometry import landmark_boxes
from canthus.schemes import Scheme


class CocoWriter:
    """`images`, `annotations` and the one category `face`; 0-based px, pixel centres at whole numbers;
    `file_name` from the folder of the file.

    v is 2, 1 for points that the model takes for hidden (visibility below 0.5), 0 without position. `bbox`
    is the tight box of the points, `face_bbox` the box they were looked for in, both [x, y, w, h]; `score`
    the mean of the points'.
    """

    def __init__(self, path: Path, scheme: Scheme, model: str) -> None:
        self._path, self._part = begin(path)
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []
        info = {"description": f"canthus {__version__}, model {model}", "scheme": scheme.name}
        self._head = {"info": info, "categories": [category(scheme)]}

    def add(self, picture: ImageFaces) -> None:
        number = len(self._images) + 1
        size = {"width": picture.width, "height": picture.height}
        self._images.append({"id": number, "file_name": beside(picture.file, self._path.parent), **size})
        for face in picture.faces:
            place = {"id": len(self._annotations) + 1, "image_id": number, "category_id": 1, "iscrowd": 0}
            self._annotations.append({**place, **_annotation(face)})

    def close(self) -> None:
        content = {**self._head, "images": self._images, "annotations": self._annotations}
        self._part.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")
        self._part.replace(self._path)


def category(scheme: Scheme) -> dict[str, Any]:
    """The category `face`: the scheme's names, its parts as edges that count from 1."""
    edges = []
    for part in scheme.parts.values():
        points = [*part.indices, part.indices[0]] if part.closed else list(part.indices)
        edges += [[a + 1, b + 1] for a, b in pairwise(points)]
    return {"id": 1, "name": "face", "keypoints": list(scheme.names), "skeleton": edges}


def _annotation(face: Faces) -> dict[str, Any]:
    placed = np.isfinite(face.points[0]).all(axis=1)
    points = np.where(placed[:, None], face.points[0], 0)
    seen = np.full(len(points), 2) if face.visibility is None else np.where(face.visibility[0] >= 0.5, 2, 1)
    seen[~placed] = 0
    keypoints = [value for (x, y), v in zip(points, seen, strict=True) for value in (_px(x), _px(y), int(v))]
    tight = _xywh(landmark_boxes(face.points[0]) if placed.any() else face.boxes[0])
    return {
        "keypoints": keypoints,
        "num_keypoints": int(placed.sum()),
        "bbox": tight,
        "area": round(tight[2] * tight[3], 2),
        "face_bbox": _xywh(face.boxes[0]),
        "score": round(float(face.scores.mean()), 4),
    }


def _xywh(box: np.ndarray) -> list[float]:
    x1, y1, x2, y2 = box
    return [_px(x1), _px(y1), _px(x2 - x1), _px(y2 - y1)]


def _px(value: float) -> float:
    return round(float(value), 3)
