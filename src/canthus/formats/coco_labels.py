"""Labels as COCO keypoints: a file from which the `coco` dataset reads the same samples."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from canthus import __version__
from canthus.formats.coco import category
from canthus.formats.format import aside
from canthus.formats.labels import LabelledFace, shortest
from canthus.sample import Sample
from canthus.schemes import Scheme


def write_coco_labels(path: Path, scheme: Scheme, source: str, faces: Sequence[LabelledFace]) -> None:
    """Write faces (points in 0-based px, pixel centres at whole numbers) of one scheme, taken from `source`.

    v is 2, 1 for hidden points with a position, 0 without position; `info.v0` is `self_occluded` where a
    point is hidden and has no position. `bbox` is the box as [x, y, w, h]. What these fields of the format
    cannot say is in fields of our own: `visibility`, a list of 1, 0 and null or null for all points, on faces
    where v would say more or less than is known; `box_kind` of boxes that are not tight ones; `sample_id`,
    `group` and `tags`.
    """
    hidden = any(_behind(face.sample).any() for face in faces)
    info = {"description": f"canthus {__version__}, from {source}", "scheme": scheme.name}
    images: dict[str, dict[str, Any]] = {}
    annotations = []
    for number, face in enumerate(faces, start=1):
        size = {"width": face.width, "height": face.height}
        image = images.setdefault(face.file, {"id": len(images) + 1, "file_name": face.file, **size})
        place = {"id": number, "image_id": image["id"], "category_id": 1, "iscrowd": 0}
        annotations.append({**place, **_annotation(face.sample, hidden)})
    content = {
        "info": {**info, "v0": "self_occluded"} if hidden else info,
        "categories": [category(scheme)],
        "images": list(images.values()),
        "annotations": annotations,
    }
    with aside(path) as part:
        part.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")


def _placed(sample: Sample) -> np.ndarray:
    return np.asarray(np.isfinite(sample.points).all(axis=1))


def _behind(sample: Sample) -> np.ndarray:
    """(K,) which points are known to be hidden and have no position."""
    return np.asarray((sample.visibility == 0) & ~_placed(sample))


def _annotation(sample: Sample, hidden_at_zero: bool) -> dict[str, Any]:
    placed = _placed(sample)
    state = np.where(placed, np.where(sample.visibility == 0, 1, 2), 0)
    x, y = (shortest(values) for values in np.where(placed[:, None], sample.points, 0).T)
    x1, y1, x2, y2 = (float(str(value)) for value in sample.box)
    width, height = round(x2 - x1, 6), round(y2 - y1, 6)
    out: dict[str, Any] = {
        "keypoints": [value for row in zip(x, y, state.tolist(), strict=True) for value in row],
        "num_keypoints": int(placed.sum()),
        "bbox": [x1, y1, width, height],
        "area": round(width * height, 3),
        "sample_id": sample.id,
        "group": sample.group,
        "tags": sample.tags,
    }
    implied = np.select([state == 2, state == 1], [1.0, 0.0], 0.0 if hidden_at_zero else np.nan)
    if not np.array_equal(implied, sample.visibility, equal_nan=True):
        out["visibility"] = None if np.isnan(sample.visibility).all() else shortest(sample.visibility)
    if sample.box_kind != "landmarks":
        out["box_kind"] = sample.box_kind
    return out
