"""MobileNetV3-Large (Howard et al. 2019) in the variant "act3", whose blocks all have a shortcut and their
activation after it: the light backbone of face_key_points (yeyuxmf, Apache-2.0)."""

from __future__ import annotations

from torch import Tensor, nn

from canthus.models.backbones.mobilenetv3_large import BLOCKS, LAST, STEM, Row, convolution
from canthus.models.initialization import initialize_kaiming

#: The published table but for the block before the last, which is narrower inside.
ROWS: tuple[Row, ...] = (*BLOCKS, (5, 672, 160, nn.Hardswish, True, 1), LAST)
#: The last block at each of the strides 4, 8, 16, 32.
KEPT = (2, 5, 11, 14)


class MobileNetV3Act3(nn.Module):
    """(B, 3, S, S) -> four maps at strides 4, 8, 16, 32 with 24, 40, 112, 160 times `width` channels.

    Channels are kept in multiples of 8.
    """

    def __init__(self, *, width: float = 1.0) -> None:
        super().__init__()
        inputs = _scaled(STEM, width)
        self.channels = tuple(_scaled(ROWS[index][2], width) for index in KEPT)
        self.stem = nn.Sequential(*convolution(3, inputs, kernel=3, stride=2), nn.Hardswish(inplace=True))
        blocks = []
        for kernel, expanded, channels, activation, gated, stride in ROWS:
            outputs = _scaled(channels, width)
            blocks.append(
                Block(
                    inputs,
                    _scaled(expanded, width),
                    outputs,
                    kernel=kernel,
                    stride=stride,
                    activation=activation,
                    gated=gated,
                )
            )
            inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        initialize_kaiming(self)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The last map of each stride, finest first."""
        x = self.stem(images)
        maps = []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in KEPT:
                maps.append(x)
        return maps


class Block(nn.Module):
    """activation(layers(x) + shortcut(x)): 1x1, depthwise k x k, optionally a gate, 1x1."""

    def __init__(
        self,
        inputs: int,
        expanded: int,
        outputs: int,
        *,
        kernel: int,
        stride: int,
        activation: type[nn.Module],
        gated: bool,
    ) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *convolution(inputs, expanded, kernel=1),
            activation(),
            *convolution(expanded, expanded, kernel=kernel, stride=stride, groups=expanded),
            activation(),
            Gate(expanded) if gated else nn.Identity(),
            *convolution(expanded, outputs, kernel=1),
        )
        self.shortcut = _shortcut(inputs, outputs, stride)
        self.activation = activation()

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        out: Tensor = self.activation(self.layers(x) + self.shortcut(x))
        return out


class Gate(nn.Module):
    """Channels times factors in [0, 1] told by their means (squeeze-and-excitation, Hu et al. 2018)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = max(width // 4, 8)
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            *convolution(width, hidden, kernel=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, width, 1, bias=False),
            nn.Hardsigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) stays."""
        factors: Tensor = self.layers(x)
        return x * factors


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """x itself, or depthwise 3x3 for the stride and 1x1 for the width, whichever is needed."""
    layers: list[nn.Module] = []
    if stride != 1:
        layers += convolution(inputs, inputs, kernel=3, stride=stride, groups=inputs)
    if inputs != outputs:
        layers += [nn.Conv2d(inputs, outputs, 1, bias=stride != 1), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers)


def _scaled(channels: int, width: float) -> int:
    return max(8, round(channels * width / 8) * 8)
