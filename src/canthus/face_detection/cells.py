"""The grid of predictions: where each cell is, and how its 15 numbers become a box and five points."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

STRIDES = (8, 16, 32, 64)

#: A prediction of zero means a box of this many strides.
BASE_SIZE = 4.0


@dataclass(frozen=True)
class Cells:
    """`centers` (N, 2) px and `strides` (N,) px of all cells of a picture, stride by stride, row by row."""

    centers: Tensor
    strides: Tensor

    @classmethod
    def of(cls, height: int, width: int, device: torch.device) -> Cells:
        """The cells of a picture of `height` x `width` px (multiples of 32; the last stride rounds up)."""
        centers, strides = [], []
        for stride in STRIDES:
            rows, columns = (height + stride - 1) // stride, (width + stride - 1) // stride
            y = torch.arange(rows, device=device, dtype=torch.float32) * stride + (stride - 1) / 2
            x = torch.arange(columns, device=device, dtype=torch.float32) * stride + (stride - 1) / 2
            grid = torch.stack([x[None, :].expand(rows, columns), y[:, None].expand(rows, columns)], dim=-1)
            centers.append(grid.reshape(-1, 2))
            strides.append(torch.full_like(centers[-1][:, 0], float(stride)))
        return cls(torch.cat(centers), torch.cat(strides))


def decode(raw: Tensor, cells: Cells) -> tuple[Tensor, Tensor]:
    """Boxes (..., N, 4) xyxy px and five points (..., N, 5, 2) px of raw predictions (..., N, 15).

    Channels: score logit; box centre relative to the cell, in strides (2); logarithm of width and height over
    `BASE_SIZE` strides (2); five points relative to the cell, in `BASE_SIZE` strides (10).
    """
    stride = cells.strides[:, None]
    center = cells.centers + raw[..., 1:3] * stride
    half = raw[..., 3:5].clamp(-6.0, 4.0).exp() * (0.5 * BASE_SIZE) * stride
    boxes = torch.cat([center - half, center + half], dim=-1)
    # Repeated rather than broadcast over the points: ONNX Runtime adds equal shapes several times faster.
    five = raw[..., 5:] * (BASE_SIZE * stride) + cells.centers.repeat(1, 5)  # (..., N, 10)
    return boxes, five.reshape(*raw.shape[:-1], 5, 2)
