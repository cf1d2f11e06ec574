"""Face boxes that somebody else has found, read from a file."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class BoxFile:
    """Boxes by picture: JSON `{"a.jpg": [[x1, y1, x2, y2], ...]}`, or CSV lines `file,x1,y1,x2,y2` (a
    header may stand first). A picture is looked up by its path as given, else by the end of it.

    Raises FileNotFoundError for a missing file, ValueError that names the file and the entry for
    anything else.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"{path}: no such file of boxes")
        try:
            text = self.path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError(f"{path}: not a text file, expected boxes as JSON or CSV") from None
        rows = (
            _csv_rows(text, self.path) if self.path.suffix.lower() == ".csv" else _json_rows(text, self.path)
        )
        self._boxes = {_key(name): _checked(boxes, f"{self.path}: {name}") for name, boxes in rows.items()}

    def __len__(self) -> int:
        return len(self._boxes)

    def __call__(self, picture: str | Path) -> NDArray[np.float32] | None:
        """Boxes (N, 4) xyxy of a picture; None where the file does not list it."""
        parts = _key(picture).split("/")
        for start in range(len(parts)):
            found = self._boxes.get("/".join(parts[start:]))
            if found is not None:
                return found
        return None


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
    return content


def _csv_rows(text: str, path: Path) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for number, row in enumerate(csv.reader(text.splitlines()), start=1):
        if not row or (number == 1 and row[-1].strip() == "y2"):
            continue
        if len(row) != 5:
            raise ValueError(f"{path}: line {number}: found {len(row)} columns, expected file,x1,y1,x2,y2")
        rows.setdefault(row[0].strip(), []).append(row[1:])
    return rows


def _checked(boxes: Any, where: str) -> NDArray[np.float32]:
    try:
        array = np.array(boxes, dtype=np.float32).reshape(-1, 4)
    except (ValueError, TypeError):
        raise ValueError(f"{where}: found {str(boxes)[:60]}, expected [[x1, y1, x2, y2], ...]") from None
    if not (np.isfinite(array).all() and (array[:, 2:] > array[:, :2]).all()):
        raise ValueError(f"{where}: boxes need finite x1 < x2 and y1 < y2, found {array.tolist()}"[:300])
    return array
