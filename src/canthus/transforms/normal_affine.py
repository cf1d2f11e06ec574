"""Random rotation, scale and shift from normal distributions (ADNet, STAR, SLPT)."""

from __future__ import annotations

import math

import numpy as np

from canthus.transforms.transform import Transform, View


class NormalAffine(Transform):
    """Rotation N(0, `rotate`) degrees cut to +-`most`, scale N(1, `scale`), shift N(0, `shift`) sides.

    The picture turns and grows about the window's centre, then moves. The published crop of SLPT already has
    its margin, so its N(1.2, 0.05) is N(1, 0.0417) of that.
    """

    def __init__(
        self, *, rotate: float = 18.0, most: float = 180.0, scale: float = 0.1, shift: float = 0.05
    ) -> None:
        self.rotate, self.most, self.scale, self.shift = rotate, most, scale, shift

    def move(self, view: View, rng: np.random.Generator) -> None:
        """One similarity."""
        turn, grow, x, y = rng.standard_normal(4)
        angle = math.radians(min(max(turn * self.rotate, -self.most), self.most))
        factor = max(1 + grow * self.scale, 0.1)
        cos, sin = factor * math.cos(angle), factor * math.sin(angle)
        linear = np.array([[cos, -sin], [sin, cos]])
        middle = np.full(2, view.middle)
        target = middle + np.array([x, y]) * self.shift * view.size
        view.move(np.column_stack([linear, target - linear @ middle]))
