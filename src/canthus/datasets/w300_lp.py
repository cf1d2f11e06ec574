"""300W-LP (Zhu et al. 2016): 300-W faces turned to large poses with a fitted 3D model, and mirrored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets.dataset import LabelledTree, labelled, picture_of
from canthus.datasets.fitted_pose import pose_tags
from canthus.formats.labels import described
from canthus.formats.mat import numbers, read_mat
from canthus.sample import Sample
from canthus.schemes import Scheme
from canthus.schemes.ibug68 import IBUG68
from canthus.schemes.ibug68_3d import IBUG68_3D

PARTS = tuple(f"{part}{ending}" for part in ("AFW", "HELEN", "IBUG", "LFPW") for ending in ("", "_Flip"))
#: Scheme -> the variable of NAME_pts.mat.
LABELS = {IBUG68.name: "pts_2d", IBUG68_3D.name: "pts_3d"}
#: Scheme -> the variable of NAME.mat, of rows x, y (and z).
BESIDE = {IBUG68.name: "pt2d", IBUG68_3D.name: "pt3d_68"}


class W300LP(LabelledTree):
    """NAME.jpg with NAME.mat, and ROOT/landmarks/PART/NAME_pts.mat; needs scipy.

    The labels are `pts_3d`, the jaw on the head (`ibug68_3d`, the default), or `pts_2d` on the visible
    contour (`scheme: ibug68`); without the folder of landmarks, x and y of `pt3d_68`, or `pt2d`, in NAME.mat.
    Coordinates are taken as they are, the origin is certain to about half a pixel. Tags: `yaw`, `pitch`,
    `roll` and `yaw_abs` in degrees. Every turned and mirrored version of a photo is in its group.
    Reading the labels of all 122,450 pictures takes minutes.
    """

    name = "300w_lp"
    native = IBUG68_3D
    splits = ("train",)
    source = "300W-LP, cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA"
    tree = (
        "ROOT/{AFW,HELEN,IBUG,LFPW}{,_Flip}/NAME.{jpg,mat} with ROOT/landmarks/{AFW,HELEN,IBUG,LFPW}/"
        "NAME_pts.mat"
    )

    @classmethod
    def check_scheme(cls, scheme: Scheme | None, native: Scheme) -> Scheme:
        """The scheme asked for, if the files have its labels."""
        asked = scheme is not None and scheme.name in LABELS
        return super().check_scheme(scheme, scheme if asked and scheme is not None else native)

    def faces(self, root: Path) -> Iterator[Callable[[], Sample | None]]:
        """The pictures' .mat files."""
        for part in PARTS:
            if not (root / part).is_dir():
                if not self.allow_missing:
                    raise self.absent(root / part)
                self.lacking.append(part)
            for path in sorted((root / part).glob("*.mat")):
                yield partial(self._sample, root, path)

    def _sample(self, root: Path, path: Path) -> Sample:
        part = path.parent.name
        picture = picture_of(path) or self.picture(path.with_suffix(".jpg"))
        fit = read_mat(path, (*BESIDE.values(), "Pose_Para"))
        points = self._points(root / "landmarks" / part / f"{path.stem}_pts.mat", path, fit)
        try:
            tags = pose_tags(fit)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        face = path.stem.rpartition("_")[0]  # without the number of the turned version
        source = part.removesuffix("_Flip")
        photo = face if source == "LFPW" else face.rpartition("_")[0] or face
        group = f"{source}/{photo}"
        return labelled(picture, points, id=f"{part}/{path.stem}", group=group, tags=tags)

    def _points(self, labels: Path, path: Path, fit: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        beside = BESIDE[self.scheme.name]
        if not labels.is_file() and beside not in fit:
            raise self.absent(labels, "file")
        name, where = (LABELS[self.scheme.name], labels) if labels.is_file() else (beside, path)
        try:
            points = numbers(read_mat(labels, (name,)), name) if where == labels else numbers(fit, name)[:2].T
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        if points.shape != (68, 2) or not np.isfinite(points).all():
            raise ValueError(f"{where}: found {name} of {described(points)}, expected 68 points")
        return points
