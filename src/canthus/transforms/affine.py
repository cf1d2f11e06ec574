"""Random rotation, scale, shift and stretch about the middle of the crop."""

from __future__ import annotations

import math

import numpy as np

from canthus.transforms.transform import Transform, View


class Affine(Transform):
    """Rotation in degrees (uniform in +-rotate, a share `upright` keeps 0), scale (log-uniform in the range),
    shift (+- share of the crop side), stretch (+- share of the aspect)."""

    def __init__(
        self,
        *,
        rotate: float = 30.0,
        scale: tuple[float, float] = (0.85, 1.18),
        shift: float = 0.06,
        stretch: float = 0.0,
        upright: float = 0.0,
    ) -> None:
        self.rotate, self.scale, self.shift, self.stretch = rotate, scale, shift, stretch
        self.upright = upright

    def move(self, view: View, rng: np.random.Generator) -> None:
        """One similarity with a slight stretch."""
        angle = math.radians(rng.uniform(-self.rotate, self.rotate)) * (rng.random() >= self.upright)
        factor = math.exp(rng.uniform(math.log(self.scale[0]), math.log(self.scale[1])))
        stretch = math.exp(rng.uniform(-self.stretch, self.stretch) / 2)
        shift = rng.uniform(-self.shift, self.shift, 2) * view.size
        cos, sin = factor * math.cos(angle), factor * math.sin(angle)
        linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([stretch, 1 / stretch])
        middle = np.full(2, view.middle)
        view.move(np.column_stack([linear, middle + shift - linear @ middle]))
