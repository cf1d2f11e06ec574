"""YouTube Faces frames with 68 automatic points, in the layout of Udacity's facial-keypoints course."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from canthus.datasets.dataset import LabelledTree, labelled
from canthus.sample import Sample
from canthus.schemes.ibug68 import IBUG68


class YoutubeFaces(LabelledTree):
    """Rows `name, x0, y0, ..., x67, y67` of a CSV file and a folder of frames.

    Coordinates are taken as they are (0-based px). The labels were made by a program and drift by a few
    pixels: no test set. Visibility is not stated. The group is the person: the file name before its last
    `_`.
    """

    name = "youtube_faces"
    native = IBUG68
    splits = ("train", "test")
    source = "github.com/udacity/P1_Facial_Keypoints (images of YouTube Faces, cs.tau.ac.il/~wolf/ytfaces)"
    tree = "ROOT/{training,test}_frames_keypoints.csv with the pictures in ROOT/{training,test}"

    def faces(self, root: Path) -> Iterator[Callable[[], Sample]]:
        """The rows of the CSV file."""
        folder = "training" if self.split == "train" else "test"
        path = root / f"{folder}_frames_keypoints.csv"
        if not path.is_file():
            raise self.absent(path, "file")
        with path.open(newline="", errors="replace") as stream:
            for row in list(csv.reader(stream))[1:]:
                if row:
                    yield partial(self._sample, path, path.parent / folder / row[0], row)

    def _sample(self, path: Path, picture: Path, row: list[str]) -> Sample:
        points = _points(path, row)
        person = picture.stem.rpartition("_")[0] or picture.stem
        return labelled(self.picture(picture), points, id=picture.name, group=person)


def _points(path: Path, row: list[str]) -> np.ndarray:
    try:
        values = np.array([float(value) for value in row[1:]], dtype=np.float32)
    except ValueError as error:
        raise ValueError(f"{path}: row {row[0]}: {error}") from error
    if len(values) != 2 * len(IBUG68):
        raise ValueError(f"{path}: row {row[0]}: found {len(values)} numbers, expected {2 * len(IBUG68)}")
    return values.reshape(-1, 2)
