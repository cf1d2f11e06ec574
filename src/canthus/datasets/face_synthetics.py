"""Microsoft FaceSynthetics (Wood et al. 2021): rendered faces with 70 exact points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from canthus.datasets.dataset import LabelledTree, labelled, picture_of
from canthus.formats.labels import described
from canthus.sample import Sample
from canthus.schemes.face_synthetics70 import FACE_SYNTHETICS70

_ENDING = "_ldmks"


class FaceSynthetics(LabelledTree):
    """NNNNNN.png with NNNNNN_ldmks.txt: 70 lines `x y` in px, taken as they are (the release states no
    origin).

    The jaw stays on the head where it is hidden. Visibility is not stated. There is one split, `all`.
    """

    name = "face_synthetics"
    native = FACE_SYNTHETICS70
    splits = ("all",)
    source = "Microsoft FaceSynthetics, github.com/microsoft/FaceSynthetics"
    tree = "ROOT/NNNNNN.png with ROOT/NNNNNN_ldmks.txt"

    def faces(self, root: Path) -> Iterator[Callable[[], Sample]]:
        """The label files."""
        if not root.is_dir():
            raise self.absent(root)
        for path in sorted(root.glob(f"*{_ENDING}.txt")):
            yield partial(self._sample, path)

    def _sample(self, path: Path) -> Sample:
        name = path.stem.removesuffix(_ENDING)
        picture = picture_of(path.with_name(name)) or self.picture(path.with_name(f"{name}.png"))
        return labelled(picture, read_points(path), id=name, group=name)


def read_points(path: Path) -> np.ndarray:
    """Points (70, 2) px of a `_ldmks.txt` file; ValueError that names it for anything else."""
    try:
        rows = [
            [float(value) for value in line.split()]
            for line in path.read_text(errors="replace").splitlines()
            if line.strip()
        ]
    except ValueError as error:
        raise ValueError(f"{path}: expected lines `x y` ({error})") from error
    uneven = next((len(row) for row in rows if len(row) != 2), None)
    if uneven is not None:
        raise ValueError(f"{path}: found a line of {uneven} numbers, expected 70 lines `x y`")
    points = np.array(rows, dtype=np.float32)
    if points.shape != (70, 2) or not np.isfinite(points).all():
        raise ValueError(f"{path}: found {described(points)}, expected 70 lines `x y`")
    return points
