"""Predictions beside labels, for the tests of metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from canthus.metrics import Comparison


def comparison(points: Any, target: Any, **fields: Any) -> Comparison:
    """A comparison of `points` (N, K, 2) with `target` (N, K, 2) whose other fields have plain defaults."""
    points, target = np.asarray(points, dtype=np.float64), np.asarray(target, dtype=np.float64)
    count, k = points.shape[:2]
    defaults = {
        "boxes": np.tile([0.0, 0.0, 30.0, 40.0], (count, 1)),
        "crop_side": np.full(count, 50.0),
        "target_visibility": np.full((count, k), np.nan),
        "target_presence": np.ones(count),
    }
    return Comparison(points=points, target=target, **{**defaults, **fields})


def random_faces(count: int, k: int = 68, seed: int = 0, noise: float = 2.0) -> Comparison:
    """Faces with noise, points without a label, a face not found, and hidden points."""
    random = np.random.default_rng(seed)
    target = random.uniform(0, 100, (count, k, 2))
    points = target + random.normal(0, noise, target.shape)
    target[random.random((count, k)) < 0.1] = np.nan
    points[0] = np.nan
    covariance = np.tile(np.eye(2) * noise**2, (count, k, 1, 1))
    return comparison(
        points,
        target,
        crop_side=random.uniform(50, 80, count),
        visibility=random.random((count, k)),
        target_visibility=random.integers(0, 2, (count, k)).astype(float),
        presence=random.random(count),
        target_presence=random.integers(0, 2, count).astype(float),
        covariance=covariance,
    )
