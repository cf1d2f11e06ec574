"""What a training keeps of a photo: each face with its surroundings, at the resolution that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import ArrayLike

from canthus.geometry import (
    BoxKind,
    CropRule,
    FloatArray,
    apply_affine,
    compose_affine,
    resize_affine,
)
from canthus.sample import Sample
from canthus.training.photo import Photo, open_photo

#: Pictures are kept at this many stored px per crop px, so that zooming in loses nothing.
DENSITY = 1.25

#: A picture that this factor or a larger one would reduce stays as it was decoded.
CLOSE = 0.9

#: From this factor down, pixels are averaged; bilinear interpolation would skip some.
AVERAGE = 0.6


@dataclass(frozen=True)
class Cutter:
    """Photo -> pictures of its faces that reach `context` times as far as the crop of `size` px, of which
    no more is kept than lies inside the photo. Their boxes are for the `exact` rule."""

    rule: CropRule
    size: int
    context: float

    def __call__(self, samples: Sequence[Sample]) -> list[Sample]:
        """Samples of one photo, which is decoded once, with their pictures in memory."""
        photo = open_photo(samples[0], max(self._scale(sample) for sample in samples))
        return [self._cut(sample, photo) for sample in samples]

    def bytes_at_most(self, sample: Sample) -> int:
        """What the picture of a sample takes uncompressed if all of it lies inside the photo."""
        return 3 * round(self._reach(sample) * min(1.0, self._scale(sample) / CLOSE) + 1) ** 2

    def _reach(self, sample: Sample) -> float:
        """The side of what is kept, px of the photo."""
        return self.context * self._side(sample)

    def _side(self, sample: Sample) -> float:
        x1, y1, x2, y2 = self.rule.window(sample.box, sample.box_kind).tolist()
        return float(max(x2 - x1, y2 - y1))

    def _scale(self, sample: Sample) -> float:
        """How many px a px of the photo becomes."""
        return min(1.0, DENSITY * self.size / self._side(sample))

    def _cut(self, sample: Sample, photo: Photo) -> Sample:
        matrix = resize_affine(1 / photo.divisor, 1 / photo.divisor)  # photo px -> px held
        x1, y1, x2, y2 = self.rule.window(sample.box, sample.box_kind)
        middle, half = np.array([(x1 + x2) / 2, (y1 + y2) / 2]), self._reach(sample) / 2
        last = np.array(photo.size)
        edges = apply_affine(matrix, [middle - half, middle + half]) + 0.5
        low = np.clip(np.floor(edges[0]), 0, last - 1).astype(int)
        high = np.clip(np.ceil(edges[1]), low + 1, last).astype(int)
        image = photo.part(*low.tolist(), *high.tolist())
        matrix = compose_affine([[1, 0, -low[0]], [0, 1, -low[1]]], matrix)
        factor = self._scale(sample) * photo.divisor
        if factor < CLOSE and factor * min(high - low) >= 1:
            way = cv2.INTER_AREA if factor < AVERAGE else cv2.INTER_LINEAR
            image = np.asarray(cv2.resize(image, None, fx=factor, fy=factor, interpolation=way), np.uint8)
            matrix = compose_affine(resize_affine(factor, factor), matrix)
        box, kind = settled(self.rule, sample.box, sample.box_kind)
        return replace(
            sample,
            image=np.ascontiguousarray(image),
            points=apply_affine(matrix, sample.points).astype(np.float32),
            box=apply_affine(matrix, box.reshape(2, 2)).reshape(4).astype(np.float32),
            box_kind=kind,
        )


def exact(rule: CropRule) -> CropRule:
    """The rule for the boxes of cut pictures: without rounding, which belongs to the px of the photo."""
    return rule.model_copy(update={"rounding": "none"})


def settled(rule: CropRule, box: ArrayLike, kind: BoxKind) -> tuple[FloatArray, BoxKind]:
    """A box (4,) and its kind whose window by the `exact` rule is that of `box` by the rule itself, also
    after both are moved and scaled alike. Windows that `integer` makes a px wider or less wide than their
    aspect become as wide as that.
    """
    edges = np.asarray(box, dtype=np.float64)
    if rule.rounding == "none":
        return edges, kind
    x1, y1, x2, y2 = rule.window(edges, kind).tolist()
    side = ((x2 - x1) / rule.aspect + y2 - y1) / 2 / rule.scale
    corner = np.array([x1 + x2, y1 + y2]) / 2 - np.array(rule.offset) * side - side / 2
    return np.concatenate([corner, corner + side]), rule.box_kind
