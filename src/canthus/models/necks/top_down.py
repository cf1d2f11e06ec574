"""A top-down path: deep maps are enlarged and added to finer ones (FPN, Lin et al. 2017)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate

from canthus.models.layers import Norm, normalization


class TopDown(nn.Module):
    """List of maps -> [fused map at `level`, deepest map]; `level` counts from the finest (0).

    Each deeper map goes through a 1x1 convolution to `width` channels, is enlarged (nearest) and added.
    """

    def __init__(
        self, channels: tuple[int, ...], *, level: int = 1, width: int = 64, norm: Norm = "batch"
    ) -> None:
        super().__init__()
        if not 0 <= level < len(channels):
            raise ValueError(f"top_down: found level {level}, expected 0 to {len(channels) - 1}")
        self.level = level
        self.laterals = nn.ModuleList(nn.Conv2d(c, width, 1, bias=False) for c in channels[level:])
        self.norm = nn.Sequential(normalization(width, norm), nn.ReLU(inplace=True))
        self.channels = (width, channels[-1])

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Fused map (B, width, H, W) and the deepest map unchanged."""
        used = [lateral(x) for lateral, x in zip(self.laterals, maps[self.level :], strict=True)]
        fused = used[-1]
        for finer in reversed(used[:-1]):
            fused = finer + interpolate(fused, size=finer.shape[-2:], mode="nearest")
        return [self.norm(fused), maps[-1]]
