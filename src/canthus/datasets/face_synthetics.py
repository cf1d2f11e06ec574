"""Microsoft FaceSynthetics (Wood et al. 2021): rendered faces with 70 exact points."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from canthus.datasets.dataset import Report, SampleList, labelled, picture_of, problem
from canthus.sample import Sample
from canthus.schemes import Scheme
from canthus.schemes.face_synthetics70 import FACE_SYNTHETICS70

_ENDING = "_ldmks"


class FaceSynthetics(SampleList):
    """NNNNNN.png with NNNNNN_ldmks.txt: 70 lines `x y` in px, taken as they are (the release states no
    origin).

    The jaw stays on the head where it is hidden. Visibility is not stated. There is one split, `all`.
    """

    name = "face_synthetics"
    splits = ("all",)
    source = "Microsoft FaceSynthetics, github.com/microsoft/FaceSynthetics"
    tree = "ROOT/NNNNNN.png with ROOT/NNNNNN_ldmks.txt"

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
        for path in sorted(root.glob(f"*{_ENDING}.txt")):
            name = path.stem.removesuffix(_ENDING)
            picture = picture_of(root / name)
            try:
                if picture is None:
                    if not allow_missing:
                        raise self.absent(root / f"{name}.png", "picture")
                    missing.append(name)
                    continue
                points = read_points(path)
            except (OSError, ValueError) as error:
                problem(error, report)
                continue
            samples.append(labelled(picture, points, id=name, group=name))
        if not samples and report is None:
            raise self.absent(root, "labelled picture")
        super().__init__(split, self.check_scheme(scheme, FACE_SYNTHETICS70), samples, missing)


def read_points(path: Path) -> np.ndarray:
    """Points (70, 2) px of a `_ldmks.txt` file; ValueError that names it for anything else."""
    try:
        rows = [
            [float(value) for value in line.split()]
            for line in path.read_text(errors="replace").splitlines()
            if line.strip()
        ]
        points = np.array(rows, dtype=np.float32)
    except ValueError as error:
        raise ValueError(f"{path}: expected lines `x y` ({error})") from error
    if points.shape != (70, 2) or not np.isfinite(points).all():
        raise ValueError(f"{path}: found an array of shape {points.shape}, expected 70 lines `x y`")
    return points
