"""What failure rate, AUC and CED share: a value of each face's error at each threshold, averaged."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from numpy import isnan

from canthus.geometry import FloatArray
from canthus.metrics.metric import Comparison
from canthus.metrics.nme import image_errors
from canthus.metrics.ratio import RatioMetric, Terms, mean_of
from canthus.schemes import Scheme

#: Thresholds of published failure rates and areas, as shares of the denominator.
THRESHOLDS = (0.08, 0.10)


class ThresholdMetric(RatioMetric):
    """`TITLE/NAME@T` for a denominator NAME (default: the scheme's own) and every threshold T.

    Faces not found have an infinite error; faces that cannot be scored are left out.
    """

    title: ClassVar[str]

    def __init__(
        self, scheme: Scheme, *, normalizer: str | None = None, thresholds: Sequence[float] = THRESHOLDS
    ) -> None:
        super().__init__()
        self.scheme = scheme
        self.normalizer = normalizer or scheme.default_normalizer
        self.thresholds = tuple(thresholds)

    @abstractmethod
    def values(self, errors: FloatArray, threshold: float) -> FloatArray:
        """What each face (N,) adds to the mean, from its error as a share of the denominator."""

    def terms(self, batch: Comparison) -> Terms:
        """The mean over the faces that can be scored."""
        errors = image_errors(batch, self.scheme, self.normalizer)
        known = ~isnan(errors)
        return {
            f"{self.title}/{self.normalizer}@{written(t)}": mean_of(self.values(errors, t), known)
            for t in self.thresholds
        }


def written(threshold: float) -> str:
    """A threshold as names have it: two decimals, more where it has more."""
    short = f"{threshold:.2f}"
    return short if float(short) == threshold else f"{threshold:g}"
