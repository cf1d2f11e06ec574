"""Cumulative error distribution: the share of faces up to each error."""

from __future__ import annotations

from collections.abc import Sequence

from canthus.geometry import FloatArray
from canthus.metrics.threshold import ThresholdMetric
from canthus.schemes import Scheme

#: Errors at which the curve is written: 0 to 0.20 of the denominator in steps of 0.002.
GRID = tuple(round(0.002 * i, 3) for i in range(101))


class CED(ThresholdMetric):
    """`ced/NAME@T`, the share in [0, 1] of faces with an error of at most T; faces not found never count as
    reached."""

    title = "ced"

    def __init__(
        self, scheme: Scheme, *, normalizer: str | None = None, thresholds: Sequence[float] = GRID
    ) -> None:
        super().__init__(scheme, normalizer=normalizer, thresholds=thresholds)

    def values(self, errors: FloatArray, threshold: float) -> FloatArray:
        """1 for an error of at most T, else 0."""
        return (errors <= threshold).astype(float)
