"""AFLW (Koestinger et al. 2011) with the 19 points and the split of Zhu et al. 2016."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import coco_file
from canthus.datasets.dataset import LabelledTree, boxed, labelled, photo_group
from canthus.formats.mat import columns, read_mat
from canthus.sample import Sample
from canthus.schemes.aflw19 import AFLW19

MAT = "AFLWinfo_release.mat"
FOLDERS = ("data/flickr", "flickr", "images/flickr", "images", "")
#: Split -> ending of mmpose's file.
JSON = {"full": "test", "frontal": "test_frontal", "train": "train"}
TRAINING = 20000  # of the 24386 faces in the order of `ra`


class AFLW(LabelledTree):
    """AFLWinfo_release.mat (needs scipy), or mmpose's JSON files, with the pictures.

    Of the faces in the order of `ra` the first 20000 are `train`, the other 4386 `full`; `frontal` are those
    of `full` whose 19 points are all visible, or mmpose's list. Points are taken as they are, 0-based px, in
    both files; all have positions. Visibility is `mask_new`; the JSON files do not state it. `box` (`face`
    kind: it holds the forehead) is the square of the annotators, and its side the usual denominator
    (`annotation_box_max`); faces whose box has no size are left out. Tag `subset/frontal` (0 or 1) where that
    is known. The group is the photo.
    """

    name = "aflw"
    native = AFLW19
    default_boxes = "dataset"
    splits = tuple(JSON)
    source = (
        "AFLW pictures, tugraz.at/institute/icg/research/team-bischof/lrs/downloads/aflw, and 19 points, "
        "mmlab.ie.cuhk.edu.hk/projects/compositional.html"
    )
    tree = (
        "ROOT/AFLWinfo_release.mat, or ROOT/annotations/face_landmarks_aflw_{train,test,test_frontal}.json, "
        "with ROOT/{data/flickr,flickr,images/flickr,images}/{0,2,3}"
    )

    def faces(self, root: Path) -> Iterator[Callable[[], Sample | None]]:
        """The faces of the .mat file where there is one, else those of the JSON file."""
        json = root / "annotations" / f"face_landmarks_aflw_{JSON[self.split]}.json"
        if (root / MAT).is_file():
            yield from self._mat_faces(root)
        elif json.is_file():
            frontal = _frontal(json.with_name("face_landmarks_aflw_test_frontal.json"))
            for face in coco_file.labelled_faces(json, coco_file.read(json)):
                yield partial(self._json_face, root, face, frontal if self.split == "full" else None)
        else:
            raise self.absent(root / MAT, "file")

    def _mat_faces(self, root: Path) -> Iterator[Callable[[], Sample | None]]:
        names, order, tables = _read(root / MAT)
        seen = dict[str, int]()
        for index in order[:TRAINING] if self.split == "train" else order[TRAINING:]:
            row = {name: table[index] for name, table in tables.items()}
            frontal = bool((row["mask_new"] == 1).all())
            number = seen[names[index]] = seen.get(names[index], -1) + 1
            if self.split != "frontal" or frontal:
                name = f"{names[index]}#{number}" if number else names[index]
                yield partial(self._mat_face, root, name, row)

    def _mat_face(self, root: Path, name: str, row: dict[str, NDArray[np.float64]]) -> Sample | None:
        file = name.partition("#")[0]
        if not all(np.isfinite(values).all() for values in row.values()):
            raise ValueError(f"{root / MAT}: {name}: found labels that are no numbers")
        left, right, top, bottom = row["bbox"]
        if not (left < right and top < bottom):
            return None
        frontal = float((row["mask_new"] == 1).all())
        face = labelled(
            self.picture(*(root / folder / file for folder in FOLDERS)),
            row["data"].reshape(2, 19).T,
            id=name,
            group=photo_group(file),
            visibility=(row["mask_new"] == 1).astype(np.float32),
            tags={"subset/frontal": frontal} if self.split != "frontal" else {},
        )
        return boxed(face, (left, top, right, bottom), "face")

    def _json_face(
        self, root: Path, face: coco_file.Face, frontal: set[tuple[Any, ...]] | None
    ) -> Sample | None:
        picture = self.picture(*(root / folder / face.file_name for folder in FOLDERS))
        points, _ = face.positions(len(AFLW19))
        center, (side,) = face.numbers("center", 2), 200 * face.numbers("scale", 1)
        if side <= 0:
            return None
        tags = {} if not frontal else {"subset/frontal": float(_key(face) in frontal)}
        sample = labelled(picture, points, id=face.name, group=photo_group(face.file_name), tags=tags)
        return boxed(sample, np.concatenate([center - side / 2, center + side / 2]), "face")


def _read(path: Path) -> tuple[list[str], NDArray[np.intp], dict[str, NDArray[np.float64]]]:
    """Names (N,), the order of the release (N,) from 0, and the tables bbox, data, mask_new."""
    widths = {"bbox": 4, "data": 38, "mask_new": 19}
    content = read_mat(path, ("nameList", "ra", *widths))
    absent = [name for name in ("nameList", "ra", *widths) if name not in content]
    if absent:
        raise ValueError(f"{path}: no variable {', '.join(absent)}; expected AFLWinfo_release.mat")
    try:
        names = [str(np.asarray(cell).reshape(-1)[0]) for cell in np.asarray(content["nameList"]).reshape(-1)]
        order = np.asarray(content["ra"]).reshape(-1).astype(np.intp) - 1
        tables = {name: columns(content[name], width) for name, width in widths.items()}
    except (ValueError, TypeError, IndexError) as error:
        raise ValueError(f"{path}: {error}") from error
    if {len(names), *(len(table) for table in tables.values())} != {len(order)} or (
        not np.array_equal(np.sort(order), np.arange(len(order)))
    ):
        raise ValueError(f"{path}: nameList, ra, bbox, data and mask_new do not number the same faces")
    return names, order, tables


def _key(face: coco_file.Face) -> tuple[Any, ...]:
    """What tells a face apart in files that number their annotations differently."""
    return (face.file_name, *face.keypoints(len(AFLW19))[:2, :2].ravel())


def _frontal(path: Path) -> set[tuple[Any, ...]] | None:
    if not path.is_file():
        return None
    return {_key(face) for face in coco_file.labelled_faces(path, coco_file.read(path))}
