"""The tab-separated label files of ADNet and STAR: ROOT/SPLIT.tsv with its pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from canthus.datasets.dataset import (
    Report,
    SampleList,
    boxed,
    choose_scheme,
    labelled,
    photo_group,
    problem,
)
from canthus.formats.tsv import ATTRIBUTES, RULE, TsvRow, parse_line, read_tsv
from canthus.geometry import BoxKind
from canthus.sample import Sample
from canthus.schemes import Scheme
from canthus.schemes.ibug68 import IBUG68

#: The published files name some pictures by the folders of their makers, which end in this one.
RAW = "rawImages/"


class Tsv(SampleList):
    """Lines of `formats.tsv`: coordinates are taken as they are, 0-based px, `nan` without a position.

    The box of a published file (`landmarks` kind) is the square that the published rule (side `min`, scale
    1.05) makes its window of; visibility is not stated; six tags become `subset/ATTRIBUTE`. A file of ours
    has all of that as it was, in the column `canthus`. A picture lies at ROOT/image_path or
    ROOT/images/image_path, or there under what follows `rawImages/` in image_path. The scheme is the one
    asked for, else the one in the file; else 68 points are `ibug68`, which is what the published files hold,
    and other numbers the only scheme that has as many.
    """

    name = "tsv"
    default_boxes = "dataset"
    source = "the data preparation of ADNet and STAR, or `canthus datasets convert`"
    tree = "ROOT/SPLIT.tsv with the pictures at ROOT/image_path or ROOT/images/image_path"

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
        path = self.split_file(root, f"{split}.tsv")
        count, lines = read_tsv(path)
        samples, missing = list[Sample](), list[str]()
        seen = dict[str, int]()
        for number, line in enumerate(lines[1:], start=2):
            if not line.strip():
                continue
            try:
                row = parse_line(f"{path}: line {number}", line, count)
                scheme = scheme or _scheme_of(row.where, count, None, row.extra.get("scheme"))
                picture = _picture(root, row.image_path)
                if picture is None:
                    if not allow_missing:
                        raise self.absent(root / row.image_path, "picture")
                    missing.append(row.image_path)
                    continue
                samples.append(_sample(row, picture, choose_scheme(row.where, count, asked=scheme), seen))
            except (ValueError, OSError) as error:
                problem(error, report)
        if not samples and not missing and report is None:
            raise ValueError(f"{path}: no line with a face below the header")
        super().__init__(split, _scheme_of(str(path), count, scheme), samples, missing)


def _scheme_of(where: str, count: int, asked: Scheme | None, stated: str | None = None) -> Scheme:
    usual = IBUG68 if asked is None and stated is None and count == len(IBUG68) else None
    return choose_scheme(where, count, asked=asked or usual, stated=stated)


def _picture(root: Path, name: str) -> Path | None:
    names = (name, name.rpartition(RAW)[2]) if RAW in name else (name,)
    places = (folder / name for name in names for folder in (root, root / "images"))
    return next((path for path in places if path.is_file()), None)


def _sample(row: TsvRow, picture: Path, scheme: Scheme, seen: dict[str, int]) -> Sample:
    """The second face of a picture is `image_path#1`."""
    number = seen.get(row.image_path, 0)
    seen[row.image_path] = number + 1
    name = f"{row.image_path}#{number}" if number else row.image_path
    group = photo_group(row.image_path)
    tags = {f"subset/{name}": float(flag > 0) for name, flag in zip(ATTRIBUTES, row.flags, strict=False)}
    sample = labelled(picture, row.points, id=name, group=group, tags=tags)
    if not row.extra:
        middle = (row.window[:2] + row.window[2:]) / 2
        return boxed(
            sample, np.concatenate([middle, middle]) + (row.window - np.tile(middle, 2)) / RULE.scale
        )
    stated, points = row.extra, len(scheme)
    unstated = [None] * points if stated.get("visibility") is None else stated["visibility"]
    visibility = _numbers(row.where, "visibility", unstated, points)
    if not np.isin(visibility[~np.isnan(visibility)], (0, 1)).all():
        raise ValueError(f"{row.where}: visibility is 1, 0 or null for each point")
    box = _numbers(row.where, "box", stated.get("box"), 4)
    kind: BoxKind = "face" if stated.get("box_kind") == "face" else "landmarks"
    if not (box[2:] > box[:2]).all():
        raise ValueError(f"{row.where}: found box {stated.get('box')}, expected x1 < x2 and y1 < y2")
    return replace(
        boxed(sample, box, kind),
        visibility=visibility,
        id=str(stated.get("id") or name),
        group=str(stated.get("group") or group),
        tags={str(tag): float(value) for tag, value in (stated.get("tags") or {}).items()},
    )


def _numbers(where: str, name: str, value: Any, count: int) -> np.ndarray:
    """(count,) of a JSON list, null as NaN; ValueError for anything else."""
    try:
        array = np.array(value, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{where}: {name}: expected {count} numbers ({error})") from error
    if array.shape != (count,):
        raise ValueError(f"{where}: found {name} of shape {array.shape}, expected {count} numbers")
    return array
