"""PFLD (Guo et al. 2019): a thin MobileNetV2 whose last three maps are read together."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from canthus.models.layers import convolution

#: Channels of the blocks at width 1.0, and of the ordinary convolutions before and after them.
FINE, COARSE, FIRST = 64, 128, 16
STEM, SECOND, THIRD = 64, 32, 128


class Pfld(nn.Module):
    """(B, 3, S, S) -> maps at strides 4, 8, 16 and one of S / 16 - 6 cells: 64, 16, 32, 128 channels.

    At the published size of 112 the last is a single cell. `width` multiplies the channels of the blocks, the
    first two maps, not of the others: the paper's 0.25X has the 2.5 MB of its table only so.
    `depthwise`: the stem's second convolution works channel by channel, as in the paper's table 1; in the
    public code it is an ordinary one. `clamp`: blocks end in ReLU6, as in one of the two public versions.
    """

    def __init__(self, *, width: float = 1.0, depthwise: bool = False, clamp: bool = False) -> None:
        super().__init__()
        fine, coarse, first = (max(1, round(width * channels)) for channels in (FINE, COARSE, FIRST))
        self.channels = (fine, first, SECOND, THIRD)
        self.stem = nn.Sequential(
            convolution(3, STEM, stride=2), convolution(STEM, STEM, groups=STEM if depthwise else 1)
        )
        self.fine = nn.Sequential(
            Block(STEM, fine, 2, stride=2, clamp=clamp),
            *(Block(fine, fine, 2, clamp=clamp) for _ in range(4)),
        )
        self.coarse = nn.Sequential(
            Block(fine, coarse, 2, stride=2, clamp=clamp),
            Block(coarse, coarse, 4, residual=False, clamp=clamp),
            *(Block(coarse, coarse, 4, clamp=clamp) for _ in range(5)),
        )
        self.first = Block(coarse, first, 2, clamp=clamp)
        self.second = convolution(first, SECOND, stride=2)
        self.third = nn.Conv2d(SECOND, THIRD, 7)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The map that the pose branch reads, then the three scales."""
        tap = self.fine(self.stem(images))
        first = self.first(self.coarse(tap))
        second = self.second(first)
        return [tap, first, second, torch.relu(self.third(second))]


class Block(nn.Module):
    """1x1 to `expansion` times the inputs, 3x3 depthwise, 1x1; + x where shapes agree and `residual`."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        expansion: int,
        *,
        stride: int = 1,
        residual: bool = True,
        clamp: bool = False,
    ) -> None:
        super().__init__()
        wide = inputs * expansion
        self.layers = nn.Sequential(
            convolution(inputs, wide, kernel=1),
            convolution(wide, wide, stride=stride, groups=wide),
            nn.Sequential(nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs)),
        )
        self.last = nn.ReLU6() if clamp else nn.Identity()
        self.residual = residual and stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        out: Tensor = self.last(self.layers(x))
        return x + out if self.residual else out
