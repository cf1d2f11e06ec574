"""A thin residual network: plain 3x3 convolutions only, few channels, made for small crops on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from canthus.models.layers import Norm, convolution, normalization


class ThinResNet(nn.Module):
    """(B, 3, S, S) -> one map per stage, strides 4, 8, 16, ...; `channels` lists their widths.

    `stem` is the width at stride 2; `widths` and `depths` give channels and residual blocks per stage;
    `norm: group` keeps the network free of batch statistics.
    """

    def __init__(
        self,
        *,
        stem: int = 16,
        widths: tuple[int, ...] = (32, 64, 128, 192),
        depths: tuple[int, ...] = (1, 2, 2, 1),
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        if len(widths) != len(depths):
            raise ValueError(
                f"thin_resnet: found {len(widths)} widths and {len(depths)} depths, expected as many"
            )
        self.channels = tuple(widths)
        self.stem = convolution(3, stem, stride=2, norm=norm)
        inputs = (stem, *widths[:-1])
        self.stages = nn.ModuleList(
            nn.Sequential(
                convolution(before, width, stride=2, norm=norm),
                *(Residual(width, norm) for _ in range(depth)),
            )
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

    def __init__(self, width: int, norm: Norm) -> None:
        super().__init__()
        self.first = convolution(width, width, norm=norm)
        last = normalization(width, norm)
        nn.init.zeros_(last.weight)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), last)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        return torch.relu(x + self.second(self.first(x)))
