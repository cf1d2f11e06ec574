"""COFW (Burgos-Artizzu et al. 2013): occluded faces, 29 points with occlusion flags."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import coco_file
from canthus.datasets.dataset import LabelledTree, boxed, labelled
from canthus.formats.mat import columns, open_mat73
from canthus.images import ImageError, read_image
from canthus.sample import Sample
from canthus.schemes.cofw29 import COFW29

#: Split -> the .mat file, the endings of its variables, and the number that its first face has in both.
FILES = {"test": ("COFW_test_color.mat", "T", 1346), "train": ("COFW_train_color.mat", "Tr", 1)}


@dataclass(frozen=True)
class MatPicture:
    """A picture inside a MATLAB 7.3 file: entry `index` of the cell array `cell`."""

    path: Path
    cell: str
    index: int

    def read(self) -> NDArray[np.uint8]:
        """RGB uint8 (H, W, 3)."""
        with open_mat73(self.path) as file:
            try:
                stored = np.asarray(file[np.asarray(file[self.cell]).reshape(-1)[self.index]])
            except (ValueError, TypeError, KeyError, OSError) as error:
                raise ImageError(f"{self}: cannot be read ({error})") from error
        return read_image(np.ascontiguousarray(stored.T.astype(np.uint8)))

    def __str__(self) -> str:
        return f"{self.cell}[{self.index}] of {self.path}"


class COFW(LabelledTree):
    """COFW_{train,test}_color.mat (MATLAB 7.3, needs h5py), or mmpose's JSON files with the pictures.

    The .mat files count from 1, so 1 px is subtracted from the points, and what becomes negative is 0, as in
    the JSON files, whose points are taken as they are. Visibility: 0 where the occlusion flag is set (v = 1
    in JSON), else 1; occluded points have positions. `box` (`landmarks` kind) is the stated one, not shifted,
    clipped to the picture: that is how the published crops use it, whichever file it is read from; faces
    whose box has no size are left out. Every face is a photo, and named by its number (train 1 to 1345, test
    from 1346).
    """

    name = "cofw"
    native = COFW29
    default_boxes = "dataset"
    splits = tuple(FILES)
    source = "COFW colour, data.caltech.edu/records/bc0bf-nc666"
    tree = "ROOT/COFW_{train,test}_color.mat, or ROOT/annotations/cofw_{train,test}.json with ROOT/images"

    def faces(self, root: Path) -> Iterator[Callable[[], Sample | None]]:
        """The faces of the .mat file where there is one, else those of the JSON file."""
        mat, json = root / FILES[self.split][0], root / "annotations" / f"cofw_{self.split}.json"
        if mat.is_file():
            yield from _mat_faces(mat, self.split)
        elif json.is_file():
            for face in coco_file.labelled_faces(json, coco_file.read(json)):
                yield partial(self._json_face, root, face)
        else:
            raise self.absent(mat, "file")

    def _json_face(self, root: Path, face: coco_file.Face) -> Sample | None:
        picture = self.picture(root / "images" / face.file_name)
        points, state = face.positions(len(COFW29))
        visibility = np.select([state == 2, state == 1], [1.0, 0.0], np.nan)
        return _sample(picture, points, visibility, face.clipped_box("bbox"), Path(face.name).stem)


def _mat_faces(path: Path, split: str) -> Iterator[Callable[[], Sample | None]]:
    _, ending, first = FILES[split]
    names = [f"{name}{ending}" for name in ("Is", "phis", "bboxes")]
    with open_mat73(path) as file:
        absent = [name for name in names if name not in file]
        if absent:
            raise ValueError(f"{path}: no variable {', '.join(absent)}; expected the colour release of COFW")
        try:
            cells = np.asarray(file[names[0]]).reshape(-1)
            # HDF5 has MATLAB's axes reversed, which four faces with four numbers each cannot tell.
            labels, boxes = (
                columns(np.asarray(file[name]).T, width)
                for name, width in zip(names[1:], (87, 4), strict=True)
            )
            sizes = [file[cell].shape[-1:-3:-1] for cell in cells]  # (H, W): MATLAB's axes reversed
        except (ValueError, TypeError, KeyError, OSError) as error:
            raise ValueError(f"{path}: {', '.join(names)}: {error}") from error
    if not len(cells) == len(labels) == len(boxes):
        raise ValueError(
            f"{path}: found {len(cells)} pictures, {len(labels)} labels and {len(boxes)} boxes, "
            "expected as many of each"
        )
    for index, (row, box, size) in enumerate(zip(labels, boxes, sizes, strict=True)):
        picture = MatPicture(path, names[0], index)
        yield partial(_mat_face, picture, row, box, size, f"{first + index:06d}")


def _mat_face(
    picture: MatPicture, row: NDArray[np.float64], box: NDArray[np.float64], size: tuple[int, int], name: str
) -> Sample | None:
    if not (np.isfinite(row).all() and np.isfinite(box).all()):
        raise ValueError(f"{picture}: found labels that are no numbers")
    if not np.isin(row[58:], (0, 1)).all():
        found = row[58:][~np.isin(row[58:], (0, 1))][0]
        raise ValueError(f"{picture}: found the occlusion flag {found:g}, expected 0 or 1")
    points = np.maximum(row[:58].reshape(2, 29).T - 1, 0)
    height, width = size
    limits = np.array([width - 1, height - 1] * 2)
    corners = np.clip([*box[:2], *(box[:2] + box[2:])], 0, limits)
    return _sample(picture, points, 1 - row[58:], corners, name)


def _sample(
    picture: Path | MatPicture,
    points: NDArray[np.float64],
    visibility: NDArray[np.float64],
    box: NDArray[np.float64],
    name: str,
) -> Sample | None:
    """The face; None where its box has no size."""
    if not (box[2:] > box[:2]).all():
        return None
    face = labelled(picture, points, id=name, group=name, visibility=visibility.astype(np.float32))
    return boxed(face, box)
