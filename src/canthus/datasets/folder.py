"""A user's own folder of pictures with .pts or .json labels."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from canthus.datasets.dataset import (
    PICTURES,
    Report,
    SampleList,
    choose_scheme,
    labelled,
    picture_of,
    problem,
)
from canthus.formats.pts import read_pts
from canthus.sample import Sample
from canthus.schemes import Scheme
from canthus.schemes.ibug68 import IBUG68


class Folder(SampleList):
    """Pictures with labels beside them, or one `labels.json`.

    A label is NAME.pts (1-based, see `formats.pts`; 68 points are `ibug68` unless asked otherwise) or
    NAME.json: an object, or a list of them for several faces, `{"points": [[x, y] | null, ...],
    "scheme"?: name, "visibility"?: [1 | 0 | null, ...], "box"?: [x1, y1, x2, y2]}` in 0-based px.
    `labels.json` is `{"scheme"?: name, "images": {file_name: object or list}}`. Without `box`
    (`landmarks` kind) the tight box of the points is taken. Split `all` is ROOT itself, any other is
    ROOT/SPLIT. Labels without their picture are an error; with `allow_missing` they are left out and
    listed.
    """

    name = "folder"
    splits = ("all",)
    source = "your own labels"
    tree = "ROOT/NAME.jpg with NAME.pts or NAME.json beside it, or ROOT/labels.json"

    def __init__(
        self,
        root: Path,
        split: str,
        *,
        scheme: Scheme | None = None,
        allow_missing: bool = False,
        report: Report | None = None,
    ) -> None:
        folder = Path(root) if split == "all" else Path(root) / split
        if not folder.is_dir():
            raise self.absent(folder)
        samples, missing = list[Sample](), list[str]()
        for label, picture, content in _labels(folder, report):
            try:
                if picture is None:
                    if not allow_missing:
                        raise FileNotFoundError(
                            f"{label}: no picture of that name ({' '.join(PICTURES)}) beside it"
                        )
                    missing.append(label)
                    continue
                faces = content if isinstance(content, list) else [content]
                if not faces:
                    raise ValueError(f"{label}: an empty list, expected at least one face")
                for number, face in enumerate(faces):
                    item, scheme = _face(label, face, scheme)
                    name = picture.name if len(faces) == 1 else f"{picture.name}#{number}"
                    samples.append(replace(item, image=picture, id=name, group=picture.stem))
            except (OSError, ValueError) as error:
                problem(error, report)
        if scheme is None or not samples:
            raise self.absent(folder, "labelled picture")
        super().__init__(split, scheme, samples, missing)


def _labels(folder: Path, report: Report | None) -> list[tuple[str, Path | None, Any]]:
    """(label's name for errors, its picture, its content: a face, a list of faces or a .pts path)."""
    together = folder / "labels.json"
    if together.is_file():
        content = _load(together)
        if not isinstance(content, dict) or not isinstance(content.get("images"), dict):
            raise ValueError(f'{together}: expected {{"images": {{file_name: face or list of faces}}}}')
        rows: list[tuple[str, Path | None, Any]] = []
        for name, faces in sorted(content["images"].items()):
            listed = faces if isinstance(faces, list) else [faces]
            stated = {"scheme": content["scheme"]} if content.get("scheme") else {}
            listed = [{**stated, **face} if isinstance(face, dict) else face for face in listed]
            picture = folder / name
            rows.append((f"{together}: {name}", picture if picture.is_file() else None, listed))
        return rows
    rows = []
    for path in sorted(folder.iterdir()):
        try:
            if path.suffix == ".pts":
                rows.append((str(path), picture_of(path), path))
            elif path.suffix == ".json":
                rows.append((str(path), picture_of(path), _load(path)))
        except (OSError, ValueError) as error:
            problem(error, report)
    return rows


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a JSON file ({error})") from error


def _face(label: str, content: Any, scheme: Scheme | None) -> tuple[Sample, Scheme]:
    """One face without its picture, and the scheme it is in (`scheme` when that is already known)."""
    if isinstance(content, Path):
        points = read_pts(content)
        # The format is iBUG's own, whose 68 points follow the visible contour.
        usual = IBUG68 if len(points) == len(IBUG68) else None
        found = choose_scheme(label, len(points), asked=scheme or usual)
        return labelled(content, points, id="", group=""), found
    if not isinstance(content, dict) or not isinstance(content.get("points"), list):
        raise ValueError(f'{label}: expected an object with "points": [[x, y] or null, ...]')
    stated = content.get("scheme")
    if scheme is not None and stated not in (None, scheme.name):
        raise ValueError(
            f"{label}: found scheme {stated!r}, expected {scheme.name!r} as asked or in the files before"
        )
    found = choose_scheme(label, len(content["points"]), asked=scheme, stated=stated)
    points = _numbers(label, "points", [row or (None, None) for row in content["points"]], (len(found), 2))
    visibility = None
    if content.get("visibility") is not None:
        visibility = _numbers(label, "visibility", content["visibility"], (len(found),))
    sample = labelled(Path(label), points, id="", group="", visibility=visibility)
    if content.get("box") is not None:
        sample.box[:] = _numbers(label, "box", content["box"], (4,))
        if not (sample.box[2:] > sample.box[:2]).all():
            raise ValueError(f"{label}: found box {content['box']}, expected x1 < x2 and y1 < y2")
    if np.isnan(sample.box).any():
        raise ValueError(f"{label}: neither a point with a position nor a box [x1, y1, x2, y2]")
    return sample, found


def _numbers(label: str, name: str, value: Any, shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = np.array(value, dtype=np.float32)  # None becomes NaN
    except (TypeError, ValueError) as error:
        raise ValueError(f"{label}: {name}: expected numbers of shape {shape} ({error})") from error
    if array.shape != shape:
        raise ValueError(f"{label}: {name}: found shape {array.shape}, expected {shape}")
    return array
