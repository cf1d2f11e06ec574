"""Synthetic material for the detector's tests: drawn faces, no research data."""

from __future__ import annotations

import cv2
import numpy as np

from canthus.face_detection.labels import Labels, labels_from_landmarks
from canthus.face_detection.scenes import Scene, make_scene
from canthus.face_detection.sources import Pools, five_points


def drawn_face(seed: int, size: int = 160) -> Scene:
    """A picture (size, size, 3) with one disc whose 68 landmarks lie on and in it."""
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 80, (size, size, 3), dtype=np.uint8)
    center, radius = size / 2 + rng.uniform(-5, 5, 2), size * 0.25
    x, y = (int(value) for value in center)
    cv2.circle(image, (x, y), int(radius), (230, 190, 170), -1)
    cv2.circle(image, (x - 15, y - 10), 6, (20, 20, 20), -1)
    cv2.circle(image, (x + 15, y - 10), 6, (20, 20, 20), -1)
    angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    reach = radius * rng.uniform(0.3, 1.0, 68)
    landmarks = center + np.stack([np.cos(angle), np.sin(angle)], axis=-1) * reach[:, None]
    return make_scene(
        f"face{seed}", image, labels_from_landmarks(landmarks[None], five_points(landmarks)[None])
    )


def background(seed: int, size: int = 200) -> Scene:
    """Noise without faces."""
    image = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    return make_scene(f"ground{seed}", image, Labels.empty())


def drawn_pools() -> Pools:
    """A few of each."""
    faces = [drawn_face(seed) for seed in range(6)]
    return Pools(faces[:3], faces[3:], [background(seed) for seed in range(4)])
