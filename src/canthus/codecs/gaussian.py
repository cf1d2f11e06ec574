"""Gaussian target maps: the real-valued blob, the rounded patch, and the published code's version of both."""

from __future__ import annotations

import torch
from torch import Tensor


def gaussian_maps(
    cells: Tensor,
    visible: Tensor,
    side: int,
    *,
    sigma: float,
    unbiased: bool,
    published: bool = False,
) -> tuple[Tensor, Tensor]:
    """Maps (B, K, side, side) with peak 1 and weights (B, K) for points at `cells` (B, K, 2).

    `visible` (B, K) is the weight that a point starts with; below 0.5 its map is empty. A point whose blob
    lies off the map has weight 0 and an empty map. Unbiased (Zhang et al. 2020): exp(-d²/2s²) of the real
    position, everywhere. Biased (Xiao et al. 2018): that of the nearest cell, zero where |dx| or |dy| > 3 s.

    `published` does what the code behind the published numbers does where that differs: the edges of the
    patch are cut towards zero, which moves blobs of a fractional 3 s near the left and upper border by one
    cell and makes the others lopsided, and a blob that only just misses the map keeps its weight.
    """
    if unbiased:
        columns, rows, off = _whole(cells, side, sigma, published)
    else:
        columns, rows, off = (
            published_patches(cells, side, sigma) if published else _patch(cells, side, sigma)
        )
    drawn = (visible >= 0.5) & ~off
    maps = (rows * drawn[..., None])[..., :, None] * columns[..., None, :]
    return maps, torch.where((visible >= 0.5) & off, torch.zeros_like(visible), visible)


def _whole(cells: Tensor, side: int, sigma: float, published: bool) -> tuple[Tensor, Tensor, Tensor]:
    reach = 3 * sigma
    low = cells + (reach + 1 if published else reach)
    off = ((cells - reach >= side if published else cells - reach > side - 1) | (low < 0)).any(-1)
    bell = torch.exp(-(_axis(cells, side) - cells[..., None]).square() / (2 * sigma**2))
    return bell[..., 0, :], bell[..., 1, :], off


def _patch(cells: Tensor, side: int, sigma: float) -> tuple[Tensor, Tensor, Tensor]:
    distance = _axis(cells, side) - torch.floor(cells + 0.5)[..., None]
    bell = torch.exp(-distance.square() / (2 * sigma**2)) * (distance.abs() <= 3 * sigma)
    return bell[..., 0, :], bell[..., 1, :], ~(bell > 0).any(-1).all(-1)


def published_patches(cells: Tensor, side: int, sigma: float) -> tuple[Tensor, Tensor, Tensor]:
    """Columns and rows (B, K, side) whose product is the biased map of the published code, and which points
    (B, K) have their whole patch off the map."""
    reach = 3 * sigma
    center = torch.trunc(cells + 0.5)
    low, high = torch.trunc(center - reach), torch.trunc(center + reach + 1)  # (B, K, 2); high is exclusive
    off = ((low >= side) | (high < 0)).any(-1)
    at, middle = _axis(cells, side), (2 * reach + 1) // 2
    place = at - low[..., None]  # column or row of the patch
    bell = torch.exp(-(place - middle).square() / (2 * sigma**2))
    bell = bell * ((place >= 0) & (place < 2 * reach + 1) & (at < high[..., None]))
    return bell[..., 0, :], bell[..., 1, :], off


def _axis(cells: Tensor, side: int) -> Tensor:
    return torch.arange(side, device=cells.device, dtype=cells.dtype)
