"""Pictures held in memory for composition: a pyramid of sizes and the faces in them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.face_detection.labels import Labels
from canthus.geometry import FloatArray, compose_affine, resize_affine

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Scene:
    """One picture. `levels` are RGB uint8 (H, W, 3), each half as large as the one before; labels in px of
    the first.
    """

    name: str
    levels: tuple[Image, ...]
    labels: Labels

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the first level, px."""
        height, width = self.levels[0].shape[:2]
        return width, height

    def warp(self, matrix: FloatArray, width: int, height: int, out: Image | None = None) -> Image:
        """The picture moved by `matrix` (2, 3) into (height, width, 3); with `out`, only its own pixels are
        drawn.

        The level is chosen so that the warp never shrinks by more than two: no aliasing, little work.
        """
        scale = float(np.sqrt(abs(np.linalg.det(np.asarray(matrix)[:, :2]))))
        level = int(np.clip(np.floor(-np.log2(max(scale, 1e-6))), 0, len(self.levels) - 1))
        image = self.levels[level]
        full_w, full_h = self.size
        to_full = resize_affine(full_w / image.shape[1], full_h / image.shape[0])
        move = compose_affine(matrix, to_full)
        if out is None:
            return np.asarray(
                cv2.warpAffine(image, move, (width, height), flags=cv2.INTER_LINEAR), dtype=np.uint8
            )
        cv2.warpAffine(
            image, move, (width, height), dst=out, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
        )
        return out


def make_scene(name: str, image: Image, labels: Labels) -> Scene:
    """A scene of `image` (H, W, 3) with its smaller levels, down to 24 px."""
    levels = [np.ascontiguousarray(image)]
    while min(levels[-1].shape[:2]) >= 48 and len(levels) < 6:
        height, width = levels[-1].shape[:2]
        half = cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(half, dtype=np.uint8))
    return Scene(name, tuple(levels), labels)
