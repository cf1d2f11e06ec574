"""Training pictures composed from scenes: one base, then layers of further pictures and cut-out faces.

A layer is a soft-edged ellipse around a face, or a whole photo as a rectangle. The same shapes are also
filled with pictures without a face, so that neither edges nor seams tell a face from the background.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from canthus.face_detection.labels import Labels, join
from canthus.face_detection.layers import Placement, covered, ellipse_alpha, place, with_shape
from canthus.face_detection.photometric import photometric
from canthus.face_detection.recipe import CompositionOptions
from canthus.face_detection.scenes import Image, Scene
from canthus.face_detection.sources import Pools


@dataclass(frozen=True)
class Composer:
    """Makes pictures of `size` px and their labels from the pools."""

    pools: Pools
    options: CompositionOptions
    size: int

    def __call__(self, rng: Generator) -> tuple[Image, Labels]:
        """One picture RGB uint8 (size, size, 3) and the faces in it."""
        canvas, labels = self._base(rng)
        empty = len(labels) == 0 and rng.random() < self.options.empty
        for _ in range(int(rng.integers(0, self.options.max_layers + 1))):
            layer = self._layer(rng, faceless=empty or rng.random() < self.options.distractors)
            if layer is not None and not covered(labels, layer.extent(self.size), self.options.max_covered):
                labels = join([labels, self._draw(canvas, layer, rng)])
        inside = labels.within(
            self.size, self.size, min_size=self.options.min_size, min_visible=self.options.min_visible
        )
        return photometric(canvas, rng), inside

    def _base(self, rng: Generator) -> tuple[Image, Labels]:
        canvas = np.zeros((self.size, self.size, 3), np.uint8)
        canvas[:] = rng.integers(0, 256, 3) if rng.random() < 0.5 else 0
        negative = _choice(self.pools.negatives, rng)
        if rng.random() < self.options.base_negative:
            self._fill(negative, canvas, rng)
            if rng.random() < self.options.blended:
                other = canvas.copy()
                self._fill(_choice(self.pools.negatives, rng), other, rng)
                share = rng.uniform(0.3, 0.7)
                canvas[:] = cv2.addWeighted(canvas, share, other, 1 - share, 0)
            return canvas, Labels.empty()
        if rng.random() < 0.8:
            self._fill(negative, canvas, rng)
        photo = _choice(self.pools.photos, rng)
        least = self.size / 4 if rng.random() < self.options.large else self.options.min_size * 1.2
        size = _log_uniform(least, self.size * 0.95, rng)
        placement = self._at_face(photo, size, rng, margin=0.35)
        photo.warp(placement.matrix, self.size, self.size, canvas)
        return canvas, photo.labels.moved(placement.matrix)

    def _fill(self, scene: Scene, canvas: Image, rng: Generator) -> None:
        """Draw a scene without faces over most or all of the canvas; often turned, mirrored, recoloured.

        There are few pictures without faces: what need not look natural is varied more than faces may be.
        """
        turns = int(rng.integers(4)) if rng.random() < 0.5 else 0
        linear = np.linalg.matrix_power(np.array([[0.0, -1.0], [1.0, 0.0]]), turns)
        linear = linear @ np.diag([1.0 if rng.random() < 0.5 else -1.0, 1.0])
        extent = np.abs(linear @ np.array(scene.size, dtype=float))
        scale = self.size / extent.min() * np.exp(rng.uniform(np.log(0.7), np.log(3.0)))
        target = scale * extent / 2 + (self.size - scale * extent) * rng.random(2)
        source = np.array(scene.size) / 2
        matrix = np.concatenate([scale * linear, (target - scale * linear @ source)[:, None]], axis=1)
        scene.warp(matrix, self.size, self.size, canvas)
        if rng.random() < 0.25:
            canvas[:] = canvas[..., rng.permutation(3)]

    def _at_face(self, scene: Scene, size: float, rng: Generator, *, margin: float) -> Placement:
        """A random similarity that shows one of the scene's faces `size` px large, its centre inside the
        canvas.
        """
        known = np.flatnonzero(~scene.labels.ignore)
        chosen = int(rng.choice(known))
        box = scene.labels.boxes[chosen]
        low = min(margin * size, self.size / 2)
        target = rng.uniform(low, self.size - low, 2)
        scale = size / max(float(scene.labels.sizes()[chosen]), 1.0)
        angle = float(np.clip(rng.normal(0, self.options.rotation), -30, 30)) if rng.random() < 0.6 else 0.0
        mirror = bool(rng.random() < 0.5)
        return place(scene, (box[:2] + box[2:]) / 2, target, scale, angle=angle, mirror=mirror, size=size)

    def _layer(self, rng: Generator, *, faceless: bool) -> Placement | None:
        size = _log_uniform(self.options.min_size, self.size * self.options.max_layer, rng)
        if faceless:
            return self._faceless(size, rng)
        picture = bool(rng.random() < self.options.face_pictures)
        scene = _choice(self.pools.faces if picture else self.pools.photos, rng)
        if not (~scene.labels.ignore).any():
            return None
        rectangle = not picture and bool(rng.random() < self.options.rectangles)
        return with_shape(self._at_face(scene, size, rng, margin=0.4), rng, rectangle=rectangle)

    def _faceless(self, size: float, rng: Generator) -> Placement | None:
        """A layer of a hard place, a negative, or a photo away from its faces; None where none was met."""
        turn = rng.uniform(-180, 180) if rng.random() < 0.4 else rng.normal(0, self.options.rotation)
        target = rng.uniform(0, self.size, 2)
        hard = len(self.pools.hard) > 0 and rng.random() < self.options.hard_places
        for _ in range(4):
            if hard:
                spot = self.pools.hard[int(rng.integers(len(self.pools.hard)))]
                scene, box = spot.scene, spot.box
                source = (box[:2] + box[2:]) / 2
                scale = size / float(np.sqrt(np.prod(box[2:] - box[:2]))) * np.exp(rng.uniform(-0.3, 0.3))
            else:
                photo = rng.random() < self.options.photo_distractors
                scene = _choice(self.pools.photos if photo else self.pools.negatives, rng)
                source = np.array(scene.size) * rng.random(2)
                scale = size / (min(scene.size) * np.exp(rng.uniform(-1.5, 0)))
            mirror = bool(rng.random() < 0.5)
            layer = place(scene, source, target, float(scale), angle=float(turn), mirror=mirror, size=size)
            layer = with_shape(layer, rng, rectangle=bool(rng.random() < self.options.rectangles))
            if len(layer.labels(layer.extent(self.size))) == 0:
                return layer
        return None

    def _draw(self, canvas: Image, layer: Placement, rng: Generator) -> Labels:
        """Blend a layer into the canvas; returns its faces."""
        x1, y1, x2, y2 = layer.extent(self.size)
        if x2 - x1 < 4 or y2 - y1 < 4:
            return Labels.empty()
        region = canvas[y1:y2, x1:x2].astype(np.float32)
        patch, inside = layer.pixels(x1, y1, x2 - x1, y2 - y1)
        alpha = inside if layer.rectangle else inside * ellipse_alpha(layer, (x1, y1, x2, y2), rng)
        if rng.random() < 0.5:  # take on the tone of the surroundings, more or less
            shift = region.mean((0, 1)) - patch.mean((0, 1))
            patch = patch + rng.uniform(0, 0.6) * shift
        mixed = region + alpha[..., None] * (patch - region)
        canvas[y1:y2, x1:x2] = np.clip(mixed, 0, 255).astype(np.uint8)
        return layer.labels((x1, y1, x2, y2))


def _choice(scenes: list[Scene], rng: Generator) -> Scene:
    return scenes[int(rng.integers(len(scenes)))]


def _log_uniform(low: float, high: float, rng: Generator) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def pad_labels(batch: list[Labels], most: int) -> dict[str, NDArray[Any]]:
    """Labels of B pictures as arrays with equal rows, at most `most`, largest first: boxes, five, is_face,
    ignore.
    """
    count = max(1, min(most, max(len(labels) for labels in batch)))
    out = {
        "boxes": np.zeros((len(batch), count, 4), np.float32),
        "five": np.full((len(batch), count, 5, 2), np.nan, np.float32),
        "is_face": np.zeros((len(batch), count), bool),
        "ignore": np.zeros((len(batch), count), bool),
    }
    for row, labels in enumerate(batch):
        kept = labels.select(np.argsort(-labels.sizes(), kind="stable")[:count])
        n = len(kept)
        out["boxes"][row, :n], out["five"][row, :n] = kept.boxes, kept.five
        out["is_face"][row, :n], out["ignore"][row, :n] = ~kept.ignore, kept.ignore
    return out
