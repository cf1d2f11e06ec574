"""Any COCO-keypoints file: ROOT/SPLIT.json with its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from canthus.datasets import coco_file
from canthus.datasets.dataset import (
    Report,
    SampleList,
    boxed,
    choose_scheme,
    labelled,
    photo_group,
    problem,
)
from canthus.geometry import BoxKind
from canthus.sample import Sample
from canthus.schemes import Scheme

TAGS = ("yaw", "pitch", "roll", "yaw_abs", "crop_margin", "reg_offset")


class Coco(SampleList):
    """Faces of a COCO-keypoints file; coordinates are taken as they are: 0-based, pixel centres at integers.

    v = 2 is visible, 1 hidden with a position, 0 no position and visibility not stated, except where the
    file's `info.v0` is `self_occluded`: then v = 0 is hidden without a position. The box is the
    annotation's `bbox`, or the tight box of the points where there is none. Numbers among `TAGS` become
    tags, null ones are left out. A picture lies at ROOT/file_name or ROOT/images/file_name. The scheme is
    the one asked for, else `info.scheme`, else the one whose names the category's keypoints are, else the
    only one with that many points.

    Fields of `canthus datasets convert` say what the format cannot: `visibility` (a list of 1, 0, null, or
    null for all points) in place of v, `box_kind`, `sample_id`, `group`, and any number in `tags`.
    """

    name = "coco"
    source = "your own labels, or a download in the COCO-keypoints format (cocodataset.org, format-data)"
    tree = "ROOT/SPLIT.json with the pictures at ROOT/file_name or ROOT/images/file_name"

    def __init__(
        self,
        root: Path,
        split: str,
        *,
        scheme: Scheme | None = None,
        allow_missing: bool = False,
        report: Report | None = None,
    ) -> None:
        root = Path(root)
        path = self.split_file(root, f"{split}.json")
        content = coco_file.read(path)
        found = _scheme(path, content, scheme)
        hidden = (content.get("info") or {}).get("v0") == "self_occluded"
        samples, missing = [], []
        for face in coco_file.faces(path, content):
            try:
                picture = _picture(root, face)
                if picture is None:
                    if not allow_missing:
                        raise self.absent(root / face.file_name, "picture")
                    missing.append(face.file_name)
                    continue
                samples.append(_sample(face, picture, found, hidden_at_zero=hidden))
            except (ValueError, OSError) as error:
                problem(error, report)
        if not samples and not missing and report is None:
            raise ValueError(f"{path}: no annotation of a single face (iscrowd 0)")
        super().__init__(split, found, samples, missing)


def _scheme(path: Path, content: dict[str, Any], asked: Scheme | None) -> Scheme:
    counts = [
        len(item["keypoints"]) for item in content["annotations"] if isinstance(item.get("keypoints"), list)
    ]
    if not counts:
        raise ValueError(f"{path}: no annotation has keypoints; expected a COCO-keypoints file")
    usual = max(set(counts), key=counts.count)
    categories = content.get("categories") or [{}]
    stated = (content.get("info") or {}).get("scheme")
    return choose_scheme(
        str(path), usual // 3, asked=asked, stated=stated, names=categories[0].get("keypoints") or ()
    )


def _picture(root: Path, face: coco_file.Face) -> Path | None:
    for candidate in (root / face.file_name, root / "images" / face.file_name):
        if candidate.is_file():
            return candidate
    return None


def _sample(face: coco_file.Face, picture: Path, scheme: Scheme, *, hidden_at_zero: bool) -> Sample:
    points, state = face.positions(len(scheme))
    if not np.isin(state, (0, 1, 2)).all():
        found = state[~np.isin(state, (0, 1, 2))][0]
        raise ValueError(f"{face.where}: keypoint state v is 0, 1 or 2; found {found}")
    visibility = np.select([state == 2, state == 1], [1.0, 0.0], 0.0 if hidden_at_zero else np.nan)
    item = face.item
    if "visibility" in item:
        visibility = face.visibility(len(scheme))
    tags = {tag: float(item[tag]) for tag in TAGS if coco_file.is_number(item.get(tag))} | face.tags()
    name, group = str(item.get("sample_id") or face.name), str(item.get("group") or photo_group(face.name))
    visible = visibility.astype(np.float32)
    sample = labelled(picture, points, id=name, group=group, visibility=visible, tags=tags)
    box = np.asarray(item.get("bbox") or (), dtype=np.float64)
    if box.shape == (4,) and np.isfinite(box).all() and (box[2:] > 0).all():
        kind: BoxKind = "face" if item.get("box_kind") == "face" else "landmarks"
        return boxed(sample, (*box[:2], *(box[:2] + box[2:])), kind)
    if np.isnan(sample.box).any():
        raise ValueError(f"{face.where}: neither a labelled keypoint nor a bbox [x, y, w, h]")
    return sample
