"""Face boxes that somebody else has found, read from a file."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_EDGES = ("x1", "y1", "x2", "y2")


class BoxFile:
    """Boxes by picture: JSON `{"a.jpg": [[x1, y1, x2, y2], ...]}`, or CSV lines `file,x1,y1,x2,y2`; a CSV
    header that names these columns may stand first. What `canthus predict` wrote as JSON, CSV or COCO is
    taken too; of any COCO file the `face_bbox`, else the `bbox`, [x, y, w, h]. A picture is looked up by its
    path as given, else by the end of it.

    Raises FileNotFoundError for a missing file, ValueError that names the file and the entry for anything
    else.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise FileNotFoundError(f"{path}: no such file of boxes")
        try:
            text = self.path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError(f"{path}: not a text file, expected boxes as JSON or CSV") from None
        read = _csv_rows if self.path.suffix.lower() == ".csv" else _json_rows
        rows = read(text, self.path)
        self._boxes = {_key(name): _checked(boxes, f"{self.path}: {name}") for name, boxes in rows.items()}

    def __len__(self) -> int:
        return len(self._boxes)

    def __call__(self, picture: str | Path) -> NDArray[np.float32] | None:
        """Boxes (N, 4) xyxy of a picture; None where the file does not list it."""
        return next((self._boxes[name] for name in self._names(picture) if name in self._boxes), None)

    def _names(self, picture: str | Path) -> Iterator[str]:
        """What the file may call a picture: its path, that from the file's folder, the ends of its path."""
        parts = _key(picture).split("/")
        yield "/".join(parts)
        with suppress(ValueError):  # another drive
            yield Path(os.path.relpath(picture, self.path.parent)).as_posix()
        for start in range(1, len(parts)):
            yield "/".join(parts[start:])


def _key(name: str | Path) -> str:
    return Path(name).as_posix().removeprefix("./")


def _json_rows(text: str, path: Path) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{path}: not JSON ({error})") from None
    if not isinstance(content, dict):
        raise ValueError(
            f"{path}: found a {type(content).__name__}, expected {{file name: [[x1, y1, x2, y2], ...]}}"
        )
    if not isinstance(content.get("images"), list):
        return content
    try:
        return _coco_rows(content) if "annotations" in content else _result_rows(content)
    except (KeyError, TypeError, ValueError) as error:
        what = f"no field {error}" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"{path}: neither a result file of canthus nor a COCO file ({what})") from None


def _result_rows(content: dict[str, Any]) -> dict[str, Any]:
    return {item["file"]: [face["box"] for face in item["faces"]] for item in content["images"]}


def _coco_rows(content: dict[str, Any]) -> dict[str, Any]:
    names = {item["id"]: item["file_name"] for item in content["images"]}
    rows: dict[str, Any] = {name: [] for name in names.values()}
    for item in content["annotations"]:
        left, top, width, height = item.get("face_bbox") or item["bbox"]
        rows[names[item["image_id"]]].append([left, top, left + width, top + height])
    return rows


def _csv_rows(text: str, path: Path) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    columns, width = list(range(5)), 5
    for number, row in enumerate(csv.reader(text.splitlines(keepends=True)), start=1):
        names = [name.strip() for name in row]
        if number == 1 and {*_EDGES} <= {*names}:
            columns, width = [0, *(names.index(edge) for edge in _EDGES)], len(row)
        elif row:
            if len(row) != width:
                wanted = "file,x1,y1,x2,y2" if width == 5 else f"{width} as in its header"
                raise ValueError(f"{path}: line {number}: found {len(row)} columns, expected {wanted}")
            name, *box = (row[column] for column in columns)
            rows.setdefault(name.strip(), []).append(box)
    return rows


def _checked(boxes: Any, where: str) -> NDArray[np.float32]:
    try:
        array = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    except (ValueError, TypeError):
        raise ValueError(f"{where}: found {str(boxes)[:60]}, expected [[x1, y1, x2, y2], ...]") from None
    if not (np.isfinite(array).all() and (array[:, 2:] > array[:, :2]).all()):
        raise ValueError(f"{where}: boxes need finite x1 < x2 and y1 < y2, found {array.tolist()}"[:300])
    return array
