"""How well a predicted probability separates two classes."""

from __future__ import annotations

import numpy as np

from canthus.geometry import FloatArray
from canthus.metrics.metric import Comparison
from canthus.schemes import Scheme


def ranking_auc(scores: FloatArray, labels: FloatArray) -> float:
    """P(a random positive scores higher than a random negative), ties count half; NaN when a class is empty.

    `scores` (N,), `labels` (N,) in {0, 1}. The Mann-Whitney U statistic, by ranks.
    """
    positive = np.asarray(labels) == 1
    count, others = int(positive.sum()), int((~positive).sum())
    if not count or not others:
        return float("nan")
    _, inverse, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    last = np.cumsum(sizes)
    ranks = (last - (sizes - 1) / 2)[inverse]  # 1-based, the mean rank among equals
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * others))


class VisibilityAUC:
    """`visibility_auc` in [0, 1]: P(visible) of points labelled visible against those labelled hidden."""

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        self._scores: list[FloatArray] = []
        self._labels: list[FloatArray] = []

    def update(self, batch: Comparison) -> None:
        """Take in N faces; those of a model without visibility, and points not stated, change nothing."""
        if batch.visibility is None:
            return
        known = ~np.isnan(batch.target_visibility) & ~np.isnan(batch.visibility)
        self._scores.append(batch.visibility[known])
        self._labels.append(batch.target_visibility[known])

    def compute(self) -> dict[str, float]:
        """`visibility_auc`, where a label of either class was seen; else empty."""
        return _result("visibility_auc", self._scores, self._labels)


class PresenceAUC:
    """`presence_auc` in [0, 1]: the presence of crops with a face against that of crops without."""

    def __init__(self, scheme: Scheme) -> None:
        self.scheme = scheme
        self._scores: list[FloatArray] = []
        self._labels: list[FloatArray] = []

    def update(self, batch: Comparison) -> None:
        """Take in N crops; those of a model without presence change nothing."""
        if batch.presence is None:
            return
        known = ~np.isnan(batch.target_presence) & ~np.isnan(batch.presence)
        self._scores.append(batch.presence[known])
        self._labels.append(batch.target_presence[known])

    def compute(self) -> dict[str, float]:
        """`presence_auc`, where crops of either class were seen; else empty."""
        return _result("presence_auc", self._scores, self._labels)


def _result(name: str, scores: list[FloatArray], labels: list[FloatArray]) -> dict[str, float]:
    value = ranking_auc(np.concatenate([*scores, np.zeros(0)]), np.concatenate([*labels, np.zeros(0)]))
    return {} if np.isnan(value) else {name: value}
