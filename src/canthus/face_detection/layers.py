"""One layer of a composed picture: where a scene is drawn and through which mask."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from canthus.face_detection.labels import Labels
from canthus.face_detection.scenes import Scene
from canthus.geometry import FloatArray, apply_affine

Region = tuple[int, int, int, int]


@dataclass(frozen=True)
class Placement:
    """A scene under `matrix` (2, 3), scene px to canvas px, shown around `center` (2,) canvas px.

    `radii` (2,) px are the half axes of the ellipse, or with `rectangle` the half sides of the window shown.
    """

    scene: Scene
    matrix: FloatArray
    center: FloatArray
    radii: FloatArray
    rectangle: bool = False

    def extent(self, size: int) -> Region:
        """The part (x1, y1, x2, y2) of a canvas of `size` px that is drawn on; may be empty."""
        low, high = self.center - self.radii, self.center + self.radii
        if self.rectangle:
            width, height = self.scene.size
            corners = apply_affine(
                self.matrix, np.array([[0, 0], [width, 0], [0, height], [width, height]], float)
            )
            low, high = np.maximum(low, corners.min(0)), np.minimum(high, corners.max(0))
        x1, y1 = np.clip(np.floor(low), 0, size).astype(int)
        x2, y2 = np.clip(np.ceil(high) + 1, 0, size).astype(int)
        return int(x1), int(y1), int(x2), int(y2)

    def pixels(
        self, left: int, top: int, width: int, height: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The scene in a window of the canvas: colours (height, width, 3) and 1 where the scene has pixels
        (height, width).
        """
        matrix = np.array(self.matrix, dtype=float)
        matrix[:, 2] -= (left, top)
        patch = self.scene.warp(matrix, width, height)
        full_w, full_h = self.scene.size
        corners = apply_affine(
            matrix, np.array([[0, 0], [full_w - 1, 0], [full_w - 1, full_h - 1], [0, full_h - 1]], float)
        )
        inside = np.zeros((height, width), np.float32)
        cv2.fillConvexPoly(inside, np.round(corners).astype(np.int32), 1.0)
        if not self.rectangle and min(width, height) > 16:
            inside = np.asarray(cv2.blur(inside, (5, 5)), dtype=np.float32) * inside
        return patch.astype(np.float32), inside

    def labels(self, region: Region) -> Labels:
        """The scene's faces as they show in `region`: those cut by it are to be ignored, those outside are
        left out.
        """
        moved = self.scene.labels.moved(self.matrix)
        if len(moved) == 0:
            return moved
        low, high = np.maximum(moved.boxes[:, :2], region[:2]), np.minimum(moved.boxes[:, 2:], region[2:])
        area = np.maximum(np.prod(moved.boxes[:, 2:] - moved.boxes[:, :2], axis=1), 1e-9)
        shown = np.prod(np.clip(high - low, 0, None), axis=1) / area
        middle = (moved.boxes[:, :2] + moved.boxes[:, 2:]) / 2
        distance = np.linalg.norm((middle - self.center) / np.maximum(self.radii, 1e-6), axis=1)
        whole = shown > 0.7 if self.rectangle else (distance < 0.35) & (shown > 0.7)
        at_border = (region[0] == 0) | (region[1] == 0)  # cut by the canvas, judged there by its own rule
        whole |= (distance < 0.35) & at_border
        ignore = moved.ignore | ~whole
        inside = np.concatenate([low, high], axis=1)
        boxes = np.where(ignore[:, None], inside, moved.boxes)  # nothing outside the layer is to be ignored
        return replace(moved, boxes=boxes, ignore=ignore).select(shown > 0.05)


def place(
    scene: Scene,
    source: FloatArray,
    target: FloatArray,
    scale: float,
    *,
    angle: float,
    mirror: bool,
    size: float,
) -> Placement:
    """A placement that takes the scene's point `source` (2,) to `target` (2,) with `scale` and rotation
    `angle` (degrees).

    It shows a circle of `size` px; `with_shape` gives it another window.
    """
    cosine, sine = scale * np.cos(np.radians(angle)), scale * np.sin(np.radians(angle))
    linear = np.array([[cosine, -sine], [sine, cosine]])
    if mirror:
        linear = linear @ np.diag([-1.0, 1.0])
    matrix = np.concatenate([linear, (target - linear @ source)[:, None]], axis=1)
    return Placement(scene, matrix, np.asarray(target, float), np.array([size, size]))


def with_shape(layer: Placement, rng: Generator, *, rectangle: bool) -> Placement:
    """The layer with a random window: an ellipse 0.75 to 1.3 times its size, or a rectangle up to four
    times.
    """
    size = float(layer.radii[0])
    if rectangle:
        return replace(layer, radii=size * rng.uniform(0.7, 4.0, 2), rectangle=True)
    lift = np.array([rng.normal(0, 0.05), rng.normal(-0.05, 0.05)]) * size
    return replace(
        layer,
        center=layer.center + lift,
        radii=size * rng.uniform(0.72, 1.3) * np.exp(rng.normal(0, 0.07, 2)),
    )


def ellipse_alpha(layer: Placement, region: Region, rng: Generator) -> NDArray[np.float32]:
    """Opacity (height, width) of the layer's ellipse in `region`: one inside, falling softly to zero at its
    edge.
    """
    x = (np.arange(region[0], region[2], dtype=np.float32) - layer.center[0]) / layer.radii[0]
    y = (np.arange(region[1], region[3], dtype=np.float32) - layer.center[1]) / layer.radii[1]
    distance = np.sqrt(x[None, :] ** 2 + y[:, None] ** 2)
    softness = rng.uniform(0.04, 0.35)
    return np.asarray(np.clip((1 - distance) / softness, 0, 1), dtype=np.float32)


def covered(labels: Labels, region: Region, limit: float) -> bool:
    """Whether `region` hides more than `limit` of any face that is taught."""
    boxes = labels.boxes[~labels.ignore]
    edges = np.minimum(boxes[:, 2:], region[2:]) - np.maximum(boxes[:, :2], region[:2])
    hidden = np.prod(np.clip(edges, 0, None), axis=1)
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return bool((hidden > limit * area).any())
