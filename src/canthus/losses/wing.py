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
        return wing(value - truth, self.width, self.curvature).sum(-1)


def wing(errors: Tensor, width: float, curvature: float) -> Tensor:
    """Of each error, in the unit of `width` and `curvature`; any shape, which stays."""
    x = errors.abs()
    far = x - (width - width * math.log1p(width / curvature))
    return torch.where(x < width, width * torch.log1p(x / curvature), far)
