"""All maps at the size of the finest, side by side: the representation of HRNetV2 (Sun et al. 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate


class Concat(nn.Module):
    """List of maps -> [one map (B, sum of channels, H, W)] with H, W of the finest; no parameters."""

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.channels = (sum(channels),)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """The coarser maps are enlarged with pixel areas aligned (align_corners False)."""
        size = maps[0].shape[-2:]
        enlarged = [interpolate(x, size=size, mode="bilinear", align_corners=False) for x in maps[1:]]
        return [torch.cat([maps[0], *enlarged], 1)]
