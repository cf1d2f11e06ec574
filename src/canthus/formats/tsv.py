"""The tab-separated label files that ADNet (Huang et al. 2021) and STAR (Zhou et al. 2023) train from."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus.formats.format import aside
from canthus.formats.labels import LabelledFace, shortest
from canthus.geometry import CropRule
from canthus.sample import Sample
from canthus.schemes import Scheme

#: The flags of the column `tags`, in order: WFLW's attributes.
ATTRIBUTES = ("largepose", "expression", "illumination", "makeup", "occlusion", "blur")
#: The window of the columns scale and center; a scale of 1 is a window of 200 px.
RULE = CropRule(box_kind="landmarks", side="min", scale=1.05, aspect=1.0)
_SCALE_PX = 200
_FIRST = ("image_path", "landmarks_5pts")
_LAST = ("scale", "center_w", "center_h")
_EXTRA = "canthus"


@dataclass(frozen=True)
class TsvRow:
    """A line: points (K, 2) in px, NaN without a position; `window` (4,) xyxy, the square of scale and
    centre; `flags`, one for each of `ATTRIBUTES`, or none; `extra`, what a file of ours says beyond that.

    `where` names file and line in errors.
    """

    where: str
    image_path: str
    points: NDArray[np.float32]
    window: NDArray[np.float64]
    flags: tuple[float, ...]
    extra: dict[str, Any]


def write_tsv(path: Path, scheme: Scheme, source: str, faces: Sequence[LabelledFace]) -> None:
    """Write faces of one scheme, points in 0-based px, `nan` without a position; `source` is not told.

    Columns: image_path, landmarks_5pts (of the scheme's conversion to `five`, else `nan`), landmarks_Kpts,
    scale and center_w, center_h (`RULE`'s window around the face's box), tags. The published readers
    take columns by position and tags as whole numbers, so the flags are 0 where none are stated. A last
    column, which they pass over, holds as JSON what the others cannot: scheme, id, group, box, visibility,
    tags. Raises ValueError for a name with a tab or a line break.
    """
    lines = ["\t".join((*_FIRST, f"landmarks_{len(scheme)}pts", *_LAST, "tags", _EXTRA))]
    for face in faces:
        if re.search(r"[\t\r\n]", face.file):
            raise ValueError(f"{path}: cannot hold the name {face.file!r}: it has a tab or a line break")
        lines.append("\t".join(_cells(face, scheme)))
    with aside(path) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="surrogateescape")


def _cells(face: LabelledFace, scheme: Scheme) -> list[str]:
    sample = face.sample
    known = "five" in scheme.conversions or scheme.name == "five"
    five = scheme.convert(sample.points, "five") if known else np.full((5, 2), np.nan)
    x1, y1, x2, y2 = RULE.window(sample.box, sample.box_kind).tolist()
    window = ((x2 - x1) / _SCALE_PX, (x1 + x2) / 2, (y1 + y2) / 2)
    flags = [str(int(sample.tags.get(f"subset/{name}", 0))) for name in ATTRIBUTES]
    extra = {"scheme": scheme.name, **_extra(sample)}
    return [
        *(face.file, _joined(five), _joined(sample.points)),
        *(f"{value:.10g}" for value in window),
        *(",".join(flags), json.dumps(extra, allow_nan=False)),
    ]


def _extra(sample: Sample) -> dict[str, Any]:
    visibility = None if np.isnan(sample.visibility).all() else shortest(sample.visibility)
    box = {"box": shortest(sample.box), "box_kind": sample.box_kind}
    return {"id": sample.id, "group": sample.group, **box, "visibility": visibility, "tags": sample.tags}


def _joined(points: NDArray[np.floating]) -> str:
    return ",".join(str(value) for value in points.astype(np.float32).ravel())


def read_tsv(path: Path) -> tuple[int, list[str]]:
    """Number of points K, by the header, and the file's lines, the header first; ValueError that names it."""
    lines = path.read_text(encoding="utf-8-sig", errors="surrogateescape").split("\n")
    head = lines[0].rstrip("\r").split("\t")
    count = re.fullmatch(r"landmarks_(\d+)pts", head[2]) if len(head) > 2 else None
    expected = (*_FIRST, "landmarks_Kpts", *_LAST)
    if count is None or int(count[1]) == 0 or (*head[:2], *head[3:6]) != (*_FIRST, *_LAST):
        raise ValueError(
            f"{path}: found the header {lines[0][:60]!r}, expected {' '.join(expected)}, separated by tabs"
        )
    return int(count[1]), lines


def parse_line(where: str, line: str, count: int) -> TsvRow:
    """A line of a file with `count` points; ValueError that begins with `where`."""
    cells = line.rstrip("\r").split("\t")
    if not 6 <= len(cells) <= 8:
        raise ValueError(f"{where}: found {len(cells)} columns, expected 6, 7 with tags or 8 with {_EXTRA}")
    points = _numbers(where, f"landmarks_{count}pts", cells[2], 2 * count).reshape(count, 2)
    window = [float(_numbers(where, name, cell, 1)[0]) for name, cell in zip(_LAST, cells[3:6], strict=True)]
    if not np.isfinite(window).all() or window[0] <= 0:
        raise ValueError(f"{where}: found scale and centre {window}, expected a scale above 0 and two px")
    half = window[0] * _SCALE_PX / 2
    tags = cells[6] if len(cells) > 6 else ""
    flags = tuple(_numbers(where, "tags", tags, len(ATTRIBUTES))) if tags.strip() else ()
    middle = np.array(window[1:])
    return TsvRow(
        *(where, cells[0].replace("\\", "/")),
        np.where(np.isfinite(points).all(1, keepdims=True), points, np.nan).astype(np.float32),
        np.concatenate([middle - half, middle + half]),
        tuple(float(flag) for flag in flags),
        _read_extra(where, cells[7]) if len(cells) > 7 else {},
    )


def _numbers(where: str, name: str, cell: str, count: int) -> NDArray[np.float64]:
    try:
        values = np.array([float(value) for value in cell.split(",")])
    except ValueError as error:
        raise ValueError(f"{where}: {name}: {error}") from error
    if len(values) != count:
        raise ValueError(f"{where}: found {len(values)} numbers in {name}, expected {count}")
    return values


def _read_extra(where: str, cell: str) -> dict[str, Any]:
    try:
        extra = json.loads(cell)
    except json.JSONDecodeError as error:
        raise ValueError(f"{where}: {_EXTRA}: not JSON ({error})") from error
    if not isinstance(extra, dict):
        raise ValueError(f"{where}: found {_EXTRA} {cell[:40]!r}, expected a JSON object")
    tags = extra.get("tags") or {}
    if not isinstance(tags, dict) or not all(_is_number(value) for value in tags.values()):
        raise ValueError(f"{where}: {_EXTRA}: found tags {str(tags)[:60]}, expected names with numbers")
    return extra


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
