"""AFLW2000-3D (Zhu et al. 2016): 68 points of a fitted 3D model in .mat files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from canthus.datasets.dataset import LabelledTree, labelled, photo_group, picture_of
from canthus.datasets.fitted_pose import pose_tags
from canthus.formats.labels import described
from canthus.formats.mat import numbers, read_mat
from canthus.sample import Sample
from canthus.schemes.ibug68_3d import IBUG68_3D


class Aflw2000In3d(LabelledTree):
    """imageNNNNN.jpg with imageNNNNN.mat: x and y of `pt3d_68`, the jaw behind the face on turned heads.

    Coordinates are taken as they are, as published scores do, though the fits were made in MATLAB (which
    counts from 1): their origin is certain to about half a pixel only. Tags: `yaw`, `pitch`, `roll` of
    `Pose_Para` and `yaw_abs`, in degrees. Needs scipy (`canthus[mat]`). There is one split, `test`.
    """

    name = "aflw2000_3d"
    native = IBUG68_3D
    splits = ("test",)
    source = "AFLW2000-3D, cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA"
    tree = "ROOT/imageNNNNN.jpg with ROOT/imageNNNNN.mat"

    def faces(self, root: Path) -> Iterator[Callable[[], Sample]]:
        """The .mat files."""
        if not root.is_dir():
            raise self.absent(root)
        for path in sorted(root.glob("*.mat")):
            yield partial(self._sample, path)

    def _sample(self, path: Path) -> Sample:
        picture = picture_of(path) or self.picture(path.with_suffix(".jpg"))
        points, tags = read_fit(path)
        return labelled(picture, points, id=path.stem, group=photo_group(path.name), tags=tags)


def read_fit(path: Path) -> tuple[np.ndarray, dict[str, float]]:
    """Points (68, 2) px and the head's angles in degrees of a .mat file; ValueError that names it else."""
    content = read_mat(path, ("pt3d_68", "Pose_Para"))
    try:
        points = numbers(content, "pt3d_68")
        if points.shape != (3, 68) or not np.isfinite(points).all():
            raise ValueError(f"found pt3d_68 of {described(points)}, expected (3, 68)")
        return points[:2].T.astype(np.float32), pose_tags(content)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
