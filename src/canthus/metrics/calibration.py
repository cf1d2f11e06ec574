"""Whether the predicted covariances are as wide as the errors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from canthus.geometry import FloatArray
from canthus.metrics.metric import Comparison, mean
from canthus.schemes import Scheme


def mahalanobis_squared(difference: FloatArray, covariance: FloatArray) -> FloatArray:
    """d^T S^-1 d (...,) for differences d (..., 2) and covariances S (..., 2, 2); NaN where S <= 0."""
    a, b, d = covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 1, 1]
    determinant = a * d - b * b
    x, y = difference[..., 0], difference[..., 1]
    positive = (determinant > 0) & (a > 0)
    numerator = d * x * x - 2 * b * x * y + a * y * y
    return np.where(positive, numerator / np.where(positive, determinant, 1.0), np.nan)


class Calibration:
    """`calibration/inside_P` in %: labelled points inside the ellipse that should hold P % of them.

    By chi-square with 2 degrees of freedom, that ellipse is where the squared Mahalanobis distance is at most
    -2 ln(1 - P / 100). `calibration/left_out` counts labelled points whose covariance is not positive.
    """

    def __init__(self, scheme: Scheme, *, shares: Sequence[float] = (0.5, 0.9)) -> None:
        self.scheme = scheme
        self.shares = tuple(shares)
        self._distances: list[FloatArray] = []
        self._left_out = 0

    def update(self, batch: Comparison) -> None:
        """Take in N faces; those of a model without covariance change nothing."""
        if batch.covariance is None:
            return
        difference = np.asarray(batch.points, dtype=np.float64) - batch.target
        known = ~np.isnan(difference).any(-1) & batch.labelled
        covariance = np.asarray(batch.covariance, dtype=np.float64)[known]
        distances = mahalanobis_squared(difference[known], covariance)
        self._left_out += int(np.isnan(distances).sum())
        self._distances.append(distances[~np.isnan(distances)])

    def compute(self) -> dict[str, float]:
        """`calibration/inside_P` in % and `calibration/left_out` in points; empty without any covariance."""
        if not self._distances:
            return {}
        distances = np.concatenate(self._distances)
        out = {
            f"calibration/inside_{100 * p:g}": 100 * mean(distances <= -2 * np.log(1 - p))
            for p in self.shares
        }
        return {**out, "calibration/left_out": float(self._left_out)}
