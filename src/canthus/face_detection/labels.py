"""Faces of one picture: boxes, five points, and which of them are only to be ignored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus.geometry import FloatArray, apply_affine, convert_boxes, landmark_boxes
from canthus.schemes.five import FIVE


@dataclass(frozen=True)
class Labels:
    """N faces in px of one picture.

    `boxes` (N, 4) xyxy of the `face` kind, `five` (N, 5, 2) with NaN where unknown, `landmarks` (N, 68, 2)
    with NaN where unknown, `ignore` (N,): True for a face that is neither taught nor counted as background.
    """

    boxes: FloatArray
    five: FloatArray
    landmarks: FloatArray
    ignore: NDArray[np.bool_]

    @classmethod
    def empty(cls) -> Labels:
        """No faces."""
        return cls(np.zeros((0, 4)), np.zeros((0, 5, 2)), np.zeros((0, 68, 2)), np.zeros(0, dtype=bool))

    def __len__(self) -> int:
        return len(self.boxes)

    def select(self, rows: NDArray[Any] | Sequence[int]) -> Labels:
        """The chosen faces."""
        index = np.asarray(rows, dtype=bool if np.asarray(rows).dtype == bool else int)
        return Labels(self.boxes[index], self.five[index], self.landmarks[index], self.ignore[index])

    def sizes(self) -> FloatArray:
        """Face sizes (N,), the square root of the box area, px."""
        edges = np.clip(self.boxes[:, 2:] - self.boxes[:, :2], 0, None)
        return np.asarray(np.sqrt(edges[:, 0] * edges[:, 1]))

    def moved(self, matrix: FloatArray) -> Labels:
        """The faces after a similarity `matrix` (2, 3), which may mirror.

        Where the landmarks are known, the new box is made from the moved landmarks; a box without landmarks
        keeps its proportions around its moved centre.
        """
        linear = np.asarray(matrix)[:, :2]
        determinant = float(np.linalg.det(linear))
        landmarks = apply_affine(matrix, self.landmarks)
        five = apply_affine(matrix, self.five)
        if determinant < 0:
            five = five[:, list(FIVE.flip)]
        center = apply_affine(matrix, (self.boxes[:, :2] + self.boxes[:, 2:]) / 2)
        half = (self.boxes[:, 2:] - self.boxes[:, :2]) / 2 * np.sqrt(abs(determinant))
        plain = np.concatenate([center - half, center + half], axis=1)
        tight = convert_boxes(landmark_boxes(landmarks), "landmarks", "face") if len(self) else plain
        boxes = np.where(np.isnan(tight), plain, tight)
        return Labels(boxes, five, landmarks, self.ignore)

    def within(self, width: float, height: float, *, min_size: float, min_visible: float) -> Labels:
        """The faces that show in a picture of `width` x `height` px.

        A face smaller than `min_size` px, or with less than `min_visible` of its box inside, is to be
        ignored; one with less than a twentieth inside is left out.
        """
        low = np.maximum(self.boxes[:, :2], 0)
        high = np.minimum(self.boxes[:, 2:], np.array([width - 1, height - 1]))
        edges = np.clip(high - low, 0, None)
        visible = edges[:, 0] * edges[:, 1] / np.maximum(self.sizes() ** 2, 1e-9)
        ignore = self.ignore | (self.sizes() < min_size) | (visible < min_visible)
        return Labels(self.boxes, self.five, self.landmarks, ignore).select(visible >= 0.05)


def join(parts: Sequence[Labels]) -> Labels:
    """All faces of `parts` in one."""
    if not parts:
        return Labels.empty()
    return Labels(
        np.concatenate([p.boxes for p in parts]),
        np.concatenate([p.five for p in parts]),
        np.concatenate([p.landmarks for p in parts]),
        np.concatenate([p.ignore for p in parts]),
    )


def labels_from_landmarks(landmarks: FloatArray, five: FloatArray) -> Labels:
    """Labels of faces whose landmarks (N, 68, 2) and five points (N, 5, 2) are known."""
    boxes = convert_boxes(landmark_boxes(landmarks), "landmarks", "face")
    return Labels(
        boxes, np.asarray(five, float), np.asarray(landmarks, float), np.zeros(len(boxes), dtype=bool)
    )
