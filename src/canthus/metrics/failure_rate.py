"""Share of faces whose error exceeds a threshold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from canthus.geometry import FloatArray
from canthus.metrics.metric import Comparison, mean
from canthus.metrics.nme import image_errors
from canthus.schemes import Scheme

THRESHOLDS = (0.08, 0.10)


class FailureRate:
    """`failure_rate/NAME@T` in %: faces with an error above T (a share of the denominator) or not found.

    Faces that cannot be scored are left out. `normalizer` defaults to the scheme's own.
    """

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
        """`failure_rate/NAME@T` in %."""
        errors = np.concatenate([*self._errors, np.zeros(0)])
        return {f"failure_rate/{self.normalizer}@{t:.2f}": 100 * mean(errors > t) for t in self.thresholds}
