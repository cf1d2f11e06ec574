"""Random mirroring: left and right points change places."""

from __future__ import annotations

import numpy as np

from canthus.geometry import mirror_about
from canthus.schemes import Scheme
from canthus.transforms.transform import Transform, View


class Flip(Transform):
    """Mirror the crop with `probability`."""

    def __init__(self, scheme: Scheme, *, probability: float = 0.5) -> None:
        self.order = np.array(scheme.flip)
        self.probability = probability

    def move(self, view: View, rng: np.random.Generator) -> None:
        """Mirror about the middle; rows reordered by the scheme's permutation."""
        if rng.random() < self.probability:
            view.move(mirror_about(view.middle))
            view.points, view.visibility = view.points[self.order], view.visibility[self.order]
