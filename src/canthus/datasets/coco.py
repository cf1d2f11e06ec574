"""Any COCO-keypoints file: ROOT/SPLIT.json with its pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np

from canthus.datasets.dataset import Report, SampleList, choose_scheme, labelled, photo_group, problem
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
        path = root / f"{split}.json"
        if not path.is_file():
            others = ", ".join(sorted(item.stem for item in root.glob("*.json"))) if root.is_dir() else ""
            raise self.absent(path, f"file (splits there: {others or 'none'})")
        content = _load(path)
        found = _scheme(path, content, scheme)
        hidden = (content.get("info") or {}).get("v0") == "self_occluded"
        faces_in: dict[Any, int] = {}
        for item in content["annotations"]:
            faces_in[item.get("image_id")] = faces_in.get(item.get("image_id"), 0) + 1
        images = {item.get("id"): item for item in content["images"]}
        samples, missing = [], []
        for item in content["annotations"]:
            if item.get("iscrowd"):
                continue
            try:
                image = images.get(item.get("image_id"))
                if image is None:
                    raise ValueError(
                        f"{path}: annotation {item.get('id')}: no image with id {item.get('image_id')}"
                    )
                if not isinstance(image["file_name"], str):
                    raise ValueError(f"its image has the file_name {image['file_name']!r}")
                file_name = image["file_name"]
                picture = _picture(root, file_name)
                if picture is None:
                    if not allow_missing:
                        raise self.absent(root / file_name, "picture")
                    missing.append(file_name)
                    continue
                name = file_name if faces_in[item["image_id"]] == 1 else f"{file_name}#{item.get('id')}"
                samples.append(_sample(item, picture, name, found, hidden_at_zero=hidden))
            except (KeyError, TypeError, ValueError, OSError) as error:
                where = f"{path}: annotation {item.get('id')}"
                known = isinstance(error, FileNotFoundError) or str(error).startswith(str(path))
                problem(error if known else ValueError(f"{where}: {_text(error)}"), report)
        if not samples and not missing and report is None:
            raise ValueError(f"{path}: no annotation of a single face (iscrowd 0)")
        super().__init__(split, found, samples, missing)


def _text(error: Exception) -> str:
    return f"no field {error}" if isinstance(error, KeyError) else str(error)


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a JSON file ({error})") from error
    for key in ("images", "annotations"):
        rows = content.get(key) if isinstance(content, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError(f"{path}: no list of objects {key!r}; expected a COCO-keypoints file")
    if not content["annotations"]:
        raise ValueError(f"{path}: no annotations")
    return cast(dict[str, Any], content)


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


def _picture(root: Path, file_name: str) -> Path | None:
    for candidate in (root / file_name, root / "images" / file_name):
        if candidate.is_file():
            return candidate
    return None


def _sample(
    item: dict[str, Any], picture: Path, name: str, scheme: Scheme, *, hidden_at_zero: bool
) -> Sample:
    if not isinstance(item["keypoints"], list):
        raise ValueError(f"found keypoints {item['keypoints']!r}, expected a list x, y, v, ...")
    values = np.asarray(item["keypoints"], dtype=np.float64)  # null becomes NaN
    if values.shape != (3 * len(scheme),):
        raise ValueError(f"found {values.size} keypoint numbers, expected {3 * len(scheme)} ({scheme.name})")
    rows = values.reshape(-1, 3)
    state = rows[:, 2]
    if not np.isin(state, (0, 1, 2)).all():
        raise ValueError(f"keypoint state v is 0, 1 or 2; found {state[~np.isin(state, (0, 1, 2))][0]}")
    lost = np.flatnonzero((state > 0) & ~np.isfinite(rows[:, :2]).all(1))
    if len(lost):
        raise ValueError(f"keypoint {lost[0]} has v = {state[lost[0]]:.0f} but no position")
    points = np.where(state[:, None] > 0, rows[:, :2], np.nan).astype(np.float32)
    visibility = np.select([state == 2, state == 1], [1.0, 0.0], 0.0 if hidden_at_zero else np.nan)
    tags = {tag: float(item[tag]) for tag in TAGS if isinstance(item.get(tag), (int, float))}
    sample = labelled(
        picture, points, id=name, group=photo_group(name), visibility=visibility.astype(np.float32), tags=tags
    )
    box = np.asarray(item.get("bbox") or (), dtype=np.float32)
    if box.shape == (4,) and np.isfinite(box).all() and (box[2:] > 0).all():
        sample.box[:] = (box[0], box[1], box[0] + box[2], box[1] + box[3])
    elif np.isnan(sample.box).any():
        raise ValueError("neither a labelled keypoint nor a bbox [x, y, w, h]")
    return sample
