"""NME of each part of the face."""

from __future__ import annotations

import numpy as np

from canthus.metrics.metric import Comparison, denominators, point_errors
from canthus.metrics.ratio import RatioMetric, Terms, mean_of
from canthus.schemes import Scheme


class PerPart(RatioMetric):
    """`part/PART/NAME` in %: the mean over faces of the mean over the part's labelled points.

    The denominator is the whole face's. Faces without a labelled point of the part, not found or without a
    usable denominator are left out.
    """

    def __init__(self, scheme: Scheme, *, normalizer: str | None = None) -> None:
        super().__init__()
        self.scheme = scheme
        self.normalizer = normalizer or scheme.default_normalizer

    def terms(self, batch: Comparison) -> Terms:
        """The mean of each part over the faces that show something of it."""
        shares = point_errors(batch) / denominators(batch, self.scheme, self.normalizer)[:, None]
        out = {}
        for name, part in self.scheme.parts.items():
            chosen = shares[:, list(part.indices)]
            known = ~np.isnan(chosen)
            total = 100 * np.where(known, chosen, 0.0).sum(-1) / np.maximum(known.sum(-1), 1)
            out[f"part/{name}/{self.normalizer}"] = mean_of(total, np.asarray(known.any(-1)))
        return out
