"""MERL-RAV (Kumar et al. 2020): AFLW faces with 68 points and their visibility."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from canthus.datasets.dataset import LabelledTree, labelled, photo_group, picture_of
from canthus.formats.pts import read_pts
from canthus.sample import Sample
from canthus.schemes.ibug68 import IBUG68

POSES = ("frontal", "lefthalf", "left", "righthalf", "right")
FOLDERS = ("merl_rav_organized", "merl_rav_labels", "")


class MerlRav(LabelledTree):
    """.pts files whose signs tell the visibility, with AFLW's pictures beside them or in ROOT/aflw/flickr.

    (x, y) is visible; (-x, -y) lies at (x, y), hidden by something; (-1, -1) is hidden behind the face itself
    and has no position: visibility 0 for both. One negative number alone is a visible point beside the
    picture. Coordinates are taken as they are; the release states no origin. The box is the tight box of the
    points with a position. Tags `subset/POSE` name the folders; the group is the photo.
    """

    name = "merl_rav"
    native = IBUG68
    splits = ("test", "train")
    source = "MERL-RAV, github.com/abhi1kumar/MERL-RAV_dataset, with the pictures of AFLW"
    tree = (
        "ROOT/merl_rav_organized/{frontal,left,lefthalf,right,righthalf}/{trainset,testset}/*.{pts,jpg}, or "
        "ROOT/merl_rav_labels/... with ROOT/aflw/flickr/{0,2,3}"
    )

    def faces(self, root: Path) -> Iterator[Callable[[], Sample | None]]:
        """The label files of every pose."""
        base = next((root / name for name in FOLDERS if (root / name / POSES[0]).is_dir()), None)
        if base is None:
            raise self.absent(root / FOLDERS[0])
        for pose in POSES:
            folder = base / pose / f"{self.split}set"
            if not folder.is_dir():
                if not self.allow_missing:
                    raise self.absent(folder)
                self.lacking.append(f"{pose}/{self.split}set")
            for path in sorted(folder.glob("*.pts")):
                yield partial(self._sample, root, path, pose)

    def _sample(self, root: Path, path: Path, pose: str) -> Sample:
        rows = read_pts(path, len(IBUG68)) + 1  # as written
        hidden, behind = np.asarray((rows < 0).all(1)), np.asarray((rows == -1).all(1))
        photo = photo_group(path.name)
        flickr = [root / "aflw" / "flickr" / folder / f"{photo}.jpg" for folder in "023"]
        picture = picture_of(path) or self.picture(path.with_suffix(".jpg"), *flickr)
        points = np.where(behind[:, None], np.nan, np.where(hidden[:, None], -rows, rows))
        if np.isnan(points).all():
            raise ValueError(f"{path}: no point has a position")
        visibility = np.where(hidden, 0.0, 1.0).astype(np.float32)
        tags = {f"subset/{pose}": 1.0}
        return labelled(picture, points, id=path.stem, group=photo, visibility=visibility, tags=tags)
