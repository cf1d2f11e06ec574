"""ResNets (He et al. 2016); bottlenecks have the stride in the 3x3 convolutions, as torchvision's v1.5."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn

from canthus.models.initialization import initialize_kaiming
from canthus.models.layers import convolution
from canthus.models.residual import Residual, basic, bottleneck


class ResNet(nn.Module):
    """(B, 3, S, S) -> four maps at strides 4, 8, 16, 32 with 4, 8, 16, 32 times `width` channels.

    `depths` are the residual blocks of each stage; the defaults are ResNet-50, (3, 4, 23, 3) ResNet-101. With
    `block: basic` the channels are a quarter; depths (2, 2, 2, 2) are ResNet-18, (3, 4, 6, 3) ResNet-34.
    """

    def __init__(
        self,
        *,
        width: int = 64,
        depths: tuple[int, ...] = (3, 4, 6, 3),
        block: Literal["basic", "bottleneck"] = "bottleneck",
    ) -> None:
        super().__init__()
        if block not in ("basic", "bottleneck"):
            raise ValueError(f"block: found {block!r}, expected basic or bottleneck")
        widest = width if block == "basic" else 4 * width
        self.build(basic if block == "basic" else bottleneck, width, widest, depths)

    def build(self, block: Callable[..., Residual], stem: int, first: int, depths: tuple[int, ...]) -> None:
        """Stem of `stem` channels, one stage per entry of `depths`, of `first` channels and double each."""
        self.channels = tuple(first * 2**stage for stage in range(len(depths)))
        self.stem = nn.Sequential(
            convolution(3, stem, kernel=7, stride=2), nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
        )
        stages, inputs = [], stem
        for stage, (outputs, depth) in enumerate(zip(self.channels, depths, strict=True)):
            strided = block(inputs, outputs, stride=1 if stage == 0 else 2)
            stages.append(nn.Sequential(strided, *(block(outputs, outputs) for _ in range(depth - 1))))
            inputs = outputs
        self.stages = nn.ModuleList(stages)
        initialize_kaiming(self)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The maps of all stages, finest first."""
        x = self.stem(images)
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps
