"""Area under the cumulative error distribution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from canthus.geometry import FloatArray
from canthus.metrics.failure_rate import THRESHOLDS
from canthus.metrics.metric import Comparison, mean
from canthus.metrics.nme import image_errors
from canthus.schemes import Scheme


def area_under_ced(errors: FloatArray, threshold: float) -> float:
    """The area under the step function share(error <= x) for x in [0, threshold], divided by threshold.

    Exact: an error e adds a step of 1/N from e to the threshold, so the area is the mean of max(0, 1 - e /
    threshold). (Simpson's rule over a grid of 1e-4, which many papers' scripts use, differs from it by less
    than 0.001.)
    """
    return mean(np.clip(1 - errors / threshold, 0, None))


class AUC:
    """`auc/NAME@T` in [0, 1]; faces not found add nothing, faces that cannot be scored are left out."""

    def __init__(
        self, scheme: Scheme, *, normalizer: str | None = None, thresholds: Sequence[float] = THRESHOLDS
    ) -> None:
        self.scheme = scheme
        self.normalizer = normalizer or scheme.default_normalizer
        self.thresholds = tuple(thresholds)
        self._errors: list[FloatArray] = []

    def update(self, batch: Comparison) -> None:
        """Take in N faces."""
        errors = image_errors(batch, self.scheme, self.normalizer)
        self._errors.append(errors[~np.isnan(errors)])

    def compute(self) -> dict[str, float]:
        """`auc/NAME@T` in [0, 1]."""
        errors = np.concatenate([*self._errors, np.zeros(0)])
        return {f"auc/{self.normalizer}@{t:.2f}": area_under_ced(errors, t) for t in self.thresholds}
