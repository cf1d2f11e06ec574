"""Recall at a bounded number of false positives: the figure by which detectors are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.detectors import Detections
from canthus.geometry import FloatArray, box_iou

#: A face counts as found when a detection overlaps it by this IoU.
IOU = 0.5


@dataclass(frozen=True)
class Picture:
    """What a detector found in one picture, and the true `face` boxes (N, 4) of `width` x `height` px."""

    found: Detections
    truth: FloatArray
    width: int
    height: int


def clipped(boxes: FloatArray, width: int, height: int) -> FloatArray:
    """Boxes (N, 4) cut at the picture's border: what shows of them."""
    limit = np.array([width, height, width, height]) - 1.0
    return np.asarray(np.clip(np.asarray(boxes, float).reshape(-1, 4), 0, limit))


def face_scores(picture: Picture) -> NDArray[np.float64]:
    """For each true face (N,) the best score of a detection that overlaps it by `IOU`; 0 where there is none.

    Both boxes are cut at the picture's border first.
    """
    truth = clipped(picture.truth, picture.width, picture.height)
    found = clipped(picture.found.boxes, picture.width, picture.height)
    if len(found) == 0:
        return np.zeros(len(truth))
    return np.asarray(
        np.where(box_iou(truth, found) >= IOU, picture.found.scores[None], 0.0).max(1), dtype=float
    )


def operating_threshold(negatives: Sequence[Detections], allowed: int) -> float:
    """The lowest score above which at most `allowed` detections remain on pictures without faces."""
    scores = np.sort(np.concatenate([np.asarray(found.scores, float) for found in negatives]))[::-1]
    return float(scores[allowed]) if len(scores) > allowed else 0.0


def recall(pictures: Sequence[Picture], threshold: float) -> float:
    """Share of the true faces found with a score above `threshold`, per cent."""
    scores = np.concatenate([face_scores(picture) for picture in pictures])
    return float((scores > threshold).mean() * 100)
