"""Pictures without faces: what a model must not take for one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from canthus.datasets.dataset import Report, SampleList, pictures, problem
from canthus.sample import Sample
from canthus.schemes import Scheme
from canthus.schemes.ibug68 import IBUG68

#: Of each folder's files in order of their names, the first of every so many is held out for tests.
HELD_OUT_EVERY = 5


class Backgrounds(SampleList):
    """Each picture of ROOT and ROOT/gray once, `presence` 0, no points (NaN) and no visibility.

    The first of every five files of a folder, in order of their names, is split `test`; the others are
    `train`. The box (`face` kind) is the largest square in the middle of the picture. The scheme only says
    how many points are not there.
    """

    name = "backgrounds"
    default_boxes = "dataset"
    splits = ("test", "train", "all")
    source = "any collection of photographs that show no human face"
    tree = "ROOT/*.jpg and, where there is one, ROOT/gray/*.jpg"

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
        root, missing = Path(root), []
        if not root.is_dir():
            raise self.absent(root)
        scheme = scheme or IBUG68
        samples = []
        for folder in (root, root / "gray"):
            if not folder.is_dir():
                missing.append(folder.name)
                continue
            for index, path in enumerate(pictures(folder)):
                held_out = index % HELD_OUT_EVERY == 0
                if split != "all" and held_out != (split == "test"):
                    continue
                try:
                    samples.append(_sample(path, root, len(scheme)))
                except (OSError, ValueError) as error:
                    problem(error, report)
        if not samples and report is None:
            raise self.absent(root, "picture")
        super().__init__(split, scheme, samples, missing)


def _sample(path: Path, root: Path, count: int) -> Sample:
    try:
        with Image.open(path) as picture:
            width, height = picture.size
    except UnidentifiedImageError as error:
        raise ValueError(f"{path}: not a readable picture") from error
    side = min(width, height)
    left, top = (width - side) / 2 - 0.5, (height - side) / 2 - 0.5
    name = path.relative_to(root).as_posix()
    return Sample(
        image=path,
        points=np.full((count, 2), np.nan, dtype=np.float32),
        visibility=np.full(count, np.nan, dtype=np.float32),
        box=np.array([left, top, left + side, top + side], dtype=np.float32),
        box_kind="face",
        id=name,
        group=name,
        presence=0.0,
    )
