"""Coordinate attention (Hou, Zhou and Feng 2021): channels weighted row by row and column by column."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CoordinateAttention(nn.Module):
    """Maps times factors in [0, 1] of each row and of each column, told by the means of all rows and columns;
    (B, C, H, W) stays."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = max(8, width // 4)
        self.reduce = nn.Sequential(
            nn.Conv2d(width, hidden, 1), nn.BatchNorm2d(hidden), nn.ReLU(inplace=True)
        )
        self.rows, self.columns = (nn.Conv2d(hidden, width, 1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """One narrow layer sees rows and columns side by side, one layer each makes the factors."""
        means = torch.cat([x.mean(3, keepdim=True), x.mean(2, keepdim=True).mT], 2)  # (B, C, H + W, 1)
        rows, columns = self.reduce(means).split([x.shape[2], x.shape[3]], 2)
        out: Tensor = x * torch.sigmoid(self.columns(columns.mT)) * torch.sigmoid(self.rows(rows))
        return out
