"""The constant difference between the boxes of two conventions, measured and applied.

Another detector's box may be systematically taller or narrower than the `face` box. The difference is
described by four shares: the shift of each edge divided by the box's own width (x) or height (y).
"""

from __future__ import annotations

import numpy as np

from canthus.geometry import FloatArray, box_iou


def _edges(boxes: FloatArray) -> FloatArray:
    size = boxes[:, 2:] - boxes[:, :2]  # (N, 2)
    return np.concatenate([size, size], axis=1)


def measure_adjustment(boxes: FloatArray, truth: FloatArray) -> FloatArray:
    """The median edge shifts (4,) that take `boxes` (N, 4) to `truth` (N, 4), row by row, as shares of the
    box.
    """
    boxes, truth = np.asarray(boxes, float), np.asarray(truth, float)
    if len(boxes) == 0 or boxes.shape != truth.shape:
        raise ValueError(f"need as many boxes as truths, at least one; found {boxes.shape} and {truth.shape}")
    return np.asarray(np.median((truth - boxes) / _edges(boxes), axis=0))


def apply_adjustment(boxes: FloatArray, shares: FloatArray) -> FloatArray:
    """Boxes (N, 4) with every edge moved by `shares` (4,) of the box's width or height."""
    boxes = np.asarray(boxes, float).reshape(-1, 4)
    return np.asarray(boxes + np.asarray(shares, float) * _edges(boxes))


def best_matches(boxes: FloatArray, truth: FloatArray, min_iou: float) -> tuple[FloatArray, FloatArray]:
    """For every truth (N, 4) the box of highest IoU, where it is at least `min_iou`: two aligned (M, 4)."""
    if len(boxes) == 0 or len(truth) == 0:
        return np.zeros((0, 4)), np.zeros((0, 4))
    iou = box_iou(truth, boxes)
    found = iou.max(1) >= min_iou
    return np.asarray(boxes)[iou.argmax(1)][found], np.asarray(truth)[found]
