"""Crops that show only part of a face, or none: the negatives that `presence` is taught with."""

from __future__ import annotations

import math

import numpy as np

from canthus.geometry import mirror_affine, resize_affine
from canthus.transforms.transform import Transform, View


class HalfFace(Transform):
    """With `probability` the crop slides off the face.

    It moves by `slide` shares of its side. Where less than `absent` of the landmarks stay inside, presence
    becomes 0; between that and `present` it is not stated; the points of such a crop are not taught.
    """

    def __init__(
        self,
        *,
        probability: float = 0.08,
        slide: tuple[float, float] = (0.35, 0.9),
        absent: float = 0.45,
        present: float = 0.75,
    ) -> None:
        self.probability, self.slide, self.absent, self.present = probability, slide, absent, present

    def move(self, view: View, rng: np.random.Generator) -> None:
        """Slide in a random direction."""
        if view.presence != 1 or rng.random() >= self.probability:
            return
        angle, length = rng.uniform(0, 2 * math.pi), rng.uniform(*self.slide) * view.size
        view.move(np.array([[1.0, 0.0, length * math.cos(angle)], [0.0, 1.0, length * math.sin(angle)]]))
        known = view.points[np.isfinite(view.points).all(-1)]
        inside = ((known >= 0) & (known <= view.size - 1)).all(-1).mean() if len(known) else 0.0
        if inside < self.present:
            view.presence = 0.0 if inside < self.absent else math.nan
            view.discard_points()


class RandomWindow(Transform):
    """A background (presence 0) is shown through a random square window, mirrored or not."""

    def __init__(self, *, scale: tuple[float, float] = (1.0, 5.0)) -> None:
        self.scale = scale

    def move(self, view: View, rng: np.random.Generator) -> None:
        """Zoom in by a factor of `scale` about a random place of the picture."""
        if view.presence != 0:
            return
        factor = math.exp(rng.uniform(math.log(self.scale[0]), math.log(self.scale[1])))
        view.move(resize_affine(factor, factor))
        low = np.minimum(0, view.size - factor * view.size)
        view.move(np.array([[1.0, 0.0, rng.uniform(low, 0)], [0.0, 1.0, rng.uniform(low, 0)]]))
        if rng.random() < 0.5:
            view.move(mirror_affine(view.size))
