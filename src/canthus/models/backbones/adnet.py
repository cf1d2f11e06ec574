"""The stem of ADNet and STAR (Huang et al. 2021; Zhou et al. 2023), and what their stacks are made of."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d, relu


class Adnet(nn.Module):
    """(B, 3, S, S) -> one map (B, width, S / 4, S / 4); the stacks are in the head of the same name."""

    def __init__(self, *, width: int = 256) -> None:
        super().__init__()
        if width < 8 or width % 8:
            raise ValueError(f"adnet: found width {width}, expected a multiple of 8")
        self.channels = (width,)
        self.first = nn.Conv2d(6, width // 4, 7, stride=2, padding=3)
        self.norm = nn.BatchNorm2d(width // 4)
        self.blocks = nn.ModuleList(
            (Block(width // 4, width // 2), Block(width // 2, width // 2), Block(width // 2, width))
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """The one map."""
        halve, second, third = self.blocks
        x = torch.cat([images, coordinates(images)], 1)
        x = max_pool2d(halve(relu(self.norm(self.first(x)))), 2)
        return [third(second(x))]


class Block(nn.Module):
    """Norm, ReLU, convolution three times (1x1 to half of the outputs, 3x3, 1x1), plus x
    (He et al. 2016, "Identity mappings")."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.layers = nn.Sequential(_layer(inputs, half), _layer(half, half, kernel=3), _layer(half, outputs))
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        out: Tensor = self.layers(x) + self.shortcut(x)
        return out


def coordinates(maps: Tensor) -> Tensor:
    """(B, 3, H, W) for maps (B, C, H, W): row and column from -1 to 1, and the distance from the middle over
    the largest one (CoordConv, Liu et al. 2018, in the order of the published networks: row first)."""
    height, width = maps.shape[-2:]
    rows, columns = _axis(height, maps), _axis(width, maps)
    row, column = rows[:, None].expand(height, width), columns[None].expand(height, width)
    distance = (row.square() + column.square()).sqrt()
    stacked = torch.stack([row, column, distance / math.sqrt(2)])
    return stacked[None].expand(maps.shape[0], -1, -1, -1)


def _axis(cells: int, like: Tensor) -> Tensor:
    return torch.arange(cells, dtype=like.dtype, device=like.device) / (cells - 1) * 2 - 1


def _layer(inputs: int, outputs: int, *, kernel: int = 1) -> nn.Sequential:
    """x itself is kept, so the ReLU is not in place."""
    return nn.Sequential(
        nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    )
