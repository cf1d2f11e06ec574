"""The stem of FAN (Bulat and Tzimiropoulos 2017) and the residual block that all of FAN is made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, max_pool2d, relu

from canthus.models.backbones.adnet import coordinates as coordinate_maps

Pool = Literal["mean", "max"]


class Fan(nn.Module):
    """(B, 3, S, S) -> one map (B, width, S / 4, S / 4); the stacks are in the head of the same name.

    `pool` says how 2x2 cells become one. With `coordinates` the picture has two further channels, row and
    column from -1 to 1 (CoordConv, Liu et al. 2018).
    """

    def __init__(self, *, width: int = 256, pool: Pool = "mean", coordinates: bool = False) -> None:
        super().__init__()
        if width < 16 or width % 16:
            raise ValueError(f"fan: found width {width}, expected a multiple of 16")
        self.channels, self.coordinates = (width,), coordinates
        self.halved = pooling(pool)
        self.first = nn.Conv2d(5 if coordinates else 3, width // 4, 7, stride=2, padding=3)
        self.norm = nn.BatchNorm2d(width // 4)
        self.blocks = nn.ModuleList(
            (Block(width // 4, width // 2), Block(width // 2, width // 2), Block(width // 2, width))
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """The one map."""
        halve, second, third = self.blocks
        if self.coordinates:
            images = torch.cat([images, coordinate_maps(images)[:, :2]], 1)
        x = relu(self.norm(self.first(images)))
        return [third(second(self.halved(halve(x), 2)))]


class Block(nn.Module):
    """Three 3x3 convolutions whose outputs, a half and two quarters, stand side by side; plus x
    (Bulat and Tzimiropoulos 2017, "Binarized convolutional landmark localizers")."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half, quarter = outputs // 2, outputs // 4
        self.layers = nn.ModuleList((_layer(inputs, half), _layer(half, quarter), _layer(quarter, quarter)))
        self.shortcut = nn.Identity() if inputs == outputs else _layer(inputs, outputs, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        parts = [x]
        for layer in self.layers:
            parts.append(layer(parts[-1]))
        out: Tensor = torch.cat(parts[1:], 1) + self.shortcut(x)
        return out


def pooling(pool: Pool) -> Callable[[Tensor, int], Tensor]:
    """The function that halves maps; ValueError for an unknown one."""
    known: dict[str, Callable[[Tensor, int], Tensor]] = {"mean": avg_pool2d, "max": max_pool2d}
    if pool not in known:
        raise ValueError(f"pool: found {pool!r}, expected mean or max")
    return known[pool]


def _layer(inputs: int, outputs: int, *, kernel: int = 3) -> nn.Sequential:
    """Norm, ReLU, convolution without bias; x itself is kept, so the ReLU is not in place."""
    return nn.Sequential(
        nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    )
