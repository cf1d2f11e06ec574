"""mmpose's few real samples of the published sets, in trees of their layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from canthus.datasets import DATASETS
from canthus.sample import Sample

#: Dataset -> (mmpose's sample file, where it goes, the split that reads it, the folder of its pictures).
SAMPLES = {
    "300w": ("test_300w.json", "face_landmarks_300w_test.json", "test", "images"),
    "wflw": ("test_wflw.json", "face_landmarks_wflw_test.json", "test", "images"),
    "aflw": ("test_aflw.json", "face_landmarks_aflw_test.json", "full", "images"),
    "cofw": ("test_cofw.json", "cofw_test.json", "test", "images"),
    "coco_wholebody_face": ("test_coco_wholebody.json", "coco_wholebody_val_v1.0.json", "val", "val2017"),
}


def published(data: Path, root: Path, name: str) -> list[tuple[Sample, dict[str, Any]]]:
    """The real samples of a dataset read from a tree of its layout, each with its annotation."""
    file, place, split, pictures = SAMPLES[name]
    source = data / "mmpose_samples" / ("coco" if name == "coco_wholebody_face" else name)
    (root / "annotations").mkdir()
    shutil.copy(source / file, root / "annotations" / place)
    (root / pictures).symlink_to(source)
    annotations = json.loads((source / file).read_text())["annotations"]
    used = [item for item in annotations if item.get("face_valid", True)]
    return list(zip(DATASETS[name](root, split, allow_missing=True), used, strict=True))
