"""LaPa (Liu et al. 2020): landmarks of a face-parsing set, 106 points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import coco_file
from canthus.datasets.dataset import LabelledTree, labelled, picture_of
from canthus.formats.labels import described
from canthus.sample import Sample
from canthus.schemes.lapa106 import LAPA106


class LaPa(LabelledTree):
    """Text files of the release, the number of points and then `x y` lines, or mmpose's JSON files.

    Coordinates are taken as they are: 0-based px. Visibility is not stated. The box is the tight box of the
    points. One face a picture, and a group.
    """

    name = "lapa"
    native = LAPA106
    splits = ("test", "train", "val")
    source = "LaPa, github.com/JDAI-CV/lapa-dataset"
    tree = (
        "ROOT/{train,val,test}/{images,landmarks}/NAME.{jpg,txt}, or "
        "ROOT/annotations/lapa_{train,val,test}.json with ROOT/{train,val,test}/images"
    )

    def faces(self, root: Path) -> Iterator[Callable[[], Sample | None]]:
        """The text files where there are some, else the annotations of the JSON file."""
        labels, pictures = root / self.split / "landmarks", root / self.split / "images"
        json = root / "annotations" / f"lapa_{self.split}.json"
        if labels.is_dir():
            for path in sorted(labels.glob("*.txt")):
                yield partial(self._text, path, pictures)
        elif json.is_file():
            for face in coco_file.labelled_faces(json, coco_file.read(json)):
                yield partial(self._annotation, face, pictures)
        else:
            raise self.absent(labels)

    def _text(self, path: Path, pictures: Path) -> Sample:
        points = read_points(path)
        picture = picture_of(pictures / path.name) or self.picture(pictures / f"{path.stem}.jpg")
        return labelled(picture, points, id=path.stem, group=path.stem)

    def _annotation(self, face: coco_file.Face, pictures: Path) -> Sample:
        picture = self.picture(pictures / face.file_name)
        points, _ = face.positions(len(LAPA106))
        return labelled(picture, points, id=Path(face.name).stem, group=picture.stem)


def read_points(path: Path) -> NDArray[np.float32]:
    """Points (106, 2) px of a text file; ValueError that names it for anything else."""
    rows = [line.split() for line in path.read_text(errors="replace").splitlines() if line.strip()]
    try:
        points = np.array(rows[1:], dtype=np.float32)
    except ValueError as error:
        raise ValueError(f"{path}: expected lines `x y` ({error})") from error
    if points.shape != (len(LAPA106), 2) or not np.isfinite(points).all() or rows[0] != [str(len(points))]:
        raise ValueError(f"{path}: found {described(points)}, expected a line `106` and 106 lines `x y`")
    return points
