"""Area under the cumulative error distribution."""

from __future__ import annotations

import math

import numpy as np

from canthus.geometry import FloatArray
from canthus.metrics.threshold import ThresholdMetric

#: Distance of two points of the grid that published areas are integrated on.
STEP = 1e-4


def areas(errors: FloatArray, threshold: float) -> FloatArray:
    """What each error (N,) adds to the mean area under share(error <= x) for x in [0, T], divided by T.

    As published areas are computed: Simpson's rule over a grid of about 1e-4 with an even number of steps
    (`fr_and_auc.py` of STAR, Zhou et al. 2023, and others). The area of the step function itself, max(0, 1 -
    error / T), differs by less than 1e-4 / T.
    """
    steps = 2 * math.ceil(threshold / STEP / 2 - 1e-6)
    grid = np.arange(steps + 1) * (threshold / steps)
    weights = np.where(np.arange(steps + 1) % 2 == 1, 4.0, 2.0)
    weights[[0, -1]] = 1.0
    rest = np.append(np.cumsum(weights[::-1])[::-1], 0.0) / (3 * steps)  # of the grid from each point on
    return np.asarray(rest[np.searchsorted(grid, errors, side="left")])


class AUC(ThresholdMetric):
    """`auc/NAME@T` in [0, 1]; faces not found add nothing."""

    title = "auc"

    def values(self, errors: FloatArray, threshold: float) -> FloatArray:
        """The share (N,) of [0, T] that lies above each error."""
        return areas(errors, threshold)
