"""Random things in front of the face."""

from __future__ import annotations

import cv2
import numpy as np

from canthus.transforms.transform import Transform, View


class Occlude(Transform):
    """With `probability` a filled ellipse or rotated rectangle of a colour, or a patch of the crop itself.

    Its sides are shares of the crop side drawn from `size`. Points below it that were visible become hidden.
    """

    def __init__(self, *, probability: float = 0.4, size: tuple[float, float] = (0.1, 0.45)) -> None:
        self.probability, self.size = probability, size

    def paint(self, view: View, rng: np.random.Generator) -> None:
        """Draw, and mark the covered points."""
        if rng.random() >= self.probability:
            return
        side = view.size
        axes = rng.uniform(*self.size, 2) * side / 2
        center, angle = rng.uniform(0, side, 2), rng.uniform(0, 180)
        mask = np.zeros((side, side), np.uint8)
        box = (tuple(center.tolist()), tuple((2 * axes).tolist()), float(angle))
        if rng.random() < 0.5:
            cv2.ellipse(mask, box, 1, -1)
        else:
            cv2.fillConvexPoly(mask, np.rint(cv2.boxPoints(box)).astype(np.int32), 1)
        covered = mask.astype(bool)
        if rng.random() < 0.5:
            view.image = view.image.copy()
            view.image[covered] = rng.integers(0, 256, 3)
        else:
            shifted = np.roll(view.image, rng.integers(side // 4, 3 * side // 4, 2).tolist(), axis=(0, 1))
            view.image = np.where(covered[..., None], shifted, view.image)
        known = np.isfinite(view.points).all(-1)
        at = np.clip(np.rint(np.where(known[:, None], view.points, 0)), 0, side - 1).astype(int)
        view.visibility[known & covered[at[:, 1], at[:, 0]] & (view.visibility == 1)] = 0
