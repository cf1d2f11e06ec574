"""The random box of mmpose's systems: clipped normal rotation and scale, and an even shift."""

from __future__ import annotations

import math

import numpy as np

from canthus.transforms.transform import Transform, View


class BoxJitter(Transform):
    """What the published checkpoints were taught with (mmpose 0.x: TopDownGetRandomScaleRotation and
    TopDownRandomShiftBboxCenter); z are standard normal draws.

    The box is turned by z * `rotate` degrees, clipped at twice `rotate`, with `rotate_probability`; it grows
    by 1 + z * `scale`, clipped at 1 -+ `scale`; it moves by up to `shift` of its side in x and y, evenly,
    with `shift_probability`.
    """

    def __init__(
        self,
        *,
        rotate: float = 30.0,
        rotate_probability: float = 0.6,
        scale: float = 0.25,
        shift: float = 0.16,
        shift_probability: float = 0.0,
    ) -> None:
        self.rotate, self.rotate_probability, self.scale = rotate, rotate_probability, scale
        self.shift, self.shift_probability = shift, shift_probability

    def move(self, view: View, rng: np.random.Generator) -> None:
        """The crop of the changed box: the picture moves against it, turns and shrinks about the middle."""
        grow, turn = rng.standard_normal(2)
        moves, turns = rng.random(2) < (self.shift_probability, self.rotate_probability)
        offset = rng.uniform(-1, 1, 2) * self.shift * view.size * moves
        angle = math.radians(np.clip(turn, -2, 2) * self.rotate) * turns
        factor = 1 / (1 + np.clip(grow, -1, 1) * self.scale)
        cos, sin = factor * math.cos(angle), factor * math.sin(angle)
        linear = np.array([[cos, sin], [-sin, cos]])
        middle = np.full(2, view.middle)
        view.move(np.column_stack([linear, middle - linear @ (middle + offset)]))
