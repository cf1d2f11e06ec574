"""The random box of mmpose's systems: rotation, scale and shift from cut normal distributions."""

from __future__ import annotations

import math

import numpy as np

from canthus.transforms.transform import Transform, View


class BoxJitter(Transform):
    """Every draw v is a standard normal cut to [-1, 1] (mmpose 1.x, RandomBBoxTransform).

    The box is turned by v * `rotate` degrees with `rotate_probability`, grows by 1 + v * `scale`, and moves
    by v * `shift` of its side in x and y with `shift_probability`.
    """

    def __init__(
        self,
        *,
        rotate: float = 60.0,
        rotate_probability: float = 0.6,
        scale: float = 0.25,
        shift: float = 0.16,
        shift_probability: float = 0.0,
    ) -> None:
        self.rotate, self.rotate_probability, self.scale = rotate, rotate_probability, scale
        self.shift, self.shift_probability = shift, shift_probability

    def move(self, view: View, rng: np.random.Generator) -> None:
        """The crop of the changed box: the picture moves against it, turns and shrinks about the middle."""
        x, y, grow, turn = (_cut_normal(rng) for _ in range(4))
        moves, turns = rng.random(2) < (self.shift_probability, self.rotate_probability)
        offset = np.array([x, y]) * self.shift * view.size * moves
        angle, factor = math.radians(turn * self.rotate) * turns, 1 / (1 + grow * self.scale)
        cos, sin = factor * math.cos(angle), factor * math.sin(angle)
        linear = np.array([[cos, sin], [-sin, cos]])
        middle = np.full(2, (view.size - 1) / 2)
        view.move(np.column_stack([linear, middle - linear @ (middle + offset)]))


def _cut_normal(rng: np.random.Generator) -> float:
    """A standard normal draw inside [-1, 1]."""
    while True:
        value = float(rng.standard_normal())
        if abs(value) <= 1:
            return value
