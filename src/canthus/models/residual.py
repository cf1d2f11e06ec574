"""Residual blocks of He et al. (2016), shared by the published backbones."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from canthus.models.layers import convolution


class Residual(nn.Module):
    """ReLU(layers(x) + shortcut(x)); `layers` end in a norm, its last entry is (convolution, norm)."""

    def __init__(self, layers: nn.Sequential, shortcut: nn.Module) -> None:
        super().__init__()
        self.layers, self.shortcut = layers, shortcut

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        return torch.relu(self.layers(x) + self.shortcut(x))


def basic(inputs: int, outputs: int, *, stride: int = 1) -> Residual:
    """Two 3x3 convolutions, the stride in the first."""
    layers = nn.Sequential(convolution(inputs, outputs, stride=stride), linear(outputs, outputs, kernel=3))
    return Residual(layers, shortcut(inputs, outputs, stride))


def bottleneck(inputs: int, outputs: int, *, stride: int = 1) -> Residual:
    """1x1 to a quarter of the outputs, 3x3 with the stride, 1x1."""
    width = outputs // 4
    layers = nn.Sequential(
        convolution(inputs, width, kernel=1),
        convolution(width, width, stride=stride),
        linear(width, outputs),
    )
    return Residual(layers, shortcut(inputs, outputs, stride))


def shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """x itself, or a strided 1x1 convolution with norm where width or size change."""
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return linear(inputs, outputs, stride=stride)


def linear(inputs: int, outputs: int, *, kernel: int = 1, stride: int = 1) -> nn.Sequential:
    """Convolution without bias and norm, no activation."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs)
    )
