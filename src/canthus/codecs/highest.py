"""The highest cells of maps, without a search through every cell of every map."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from canthus.codecs.peaks import find_peaks

#: Maps searched at a time, so that they stay in the processor's cache.
FEW = 98


def highest_cells(maps: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Values (B, K, count) of the highest cells of square maps (B, K, S, S) and the cells (B, K, count, 2) as
    x, y, in no order; of equal cells the first in row-major order.

    The highest cells of a blob lie about its peak: they are those of a window there wherever no cell outside
    it reaches the lowest of them. The other maps are searched from coarse to fine.
    """
    if torch.compiler.is_exporting():
        index = maps.flatten(2).topk(count, dim=-1).indices  # ONNX's TopK takes the first of equal cells
    else:
        index, certain = _about_the_peak(maps, count)
        for some in torch.split((~certain).flatten().nonzero()[:, 0], FEW):
            index.view(-1, count)[some] = _descend(maps.flatten(0, 1).index_select(0, some), count)
    side = maps.shape[-1]
    y = torch.div(index, side, rounding_mode="floor")
    return maps.flatten(2).gather(-1, index), torch.stack([index - side * y, y], -1)


def _about_the_peak(maps: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Indices (B, K, count) of the highest cells in a window about the peak, and whether (B, K) no others
    are as high. The window has room for a disc of `count` cells, or a quarter of one in a corner."""
    side = maps.shape[-1]
    width = min(side, 2 * math.ceil(math.sqrt(count / math.pi)) + 1)
    corner = (find_peaks(maps)[1] - width // 2).clamp(0, side - width)  # (B, K, 2)
    at = torch.arange(side, device=maps.device)
    offsets = (side * at[:width, None] + at[:width]).flatten()
    index = (corner[..., 1] * side + corner[..., 0])[..., None] + offsets  # (B, K, width²)
    values = maps.flatten(2).gather(-1, index)
    chosen = _first_highest(values, index, count)
    lowest = values.gather(-1, chosen).amin(-1)
    if width == side:
        return index.gather(-1, chosen), torch.ones_like(lowest, dtype=torch.bool)
    columns, rows = maps.amax(-2), maps.amax(-1)  # (B, K, side): every cell outside is in such a line
    lines, first = torch.stack([columns, rows], -2), corner[..., None]
    outside = lines.masked_fill((at >= first) & (at < first + width), -torch.inf).amax((-2, -1))
    return index.gather(-1, chosen), outside < lowest


def _descend(maps: Tensor, count: int) -> Tensor:
    """Indices (N, count) of the highest cells of maps (N, S, S).

    They lie in the `count` 2x2 blocks of highest maximum, these in the `count` 4x4 blocks of highest maximum,
    and so on.
    """
    levels = [maps]
    while levels[-1].shape[-1] % 2 == 0 and levels[-1].shape[-1] ** 2 > 2 * count:
        rows = torch.maximum(levels[-1][:, 0::2], levels[-1][:, 1::2])
        levels.append(torch.maximum(rows[..., 0::2], rows[..., 1::2]))
    side = levels[-1].shape[-1]
    index = torch.arange(side * side, device=maps.device).expand(len(maps), -1)
    values = levels[-1].flatten(1)
    for level in reversed(levels[:-1]):
        if index.shape[-1] > count:
            index = index.gather(-1, values.topk(count, dim=-1, sorted=False).indices)
        cells = torch.arange(side * side, device=maps.device)
        row = torch.div(cells, side, rounding_mode="floor")
        corner = (4 * side * row + 2 * (cells - side * row))[index]
        side = 2 * side
        index = torch.cat([corner, corner + 1, corner + side, corner + side + 1], -1)
        values = level.flatten(1).gather(-1, index)
    return index.gather(-1, _first_highest(values, index, count))


def _first_highest(values: Tensor, index: Tensor, count: int) -> Tensor:
    """Where the `count` highest of values (..., M) are; of equal ones those with the lowest `index` (..., M).

    Each is lowered by a share of itself that grows with the index and is too small to change another order.
    """
    keys = values.double() - index * (values.double().abs() * 2.0**-40 + 1e-50)
    return keys.topk(count, dim=-1, sorted=False).indices
