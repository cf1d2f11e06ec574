"""AFLW2000-3D (Zhu et al. 2016): 68 points of a fitted 3D model in .mat files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from canthus.datasets.dataset import Report, SampleList, labelled, photo_group, picture_of, problem
from canthus.sample import Sample
from canthus.schemes import Scheme
from canthus.schemes.ibug68_3d import IBUG68_3D


class Aflw2000In3d(SampleList):
    """imageNNNNN.jpg with imageNNNNN.mat: x and y of `pt3d_68`, the jaw behind the face on turned heads.

    Coordinates are taken as they are, as published scores do, though the fits were made in MATLAB (which
    counts from 1): their origin is certain to about half a pixel only. Tags: `yaw`, `pitch`, `roll` of
    `Pose_Para` and `yaw_abs`, in degrees. Needs scipy (`canthus[mat]`). There is one split, `test`.
    """

    name = "aflw2000_3d"
    splits = ("test",)
    source = "AFLW2000-3D, cbsr.ia.ac.cn/users/xiangyuzhu/projects/3DDFA"
    tree = "ROOT/imageNNNNN.jpg with ROOT/imageNNNNN.mat"

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
        root, missing, samples = Path(root), list[str](), list[Sample]()
        if not root.is_dir():
            raise self.absent(root)
        for path in sorted(root.glob("*.mat")):
            picture = picture_of(path)
            try:
                if picture is None:
                    if not allow_missing:
                        raise self.absent(path.with_suffix(".jpg"), "picture")
                    missing.append(path.stem)
                    continue
                points, tags = read_fit(path)
            except (OSError, ValueError) as error:
                problem(error, report)
                continue
            samples.append(labelled(picture, points, id=path.stem, group=photo_group(path.name), tags=tags))
        if not samples and report is None:
            raise self.absent(root, "labelled picture")
        super().__init__(split, self.check_scheme(scheme, IBUG68_3D), samples, missing)


def read_fit(path: Path) -> tuple[np.ndarray, dict[str, float]]:
    """Points (68, 2) px and the head's angles in degrees of a .mat file; ValueError that names it else."""
    try:
        from scipy.io import loadmat
    except ImportError:
        raise ImportError("reading .mat files needs scipy: pip install 'canthus[mat]'") from None
    try:
        content: dict[str, Any] = loadmat(str(path), variable_names=["pt3d_68", "Pose_Para"])
    except Exception as error:  # scipy raises many kinds for files that are no .mat
        raise ValueError(f"{path}: not a readable .mat file ({error})") from error
    points = np.asarray(content.get("pt3d_68", ()), dtype=np.float32)
    if points.shape != (3, 68) or not np.isfinite(points).all():
        raise ValueError(f"{path}: found pt3d_68 of shape {points.shape}, expected (3, 68)")
    tags: dict[str, float] = {}
    pose = np.degrees(np.asarray(content.get("Pose_Para", ()), dtype=np.float64).ravel()[:3])
    if len(pose) == 3:
        tags = dict(zip(("pitch", "yaw", "roll"), (float(angle) for angle in pose), strict=True))
        tags["yaw_abs"] = abs(tags["yaw"])
    return points[:2].T.copy(), tags
