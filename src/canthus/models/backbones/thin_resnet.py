"""A thin residual network: plain 3x3 convolutions only, few channels, made for small crops on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ThinResNet(nn.Module):
    """(B, 3, S, S) -> one map per stage, strides 4, 8, 16, ...; `channels` lists their widths.

    `stem` is the width at stride 2; `widths` and `depths` give channels and residual blocks per stage.
    """

    def __init__(
        self,
        *,
        stem: int = 16,
        widths: tuple[int, ...] = (32, 64, 128, 192),
        depths: tuple[int, ...] = (1, 2, 2, 1),
    ) -> None:
        super().__init__()
        if len(widths) != len(depths):
            raise ValueError(
                f"thin_resnet: found {len(widths)} widths and {len(depths)} depths, expected as many"
            )
        self.channels = tuple(widths)
        self.stem = convolution(3, stem, stride=2)
        inputs = (stem, *widths[:-1])
        self.stages = nn.ModuleList(
            nn.Sequential(convolution(before, width, stride=2), *(Residual(width) for _ in range(depth)))
            for before, width, depth in zip(inputs, widths, depths, strict=True)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """The maps of all stages, finest first."""
        x = self.stem(images)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class Residual(nn.Module):
    """x + two 3x3 convolutions, ReLU after the sum; the second norm starts at zero (He et al. 2016)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = convolution(width, width)
        norm = nn.BatchNorm2d(width)
        nn.init.zeros_(norm.weight)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), norm)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return torch.relu(x + self.second(self.first(x)))


def convolution(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
