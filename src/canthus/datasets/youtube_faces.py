"""YouTube Faces frames with 68 automatic points, in the layout of Udacity's facial-keypoints course."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from canthus.datasets.dataset import Report, SampleList, labelled, problem
from canthus.sample import Sample
from canthus.schemes import Scheme
from canthus.schemes.ibug68 import IBUG68


class YoutubeFaces(SampleList):
    """Rows `name, x0, y0, ..., x67, y67` of a CSV file and a folder of frames.

    Coordinates are taken as they are (0-based px). The labels were made by a program and drift by a few
    pixels: no test set. Visibility is not stated. The group is the person: the file name before its last
    `_`.
    """

    name = "youtube_faces"
    splits = ("train", "test")
    source = "github.com/udacity/P1_Facial_Keypoints (images of YouTube Faces, cs.tau.ac.il/~wolf/ytfaces)"
    tree = "ROOT/{training,test}_frames_keypoints.csv with the pictures in ROOT/{training,test}"

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
        folder = "training" if split == "train" else "test"
        path = Path(root) / f"{folder}_frames_keypoints.csv"
        if not path.is_file():
            raise self.absent(path, "file")
        samples, missing = list[Sample](), list[str]()
        with path.open(newline="", errors="replace") as stream:
            for row in list(csv.reader(stream))[1:]:
                if not row:
                    continue
                picture = path.parent / folder / row[0]
                try:
                    points = _points(path, row)
                    if not picture.is_file():
                        if not allow_missing:
                            raise self.absent(picture, "picture")
                        missing.append(picture.name)
                        continue
                except (OSError, ValueError) as error:
                    problem(error, report)
                    continue
                person = picture.stem.rpartition("_")[0] or picture.stem
                samples.append(labelled(picture, points, id=picture.name, group=person))
        if not samples and not missing and report is None:
            raise self.absent(path, "row in")
        super().__init__(split, self.check_scheme(scheme, IBUG68), samples, missing)


def _points(path: Path, row: list[str]) -> np.ndarray:
    try:
        values = np.array([float(value) for value in row[1:]], dtype=np.float32)
    except ValueError as error:
        raise ValueError(f"{path}: row {row[0]}: {error}") from error
    if len(values) != 2 * len(IBUG68):
        raise ValueError(f"{path}: row {row[0]}: found {len(values)} numbers, expected {2 * len(IBUG68)}")
    return values.reshape(-1, 2)
