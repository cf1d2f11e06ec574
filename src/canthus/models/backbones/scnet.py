"""SCNet-50: ResNet-50 whose 3x3 convolutions are half plain, half self-calibrated (Liu et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from canthus.models.backbones.resnet import ResNet
from canthus.models.layers import convolution
from canthus.models.residual import Residual, linear, shortcut

POOLING = 4  # cells of the finer map that share a cell of the gate


class SelfCalibrated(nn.Module):
    """x -> convolution of its features gated by a coarse look around: (B, C, H, W) -> (B, C, H / s, W / s).

    gate = sigmoid(x + coarse(x) enlarged), output = ReLU(norm(conv(features(x) * gate))); H, W >= 4.
    """

    def __init__(self, width: int, *, stride: int = 1) -> None:
        super().__init__()
        self.coarse = nn.Sequential(nn.AvgPool2d(POOLING), *linear(width, width, kernel=3))
        self.features = linear(width, width, kernel=3)
        self.last = convolution(width, width, stride=stride)

    def forward(self, x: Tensor) -> Tensor:
        """The calibrated features."""
        around = interpolate(self.coarse(x), size=x.shape[-2:], mode="nearest")
        gate = torch.sigmoid(x + around)
        out: Tensor = self.last(self.features(x) * gate)
        return out


class Halves(nn.Module):
    """(B, inputs, H, W) -> (B, 2 width, H / stride, W / stride): plain half, then self-calibrated half."""

    def __init__(self, inputs: int, width: int, *, stride: int = 1) -> None:
        super().__init__()
        self.plain = nn.Sequential(
            convolution(inputs, width, kernel=1), convolution(width, width, stride=stride)
        )
        self.calibrated = nn.Sequential(
            convolution(inputs, width, kernel=1), SelfCalibrated(width, stride=stride)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Both halves, side by side."""
        return torch.cat([self.plain(x), self.calibrated(x)], 1)


def self_calibrated_bottleneck(inputs: int, outputs: int, *, stride: int = 1) -> Residual:
    """Two halves of an eighth of the outputs each, joined by a 1x1 convolution."""
    width = outputs // 8
    layers = nn.Sequential(Halves(inputs, width, stride=stride), linear(2 * width, outputs))
    return Residual(layers, shortcut(inputs, outputs, stride))


class SCNet(ResNet):
    """(B, 3, S, S) -> four maps at strides 4, 8, 16, 32; S is 128 or more. Options as of a ResNet."""

    def __init__(self, *, width: int = 64, depths: tuple[int, ...] = (3, 4, 6, 3)) -> None:
        nn.Module.__init__(self)
        self.build(self_calibrated_bottleneck, width, 4 * width, depths)
