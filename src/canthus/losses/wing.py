"""Wing loss (Feng et al. 2018, eq. 5)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from canthus.losses.loss import FieldLoss


class Wing(FieldLoss):
    """w ln(1 + |x| / e) below w, |x| - C above, summed over x and y; `width` w and `curvature` e are shares
    of the crop side."""

    def __init__(self, *, field: str = "points", width: float = 0.04, curvature: float = 0.008) -> None:
        super().__init__(field)
        self.width, self.curvature = width, curvature

    def compare(self, value: Tensor, truth: Tensor) -> Tensor:
        """(B, K, 2), (B, K, 2) -> (B, K)."""
        x = (value - truth).abs()
        near = self.width * torch.log1p(x / self.curvature)
        far = x - (self.width - self.width * math.log1p(self.width / self.curvature))
        return torch.where(x < self.width, near, far).sum(-1)
