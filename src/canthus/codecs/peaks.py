"""Reading maps at their peaks, for every map of a batch at once."""

from __future__ import annotations

import torch
from torch import Tensor


def find_peaks(maps: Tensor) -> tuple[Tensor, Tensor]:
    """The maximum (B, K) of maps (B, K, H, W) and its cell (B, K, 2) int64 as x, y; of equal cells the
    first in row-major order."""
    best, row = maps.amax(-1).max(-1)  # row maxima first: several times faster than one flat maximum
    index = row[..., None, None].expand(-1, -1, 1, maps.shape[-1])
    column = maps.gather(2, index)[:, :, 0].max(-1).indices
    return best, torch.stack([column, row], -1)


def read_cells(maps: Tensor, cells: Tensor) -> tuple[Tensor, Tensor]:
    """Values (B, K, M) of maps (B, K, H, W) at `cells` (B, K, M, 2) int64 x, y, and which lie on the map;
    the others hold the nearest cell's value."""
    height, width = maps.shape[-2:]
    x, y = cells[..., 0].clamp(0, width - 1), cells[..., 1].clamp(0, height - 1)
    inside = (x == cells[..., 0]) & (y == cells[..., 1])
    return maps.flatten(2).gather(-1, y * width + x), inside


def square(radius: int) -> Tensor:
    """Offsets ((2 radius + 1)², 2) int64 x, y of a square about a cell, row by row."""
    at = torch.arange(-radius, radius + 1)
    y, x = torch.meshgrid(at, at, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], -1)


def lead(values: Tensor) -> Tensor:
    """How far the largest of values (..., M) is above the second largest: (...)."""
    best = values.topk(2, dim=-1).values
    return best[..., 0] - best[..., 1]
