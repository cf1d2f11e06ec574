"""ShuffleNetV2 (Ma et al. 2018, table 5), whole or cut short below a head of its own."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import channel_shuffle

from canthus.models.initialization import initialize_kaiming
from canthus.models.layers import convolution


class ShuffleNetV2(nn.Module):
    """(B, 3, S, S) -> one map per stage, at strides 8, 16, 32 with the channels `widths`.

    `stem` are 3x3 convolutions before the pooling, the first of stride 2. The paper's network at width 1.0 is
    the default; the published heat-map network of the light-weight challenge has `stem: [64, 24]`,
    `widths: [116, 232]`, `repeats: [4, 8]`.
    """

    def __init__(
        self,
        *,
        stem: tuple[int, ...] = (24,),
        widths: tuple[int, ...] = (116, 232, 464),
        repeats: tuple[int, ...] = (4, 8, 4),
    ) -> None:
        super().__init__()
        if not stem or not widths or len(widths) != len(repeats):
            raise ValueError(
                f"found {len(stem)} stem layers, {len(widths)} widths and {len(repeats)} repeats, expected a "
                "stem and as many widths as repeats"
            )
        odd = [width for width in widths if width % 2]
        if odd:
            raise ValueError(f"widths: found {odd[0]}, expected even numbers: a block works on halves")
        self.channels = tuple(widths)
        first, *further = pairwise((3, *stem))
        self.stem = nn.Sequential(
            convolution(*first, stride=2),
            *(convolution(*pair) for pair in further),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.stages = nn.ModuleList(
            nn.Sequential(Shrink(inputs, width), *(Keep(width) for _ in range(repeat - 1)))
            for (inputs, width), repeat in zip(pairwise((stem[-1], *widths)), repeats, strict=True)
        )
        initialize_kaiming(self)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The map of each stage, finest first."""
        maps = [self.stem(images)]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]


class Keep(nn.Module):
    """One half of the channels as it is, the other through three layers; then both halves are interleaved."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = _layers(width // 2, width // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) stays."""
        kept, worked = x.chunk(2, 1)
        return channel_shuffle(torch.cat([kept, self.layers(worked)], 1), 2)


class Shrink(nn.Module):
    """All channels along a short and a long path of stride 2, each to half of the outputs; interleaved."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.shortcut = nn.Sequential(_depthwise(inputs, stride=2), convolution(inputs, half, kernel=1))
        self.layers = _layers(inputs, half, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / 2, W / 2)."""
        return channel_shuffle(torch.cat([self.shortcut(x), self.layers(x)], 1), 2)


def _layers(inputs: int, outputs: int, *, stride: int = 1) -> nn.Sequential:
    """1x1, depthwise 3x3 without activation, 1x1."""
    return nn.Sequential(
        convolution(inputs, outputs, kernel=1),
        _depthwise(outputs, stride=stride),
        convolution(outputs, outputs, kernel=1),
    )


def _depthwise(width: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, width, 3, stride, 1, groups=width, bias=False), nn.BatchNorm2d(width)
    )
