"""MobileNetV2 (Sandler et al. 2018): thin maps between wide depthwise convolutions."""

from __future__ import annotations

from torch import Tensor, nn

from canthus.models.initialization import initialize_kaiming

#: (expansion, channels at width 1.0, blocks, stride) of each stage; table 2 of the paper.
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
#: The stages after which the next one halves the map, at strides 4, 8, 16.
KEPT = (1, 2, 4)


class MobileNetV2(nn.Module):
    """(B, 3, S, S) -> four maps at strides 4, 8, 16, 32 with 24, 32, 96, 1280 channels.

    `width` multiplies all channels but the last map's, which never shrinks; multiples of 8 are kept.
    """

    def __init__(self, *, width: float = 1.0) -> None:
        super().__init__()
        widths = [_multiple_of_8(channels * width) for _, channels, _, _ in STAGES]
        inputs = _multiple_of_8(32 * width)
        last = _multiple_of_8(1280 * max(1.0, width))
        self.channels = (*(widths[stage] for stage in KEPT), last)
        self.stem = convolution_relu6(3, inputs, kernel=3, stride=2)
        stages = []
        for (expansion, _, blocks, stride), outputs in zip(STAGES, widths, strict=True):
            strides = [stride] + [1] * (blocks - 1)
            sources = [inputs] + [outputs] * (blocks - 1)
            stages.append(
                nn.Sequential(
                    *(
                        InvertedResidual(source, outputs, stride=s, expansion=expansion)
                        for source, s in zip(sources, strides, strict=True)
                    )
                )
            )
            inputs = outputs
        self.stages = nn.ModuleList(stages)
        self.last = convolution_relu6(inputs, last, kernel=1)
        initialize_kaiming(self)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The last map of each stride, finest first."""
        x = self.stem(images)
        maps = []
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index in KEPT:
                maps.append(x)
        return [*maps, self.last(x)]


class InvertedResidual(nn.Module):
    """1x1 to `expansion` times the inputs, 3x3 depthwise, 1x1 without activation; + x where shapes agree."""

    def __init__(self, inputs: int, outputs: int, *, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        expand = [convolution_relu6(inputs, wide, kernel=1)] if expansion != 1 else []
        self.layers = nn.Sequential(
            *expand,
            convolution_relu6(wide, wide, kernel=3, stride=stride, groups=wide),
            nn.Sequential(nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs)),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        out: Tensor = self.layers(x)
        return x + out if self.residual else out


def convolution_relu6(
    inputs: int, outputs: int, *, kernel: int, stride: int = 1, groups: int = 1
) -> nn.Sequential:
    """Convolution without bias, batch norm, ReLU6."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    )


def _multiple_of_8(channels: float) -> int:
    """The nearest multiple of 8, but never less than 90 % of `channels`."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8
