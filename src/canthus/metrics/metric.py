"""What a metric is, and the predictions beside their labels that it reads."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from canthus.geometry import FloatArray
from canthus.schemes import Scheme


@dataclass(frozen=True)
class Comparison:
    """N faces as predicted and as labelled, in image px.

    `points` (N, K, 2), a whole face NaN where it was not found; `target` (N, K, 2), NaN without a position.
    `boxes` (N, 4) xyxy of the annotation; `crop_side` (N,) px of the image that the network's crop covered.
    Labels `target_visibility` (N, K) and `target_presence` (N,) are 1, 0 or NaN (not stated). What the
    model does not predict is None: `visibility` (N, K) = P(visible), `presence` (N,), `covariance` (N, K,
    2, 2) px². `counted` (N, K): the points whose errors count, None for all; the others only serve the
    denominators.
    """

    points: FloatArray
    target: FloatArray
    boxes: FloatArray
    crop_side: FloatArray
    target_visibility: FloatArray
    target_presence: FloatArray
    visibility: FloatArray | None = None
    presence: FloatArray | None = None
    covariance: FloatArray | None = None
    counted: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return len(self.points)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """The points (N, K) that count and have a labelled position."""
        placed = np.asarray(~np.isnan(self.target).any(axis=-1))
        return placed if self.counted is None else placed & self.counted

    def select(self, rows: NDArray[np.bool_]) -> Comparison:
        """The faces where `rows` (N,) is true."""
        chosen = {item.name: getattr(self, item.name) for item in fields(self)}
        return replace(self, **{name: value[rows] for name, value in chosen.items() if value is not None})


class Metric(Protocol):
    """Numbers over faces that come in batches. Constructed `Cls(scheme)`; options are keyword-only."""

    def update(self, batch: Comparison) -> None:
        """Take in N faces."""

    def compute(self) -> dict[str, float]:
        """The numbers by name, over all faces so far; NaN where nothing could be measured."""


def point_errors(batch: Comparison) -> FloatArray:
    """Distances (N, K) px between predicted and labelled points; NaN where either has no position, and for
    points that do not count."""
    difference = np.asarray(batch.points, dtype=np.float64) - np.asarray(batch.target, dtype=np.float64)
    return np.where(batch.labelled, np.linalg.norm(difference, axis=-1), np.nan)


def denominators(batch: Comparison, scheme: Scheme, name: str) -> FloatArray:
    """The normaliser (N,) px of each face, from its label; NaN where it is zero or cannot be known."""
    size = 1.0 if name == "crop_side" else None
    out = scheme.normalizer(name, batch.target, box=batch.boxes, crop_size=size)
    out = out * batch.crop_side if name == "crop_side" else out
    return np.where(out > 0, out, np.nan)


def mean(values: FloatArray | NDArray[np.bool_]) -> float:
    """The mean, NaN of nothing."""
    return float(np.mean(values)) if len(values) else float("nan")
