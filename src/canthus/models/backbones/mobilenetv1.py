"""MobileNetV1 (Howard et al. 2017): 3x3 depthwise and 1x1 convolutions, as 3DDFA_V2 takes it."""

from __future__ import annotations

from torch import Tensor, nn

from canthus.models.initialization import initialize_kaiming

#: (channels at width 1.0, stride) of each block; table 1 of the paper.
BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)
STEM = 32


class MobileNetV1(nn.Module):
    """(B, 3, S, S) -> four maps at strides 4, 8, 16, 32 with 128, 256, 512, 1024 times `width` channels."""

    def __init__(self, *, width: float = 1.0) -> None:
        super().__init__()
        inputs = int(STEM * width)
        self.stem = _normed(nn.Conv2d(3, inputs, 3, 2, 1, bias=False))
        blocks, kept = [], []
        for place, (outputs, stride) in enumerate(BLOCKS):
            outputs = int(outputs * width)
            blocks.append(
                nn.Sequential(
                    _normed(nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False)),
                    _normed(nn.Conv2d(inputs, outputs, 1, bias=False)),
                )
            )
            if place + 1 == len(BLOCKS) or (BLOCKS[place + 1][1] == 2 and place > 0):
                kept.append((place, outputs))
            inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.kept = tuple(place for place, _ in kept)
        self.channels = tuple(outputs for _, outputs in kept)
        initialize_kaiming(self)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The last map of each stride, finest first."""
        x, maps = self.stem(images), []
        for place, block in enumerate(self.blocks):
            x = block(x)
            if place in self.kept:
                maps.append(x)
        return maps


def _normed(convolution: nn.Conv2d) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU(inplace=True))
