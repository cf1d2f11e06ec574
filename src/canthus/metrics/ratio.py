"""Numbers that are a sum over faces divided by another: what most metrics are, and what can be resampled."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from canthus.geometry import FloatArray
from canthus.metrics.metric import Comparison

#: Name -> what each face adds above and below the line, (N,) and (N,).
Terms = Mapping[str, tuple[FloatArray, FloatArray]]


class RatioMetric(ABC):
    """A metric whose every number is the quotient of two sums over faces: a mean over some of them."""

    def __init__(self) -> None:
        self._sums: dict[str, tuple[float, float]] = {}

    @abstractmethod
    def terms(self, batch: Comparison) -> Terms:
        """What each of N faces adds to the numbers; all names, whatever the batch."""

    def update(self, batch: Comparison) -> None:
        """Take in N faces."""
        for name, (above, below) in self.terms(batch).items():
            before = self._sums.get(name, (0.0, 0.0))
            self._sums[name] = (before[0] + float(np.sum(above)), before[1] + float(np.sum(below)))

    def compute(self) -> dict[str, float]:
        """The numbers by name, over all faces so far; NaN where nothing could be measured."""
        return {name: above / below if below else float("nan") for name, (above, below) in self._sums.items()}


def mean_of(values: FloatArray, counts: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """The terms of the mean of values (N,) where `counts` (N,) is true."""
    return np.where(counts, values, 0.0), counts.astype(np.float64)


def bootstrap(
    terms: Terms, groups: Sequence[str], *, resamples: int = 1000, seed: int = 0, level: float = 0.95
) -> dict[str, tuple[float, float]]:
    """Percentile intervals of quotients, faces of a group drawn together (Efron 1979).

    `groups` (N,) names the picture of each face: pictures are drawn with replacement, as many as there are.
    Names whose quotient is undefined, and all of them with fewer than two groups, have no interval.
    """
    rows, inverse = np.unique(np.asarray(groups), return_inverse=True)
    count = len(rows)
    if count < 2 or not terms:
        return {}
    random = np.random.default_rng(seed)
    drawn = random.multinomial(count, np.full(count, 1 / count), size=resamples).astype(np.float64)
    above, below = (
        np.stack([np.bincount(inverse, pair[side], count) for pair in terms.values()], axis=1)
        for side in (0, 1)
    )
    tail = (1 - level) / 2
    out = {}
    for name, top, bottom in zip(terms, (drawn @ above).T, (drawn @ below).T, strict=True):
        quotients = top[bottom > 0] / bottom[bottom > 0]
        if len(quotients):
            low, high = np.quantile(quotients, (tail, 1 - tail))
            out[name] = (float(low), float(high))
    return out
