"""A view: one training crop in the making, and what a transform may do to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.geometry import Crop, CropRule, apply_affine, compose_affine
from canthus.sample import Sample
from canthus.schemes import Scheme


@dataclass
class View:
    """One crop of `size` px: `matrix` (2, 3) image -> crop, `points` (K, 2) crop px, `image` once warped.

    `middle` is the crop pixel, in x and y, under the centre of the box, about which the crop is turned,
    scaled and mirrored.
    """

    sample: Sample
    size: int
    middle: float
    matrix: NDArray[np.floating]
    points: NDArray[np.floating]
    visibility: NDArray[np.floating]
    presence: float
    image: NDArray[np.uint8]

    def move(self, matrix: NDArray[np.floating]) -> None:
        """Apply an affine (2, 3) in crop px before the warp."""
        self.matrix = compose_affine(matrix, self.matrix)
        self.points = apply_affine(matrix, self.points)

    def discard_points(self) -> None:
        """No point of this crop is taught."""
        self.points = np.full_like(self.points, np.nan)
        self.visibility = np.full_like(self.visibility, np.nan)


class Transform:
    """`move` may change a view's geometry, `paint` its pixels after the one warp; both default to nothing."""

    def move(self, view: View, rng: np.random.Generator) -> None:
        """Change the matrix, points, visibility or presence of `view` in place."""

    def paint(self, view: View, rng: np.random.Generator) -> None:
        """Change the pixels (size, size, 3) of `view` in place."""


class Pipeline:
    """Crop rule, then every `move`, one warp, every `paint`."""

    def __init__(
        self, rule: CropRule, size: int, scheme: Scheme, transforms: tuple[Transform, ...] = ()
    ) -> None:
        self.rule, self.size, self.scheme, self.transforms = rule, size, scheme, transforms

    def __call__(self, sample: Sample, rng: np.random.Generator) -> View:
        """The finished view of a sample."""
        crop = self.rule.crop(sample.box, sample.box_kind, self.size)
        view = View(
            sample=sample,
            size=self.size,
            middle=self.rule.middle(self.size),
            matrix=crop.matrix,
            points=crop.to_crop(sample.points),
            visibility=sample.visibility.astype(np.float64),
            presence=sample.presence,
            image=np.zeros((0, 0, 3), np.uint8),
        )
        for transform in self.transforms:
            transform.move(view, rng)
        view.image = Crop(view.matrix, self.size, self.rule.antialias).warp(sample.read())
        for transform in self.transforms:
            transform.paint(view, rng)
        return view
