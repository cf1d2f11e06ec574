"""Soft Wing loss (Lin et al. 2021, "Structure-coherent deep feature learning for robust face alignment")."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from canthus.losses.loss import FieldLoss


class SoftWing(FieldLoss):
    """|x| below t, w ln(1 + |x| / e) + B above, summed over x and y; B makes it continuous.

    `threshold` t, `width` w and `curvature` e are shares of the crop side. Small errors count as they are,
    large ones ever less.
    """

    def __init__(
        self,
        *,
        field: str = "points",
        threshold: float = 0.008,
        width: float = 0.08,
        curvature: float = 0.002,
    ) -> None:
        super().__init__(field)
        self.threshold, self.width, self.curvature = threshold, width, curvature

    def compare(self, value: Tensor, truth: Tensor) -> Tensor:
        """(B, K, 2), (B, K, 2) -> (B, K)."""
        x = (value - truth).abs()
        offset = self.threshold - self.width * math.log1p(self.threshold / self.curvature)
        far = self.width * torch.log1p(x / self.curvature) + offset
        return torch.where(x < self.threshold, x, far).sum(-1)
