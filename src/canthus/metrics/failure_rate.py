"""Share of faces whose error exceeds a threshold."""

from __future__ import annotations

import numpy as np

from canthus.geometry import FloatArray
from canthus.metrics.threshold import ThresholdMetric


class FailureRate(ThresholdMetric):
    """`failure_rate/NAME@T` in %: faces with an error above T or not found."""

    title = "failure_rate"

    def values(self, errors: FloatArray, threshold: float) -> FloatArray:
        """100 for a failure, else 0; an error on the threshold is none."""
        return np.where(errors > threshold, 100.0, 0.0)
