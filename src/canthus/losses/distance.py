"""Euclidean distance of points: the numerator of the NME, smoothed near zero."""

from __future__ import annotations

from torch import Tensor

from canthus.losses.loss import FieldLoss


class Distance(FieldLoss):
    """sqrt(|p - g|^2 + s^2) - s for points (B, K, 2); `smooth` s is a share of the crop side."""

    def __init__(self, *, field: str = "points", smooth: float = 0.004) -> None:
        super().__init__(field)
        self.smooth = smooth

    def compare(self, value: Tensor, truth: Tensor) -> Tensor:
        """(B, K, 2), (B, K, 2) -> (B, K)."""
        square = (value - truth).square().sum(-1) + self.smooth**2
        return square.sqrt() - self.smooth
