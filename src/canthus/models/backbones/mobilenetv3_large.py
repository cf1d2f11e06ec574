"""MobileNetV3-Large as published (Howard et al. 2019, table 1), up to its last block."""

from __future__ import annotations

from typing import TypeAlias

from torch import Tensor, nn

from canthus.models.initialization import initialize_kaiming

#: Kernel, expanded channels, channels, activation, squeeze-and-excitation, stride of a block.
Row: TypeAlias = tuple[int, int, int, type[nn.Module], bool, int]
#: All blocks but the last ones, which are alike.
BLOCKS: tuple[Row, ...] = (
    (3, 16, 16, nn.ReLU, False, 1),
    (3, 64, 24, nn.ReLU, False, 2),
    (3, 72, 24, nn.ReLU, False, 1),
    (5, 72, 40, nn.ReLU, True, 2),
    (5, 120, 40, nn.ReLU, True, 1),
    (5, 120, 40, nn.ReLU, True, 1),
    (3, 240, 80, nn.Hardswish, False, 2),
    (3, 200, 80, nn.Hardswish, False, 1),
    (3, 184, 80, nn.Hardswish, False, 1),
    (3, 184, 80, nn.Hardswish, False, 1),
    (3, 480, 112, nn.Hardswish, True, 1),
    (3, 672, 112, nn.Hardswish, True, 1),
    (5, 672, 160, nn.Hardswish, True, 2),
)
LAST: Row = (5, 960, 160, nn.Hardswish, True, 1)
STEM = 16


class MobileNetV3Large(nn.Module):
    """(B, 3, S, S) -> four maps at strides 4, 8, 16, 32 with 24, 40, 112, 160 channels.

    `last` is the number of blocks after the one that brings stride 32: 2 in the paper, 1 in the network of
    the light-weight challenge. The variant of face_key_points is `mobilenetv3_act3`.
    """

    def __init__(self, *, last: int = 2) -> None:
        super().__init__()
        if last < 1:
            raise ValueError(f"last: found {last}, expected 1 or more blocks")
        self.stem = nn.Sequential(*convolution(3, STEM, kernel=3, stride=2), nn.Hardswish())
        blocks, inputs = list[Block](), STEM
        rows = (*BLOCKS, *(LAST,) * last)
        for kernel, expanded, outputs, activation, gated, stride in rows:
            blocks.append(
                Block(
                    inputs,
                    expanded,
                    outputs,
                    kernel=kernel,
                    stride=stride,
                    activation=activation,
                    gated=gated,
                )
            )
            inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        strides = [row[5] for row in rows]
        ends = [i - 1 for i, stride in enumerate(strides) if stride == 2] + [len(rows) - 1]
        self.kept = tuple(ends[1:])  # the first end is that of stride 2
        self.channels = tuple(rows[end][2] for end in self.kept)
        initialize_kaiming(self)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The last map of each stride, finest first."""
        x, maps = self.stem(images), []
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in self.kept:
                maps.append(x)
        return maps


class Block(nn.Module):
    """1x1 to `expanded` (left out where that is the width already), depthwise k x k, gate, 1x1; + x where
    shapes agree."""

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
        wide = [] if inputs == expanded else [*convolution(inputs, expanded, kernel=1), activation()]
        self.layers = nn.Sequential(
            *wide,
            *convolution(expanded, expanded, kernel=kernel, stride=stride, groups=expanded),
            Gate(expanded) if gated else nn.Identity(),
            activation(),
            *convolution(expanded, outputs, kernel=1),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        out: Tensor = self.layers(x)
        return x + out if self.residual else out


class Gate(nn.Module):
    """Channels times factors in [0, 1] told by their means (squeeze-and-excitation, Hu et al. 2018), by two
    layers with bias whose middle is a quarter as wide, in eights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = _in_eights(width // 4)
        self.layers = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(width, hidden, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, width, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) stays."""
        factors: Tensor = self.layers(x)
        return x * factors


def convolution(
    inputs: int, outputs: int, *, kernel: int, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """Without bias, the size kept but for the stride; then its norm."""
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]


def _in_eights(channels: int) -> int:
    """The nearest multiple of 8 (halves go up), never less than 90 % of `channels`."""
    nearest = max(8, (channels + 4) // 8 * 8)
    return nearest if nearest >= 0.9 * channels else nearest + 8
