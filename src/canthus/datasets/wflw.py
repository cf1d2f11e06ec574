"""WFLW (Wu et al. 2018): 98 manual points, boxes and attributes in list files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from canthus.datasets.dataset import Report, SampleList, labelled, problem
from canthus.sample import Sample
from canthus.schemes import Scheme
from canthus.schemes.wflw98 import WFLW98

ATTRIBUTES = ("pose", "expression", "illumination", "makeup", "occlusion", "blur")
LISTS = "WFLW_annotations/list_98pt_rect_attr_train_test/list_98pt_rect_attr_{}.txt"
SUBSET_LISTS = "WFLW_annotations/list_98pt_test/list_98pt_test_{}.txt"
_SUBSETS = ("largepose", "expression", "illumination", "makeup", "occlusion", "blur")
_PLAIN, _FULL = 197, 207  # columns: 196 coordinates (, box, attributes), name


class WFLW(SampleList):
    """Lines of 196 coordinates, a box, six attribute flags and a picture's name; subset lists have no box
    and flags.

    Coordinates are taken as they are: 0-based px. `box` is the listed rectangle where there is one (its
    protocol, though, is `landmarks`). Tags `subset/ATTRIBUTE` are the flags. Splits: train, test and the
    six subset lists. The group is the photo, which may show several faces.
    """

    name = "wflw"
    splits = ("test", "train", *_SUBSETS)
    source = "WFLW, wywu.github.io/projects/LAB/WFLW.html"
    tree = "ROOT/WFLW_annotations/{list_98pt_rect_attr_train_test,list_98pt_test}/*.txt and ROOT/WFLW_images"

    def __init__(
        self,
        root: Path,
        split: str,
        *,
        scheme: Scheme | None = None,
        allow_missing: bool = False,
        report: Report | None = None,
    ) -> None:
        self.check_split(split)
        root = Path(root)
        path = root / (SUBSET_LISTS if split in _SUBSETS else LISTS).format(split)
        if not path.is_file():
            raise self.absent(path, "list")
        samples, missing = list[Sample](), list[str]()
        seen: Counter[str] = Counter()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
            if not line.strip():
                continue
            try:
                name, sample = _sample(f"{path}: line {number}", line, root / "WFLW_images", seen)
                if not Path(str(sample.image)).is_file():
                    if not allow_missing:
                        raise self.absent(root / "WFLW_images" / name, "picture")
                    missing.append(name)
                    continue
            except (OSError, ValueError) as error:
                problem(error, report)
                continue
            samples.append(sample)
        if not samples and not missing and report is None:
            raise self.absent(path, "line in")
        super().__init__(split, self.check_scheme(scheme, WFLW98), samples, missing)


def _sample(where: str, line: str, folder: Path, seen: Counter[str]) -> tuple[str, Sample]:
    columns = line.split()
    if len(columns) not in (_PLAIN, _FULL):
        raise ValueError(f"{where}: found {len(columns)} columns, expected {_PLAIN} or {_FULL}")
    name = columns[-1]
    try:
        values = np.array([float(value) for value in columns[:-1]], dtype=np.float32)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    flags = zip(ATTRIBUTES, values[200:], strict=False)
    tags = {f"subset/{attribute}": float(flag) for attribute, flag in flags if flag > 0}
    face_id = f"{name}#{seen[name]}" if seen[name] else name
    seen[name] += 1
    sample = labelled(folder / name, values[:196].reshape(98, 2), id=face_id, group=name, tags=tags)
    if len(columns) == _FULL:
        sample.box[:] = values[196:200]
    return name, sample
