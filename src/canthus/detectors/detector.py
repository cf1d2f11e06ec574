"""What a face detector is, and what all of them share: fitting a picture, thinning out boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.geometry import FloatArray, apply_affine, box_iou, invert_affine, resize_affine

#: Networks shrink a picture by up to this factor, so its sides have to be multiples of it.
STRIDE = 32
#: Longest side in px at which faces are searched unless asked otherwise.
WORKING_SIZE = 800
_CANDIDATES = 5000


@dataclass(frozen=True)
class Detections:
    """N faces, best first: `boxes` (N, 4) xyxy of the `face` kind in image px, `scores` (N,) in [0, 1],
    `five_points` (N, 5, 2) in the order of the scheme `five`, where the detector gives them."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    five_points: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.boxes)


class Detector(Protocol):
    """Finds the faces of an RGB uint8 picture (H, W, 3)."""

    def __call__(self, image: NDArray[np.uint8]) -> Detections: ...


@dataclass(frozen=True)
class Fitted:
    """A picture at its working size, and the way back: `matrix` (2, 3) maps image px to px of `image`."""

    image: NDArray[np.uint8]
    matrix: FloatArray

    def back(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        """Points (..., 2) of the fitted picture in px of the original."""
        return apply_affine(invert_affine(self.matrix), points).astype(np.float32)


def fit(image: NDArray[np.uint8], working_size: int) -> Fitted:
    """The picture (H, W, 3) shrunk to a longest side of `working_size` px, never enlarged, and padded with
    black at its right and bottom to multiples of `STRIDE`."""
    height, width = image.shape[:2]
    scale = min(1.0, working_size / max(height, width))
    new_height, new_width = max(1, round(height * scale)), max(1, round(width * scale))
    if scale < 1:
        image = np.asarray(
            cv2.resize(image, (new_width, new_height), interpolation=cv2.INTER_AREA), dtype=np.uint8
        )
    pad_height, pad_width = -new_height % STRIDE, -new_width % STRIDE
    padded = np.pad(image, ((0, pad_height), (0, pad_width), (0, 0)))
    return Fitted(padded, resize_affine(new_width / width, new_height / height))


def non_maximum_suppression(boxes: FloatArray, scores: FloatArray, iou: float) -> NDArray[np.intp]:
    """Indices of the boxes (N, 4) kept, best score (N,) first: none overlaps a better one by more than
    `iou`.
    """
    order = np.argsort(-scores, kind="stable")[:_CANDIDATES]
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        order = order[box_iou(boxes[best], boxes[order])[0] <= iou]
    return np.array(kept, dtype=np.intp)


def select(
    boxes: FloatArray, scores: FloatArray, five_points: FloatArray, threshold: float, iou: float
) -> Detections:
    """Of all anchors' boxes (N, 4), scores (N,) and points (N, 5, 2): those above the threshold, thinned
    out.
    """
    likely = np.flatnonzero(scores >= threshold)
    likely = likely[np.isfinite(boxes[likely]).all(axis=1)]
    kept = likely[non_maximum_suppression(boxes[likely], scores[likely], iou)]
    found = (boxes[kept], scores[kept], five_points[kept])
    return Detections(*(np.asarray(values, dtype=np.float32) for values in found))
