"""The one layer that all small networks share: convolution, norm, ReLU."""

from __future__ import annotations

from typing import Literal

from torch import nn

Norm = Literal["batch", "group"]


def convolution(
    inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1, groups: int = 1, norm: Norm = "batch"
) -> nn.Sequential:
    """Convolution without bias, norm, ReLU; (B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        normalization(outputs, norm),
        nn.ReLU(inplace=True),
    )


def normalization(width: int, norm: Norm) -> nn.BatchNorm2d | nn.GroupNorm:
    """Batch norm, or group norm of four channels a group, which does not depend on the batch."""
    if norm == "batch":
        return nn.BatchNorm2d(width)
    if norm == "group":
        return nn.GroupNorm(max(1, width // 4), width)
    raise ValueError(f"norm: found {norm!r}, expected batch or group")
