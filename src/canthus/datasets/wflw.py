"""WFLW (Wu et al. 2018): 98 manual points, boxes and attributes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import coco_file
from canthus.datasets.dataset import LabelledTree, boxed, labelled
from canthus.formats.tsv import ATTRIBUTES
from canthus.sample import Sample
from canthus.schemes.wflw98 import WFLW98

LISTS = "WFLW_annotations/list_98pt_rect_attr_train_test/list_98pt_rect_attr_{}.txt"
SUBSET_LISTS = "WFLW_annotations/list_98pt_test/list_98pt_test_{}.txt"
_PLAIN, _FULL = 197, 207  # columns: 196 coordinates (, box, attributes), name


class WFLW(LabelledTree):
    """The lists of the release (196 coordinates, a box and six flags where the list has them, the picture's
    name), or mmpose's JSON files.

    Coordinates are taken as they are: 0-based px. `box` (`landmarks` kind) is the listed rectangle where
    there is one of some size, else the tight box of the points. The protocol, though, is `landmarks`: the
    tight box, which with its edges moved outward to whole px (`rounding: outward` of a crop rule) has
    mmpose's centre and scale. Tags `subset/ATTRIBUTE` are 0 or 1; in JSON, where a face is looked up in the
    files of the subsets, those that are there. Splits: test, train and the six subsets of test. The group is
    the photo, which may show several faces.
    """

    name = "wflw"
    native = WFLW98
    splits = ("test", "train", *ATTRIBUTES)
    source = "WFLW, wywu.github.io/projects/LAB/WFLW.html"
    tree = (
        "ROOT/WFLW_annotations/{list_98pt_rect_attr_train_test,list_98pt_test}/*.txt with ROOT/WFLW_images, "
        "or ROOT/annotations/face_landmarks_wflw_{train,test,test_largepose,...}.json with ROOT/images"
    )

    def faces(self, root: Path) -> Iterator[Callable[[], Sample | None]]:
        """The lines of the list where there is one, else the annotations of the JSON file."""
        path = root / (SUBSET_LISTS if self.split in ATTRIBUTES else LISTS).format(self.split)
        json = _json(root, self.split)
        seen = Counter[str]()
        if path.is_file():
            lines = enumerate(path.read_text(errors="replace").splitlines(), start=1)
            for number, line in lines:
                if line.strip():
                    yield partial(self._line, root, f"{path}: line {number}", line, seen)
        elif json.is_file():
            subsets = {name: _points_of(_json(root, name)) for name in ATTRIBUTES if self.split == "test"}
            for face in coco_file.labelled_faces(json, coco_file.read(json)):
                yield partial(self._annotation, root, face, seen, subsets)
        else:
            raise self.absent(path, "list")

    def _line(self, root: Path, where: str, line: str, seen: Counter[str]) -> Sample:
        columns = line.split()
        if len(columns) not in (_PLAIN, _FULL):
            raise ValueError(f"{where}: found {len(columns)} columns, expected {_PLAIN} or {_FULL}")
        name = columns[-1]
        try:
            values = np.array([float(value) for value in columns[:-1]], dtype=np.float32)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from error
        if not np.isfinite(values).all():
            raise ValueError(f"{where}: found a coordinate or flag that is no number")
        flags = zip(ATTRIBUTES, values[200:], strict=False)
        tags = {f"subset/{attribute}": float(flag > 0) for attribute, flag in flags}
        sample = _sample(self.picture(root / "WFLW_images" / name), values[:196].reshape(98, 2), name, seen)
        sample = replace(sample, tags=tags)
        has_box = len(columns) == _FULL and (values[198:200] > values[196:198]).all()
        return boxed(sample, values[196:200]) if has_box else sample

    def _annotation(
        self,
        root: Path,
        face: coco_file.Face,
        seen: Counter[str],
        subsets: dict[str, set[bytes] | None],
    ) -> Sample:
        points, _ = face.positions(len(WFLW98))
        picture = self.picture(root / "images" / face.file_name)
        known = {name: members for name, members in subsets.items() if members is not None}
        tags = {f"subset/{name}": float(points.tobytes() in members) for name, members in known.items()}
        return replace(_sample(picture, points, face.file_name, seen), tags=tags)


def _sample(picture: Path, points: NDArray[np.floating], name: str, seen: Counter[str]) -> Sample:
    """A face of the picture `name`; the second one of a picture is `name#1`."""
    face_id = f"{name}#{seen[name]}" if seen[name] else name
    seen[name] += 1
    return labelled(picture, points, id=face_id, group=name)


def _json(root: Path, split: str) -> Path:
    ending = f"test_{split}" if split in ATTRIBUTES else split
    return root / "annotations" / f"face_landmarks_wflw_{ending}.json"


def _points_of(path: Path) -> set[bytes] | None:
    """What tells the faces of a file apart in files that number them differently; None for no file."""
    if not path.is_file():
        return None
    rows = coco_file.labelled_faces(path, coco_file.read(path))
    return {face.positions(len(WFLW98))[0].tobytes() for face in rows}
