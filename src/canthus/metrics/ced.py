"""Cumulative error distribution: the share of faces up to each error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from canthus.geometry import FloatArray
from canthus.metrics.metric import Comparison, mean
from canthus.metrics.nme import image_errors
from canthus.schemes import Scheme

#: Errors at which the curve is written: 0 to 0.20 of the denominator in steps of 0.002.
GRID = tuple(round(0.002 * i, 3) for i in range(101))


class CED:
    """`ced/NAME@T`, the share in [0, 1] of faces with an error of at most T (a share of the denominator).

    Faces not found never count as reached; faces that cannot be scored are left out.
    """

    def __init__(
        self, scheme: Scheme, *, normalizer: str | None = None, thresholds: Sequence[float] = GRID
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
        """`ced/NAME@T` in [0, 1], T ascending."""
        errors = np.concatenate([*self._errors, np.zeros(0)])
        return {f"ced/{self.normalizer}@{t:g}": mean(errors <= t) for t in self.thresholds}
