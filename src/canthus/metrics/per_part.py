"""NME of each part of the face."""

from __future__ import annotations

import numpy as np

from canthus.geometry import FloatArray
from canthus.metrics.metric import Comparison, denominators, mean, point_errors
from canthus.schemes import Scheme


class PerPart:
    """`part/PART/NAME` in %: the mean over faces of the mean over the part's labelled points.

    The denominator is the whole face's. Faces without a labelled point of the part, not found or without a
    usable denominator are left out.
    """

    def __init__(self, scheme: Scheme, *, normalizer: str | None = None) -> None:
        self.scheme = scheme
        self.normalizer = normalizer or scheme.default_normalizer
        self._errors: dict[str, list[FloatArray]] = {part: [] for part in scheme.parts}

    def update(self, batch: Comparison) -> None:
        """Take in N faces."""
        shares = point_errors(batch) / denominators(batch, self.scheme, self.normalizer)[:, None]
        for name, part in self.scheme.parts.items():
            chosen = shares[:, list(part.indices)]
            chosen = chosen[~np.isnan(chosen).all(-1)]
            self._errors[name].append(np.nanmean(chosen, axis=-1) if len(chosen) else np.zeros(0))

    def compute(self) -> dict[str, float]:
        """`part/PART/NAME` in %."""
        parts = {name: np.concatenate([*errors, np.zeros(0)]) for name, errors in self._errors.items()}
        return {f"part/{name}/{self.normalizer}": 100 * mean(errors) for name, errors in parts.items()}
