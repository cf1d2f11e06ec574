"""What the readers of COCO-keypoints files share."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Face:
    """One annotation: `item` as the file has it, its image, and a `name` that no other face of it has."""

    where: str
    item: dict[str, Any]
    image: dict[str, Any]
    name: str

    @property
    def file_name(self) -> str:
        """The picture's name; ValueError where the annotation has no image, or that no name."""
        if not self.image:
            raise ValueError(f"{self.where}: no image with id {self.item.get('image_id')}")
        name = self.image.get("file_name")
        if not isinstance(name, str):
            raise ValueError(f"{self.where}: its image has the file_name {name!r}")
        return name

    def keypoints(self, count: int, field: str = "keypoints") -> NDArray[np.float64]:
        """Rows (count, 3) of x, y, v; null is NaN. ValueError for another number, and for no numbers."""
        if field not in self.item:
            raise ValueError(f"{self.where}: no field {field!r}")
        value = self.item[field]
        if not isinstance(value, list):
            raise ValueError(f"{self.where}: found {field} {value!r}, expected a list x, y, v, ...")
        try:
            rows = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{self.where}: {field}: {error}") from error
        if rows.ndim != 1:
            raise ValueError(
                f"{self.where}: found lists in {field}, expected {3 * count} numbers x, y, v, ..."
            )
        if len(rows) != 3 * count:
            raise ValueError(f"{self.where}: found {len(rows)} numbers in {field}, expected {3 * count}")
        return rows.reshape(count, 3)

    def positions(self, count: int, field: str = "keypoints") -> tuple[NDArray[np.float64], ...]:
        """Points (count, 2), NaN where v is 0, and v (count,); ValueError for v > 0 without a position."""
        rows = self.keypoints(count, field)
        state = rows[:, 2]
        lost = np.flatnonzero((state > 0) & ~np.isfinite(rows[:, :2]).all(1))
        if len(lost):
            raise ValueError(f"{self.where}: keypoint {lost[0]} has v = {state[lost[0]]:.0f} but no position")
        return np.where(state[:, None] > 0, rows[:, :2], np.nan), state

    def visibility(self, count: int) -> NDArray[np.float64]:
        """(count,) of the field `visibility`: 1, 0 or NaN; null is NaN for all. ValueError for the rest."""
        stated = self.item["visibility"]
        if stated is None:
            return np.full(count, np.nan)
        try:
            values = np.array(stated, dtype=np.float64)
        except (TypeError, ValueError):
            values = np.zeros(0)
        if values.shape != (count,) or not np.isin(values[~np.isnan(values)], (0, 1)).all():
            raise ValueError(
                f"{self.where}: found visibility {str(stated)[:60]}, expected {count} of 1, 0 and null"
            )
        return values

    def tags(self) -> dict[str, float]:
        """The numbers in the field `tags`; ValueError for anything else in it."""
        stated = self.item.get("tags") or {}
        if not isinstance(stated, dict) or not all(is_number(v) for v in stated.values()):
            raise ValueError(
                f"{self.where}: found tags {str(stated)[:60]}, expected an object of names with numbers"
            )
        return {str(tag): float(value) for tag, value in stated.items()}

    def numbers(self, field: str, count: int) -> NDArray[np.float64]:
        """The finite numbers (count,) of a field; ValueError for anything else."""
        try:
            values = np.asarray(self.item.get(field), dtype=np.float64).reshape(-1)
        except (TypeError, ValueError):
            values = np.zeros(0)
        if len(values) != count or not np.isfinite(values).all():
            raise ValueError(
                f"{self.where}: found {field} {self.item.get(field)!r}, expected {count} numbers"
            )
        return values

    def clipped_box(self, field: str) -> NDArray[np.float64]:
        """The field's x, y, w, h as (4,) xyxy px, clipped to the picture's pixels as mmpose 1.x does."""
        _ = self.file_name  # an annotation without its image has no size to clip to
        x, y, width, height = self.numbers(field, 4)
        limits = [self.image.get(side) for side in ("width", "height")]
        if not all(isinstance(side, (int, float)) for side in limits):
            raise ValueError(f"{self.where}: its image states no width and height")
        last = np.tile(np.array(limits, dtype=np.float64) - 1, 2)
        return np.asarray(np.clip([x, y, x + width, y + height], 0, last))


def is_number(value: Any) -> bool:
    """Whether a value of a JSON file is a finite number."""
    return isinstance(value, (int, float)) and math.isfinite(value)


def read(path: Path) -> dict[str, Any]:
    """The content of a COCO-keypoints file with images and annotations; ValueError that names it else."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a JSON file ({error})") from error
    for key in ("images", "annotations"):
        rows = content.get(key) if isinstance(content, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError(f"{path}: no list of objects {key!r}; expected a COCO-keypoints file")
    if not isinstance(content.get("info") or {}, dict):
        raise ValueError(f"{path}: found info {str(content['info'])[:40]!r}, expected an object")
    categories = content.get("categories") or []
    if not isinstance(categories, list) or not all(isinstance(row, dict) for row in categories):
        raise ValueError(f"{path}: found categories {str(categories)[:40]!r}, expected a list of objects")
    numbers = [row.get("id") for row in content["images"]]
    numbers += [row.get("image_id") for row in content["annotations"]]
    strange = [number for number in numbers if not isinstance(number, (int, float, str, type(None)))]
    if strange:
        raise ValueError(f"{path}: found the image id {str(strange[0])[:40]}, expected a number or a text")
    if not content["annotations"]:
        raise ValueError(f"{path}: no annotations")
    return cast(dict[str, Any], content)


def faces(path: Path, content: dict[str, Any]) -> Iterator[Face]:
    """The annotations of single faces (iscrowd 0) in order; one without its image has an empty `image`."""
    images = {item.get("id"): item for item in content["images"]}
    counts = Counter(item.get("image_id") for item in content["annotations"])
    for item in content["annotations"]:
        if item.get("iscrowd"):
            continue
        where = f"{path}: annotation {item.get('id')}"
        image = images.get(item.get("image_id"), {})
        name = str(image.get("file_name"))
        yield Face(
            where, item, image, name if counts[item.get("image_id")] == 1 else f"{name}#{item.get('id')}"
        )


def labelled_faces(path: Path, content: dict[str, Any]) -> Iterator[Face]:
    """Those of `faces` that mmpose takes: not `num_keypoints` 0, nor keypoints without a number above 0, nor
    a `bbox` x, y, w, h without size."""
    for face in faces(path, content):
        keypoints, box = _numbers(face.item.get("keypoints")), _numbers(face.item.get("bbox"))
        labelled = face.item.get("num_keypoints") != 0 and (not keypoints or max(keypoints) > 0)
        if labelled and (len(box) != 4 or min(box[2:]) > 0):
            yield face


def _numbers(values: Any) -> list[float]:
    """A list of numbers as it is, nothing for anything else."""
    known = isinstance(values, list) and all(isinstance(value, (int, float)) for value in values)
    return values if known else []
