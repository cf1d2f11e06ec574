"""Attention blocks, and the fixed sinusoids that tell tokens where they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class Attention(nn.Module):
    """Multi-head self-attention (B, N, C) -> (B, N, C)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"attention: found width {width}, expected a multiple of the {heads} heads")
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Every token looks at all."""
        batch, count, width = x.shape
        qkv = self.qkv(x).reshape(batch, count, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        found = scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])  # (B, heads, N, C / heads)
        out: Tensor = self.out(found.transpose(1, 2).reshape(batch, count, width))
        return out


class Block(nn.Module):
    """A pre-norm block of the vision transformer (Dosovitskiy et al. 2021): x + attention, then x + MLP."""

    def __init__(self, width: int, heads: int, *, ratio: int = 2) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.attention = Attention(width, heads)
        self.mlp = nn.Sequential(nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, width))

    def forward(self, x: Tensor) -> Tensor:
        """(B, N, C) -> (B, N, C)."""
        x = x + self.attention(self.norm1(x))
        out: Tensor = x + self.mlp(self.norm2(x))
        return out


def _waves(at: Tensor, count: int) -> Tensor:
    """Angles (N, count): positions (N,) times frequencies 1 ... 1 / 10000, geometric."""
    frequencies = 10000.0 ** -(torch.arange(count, device=at.device, dtype=torch.float64) / count)
    return at.double()[:, None] * frequencies


def position_map(height: int, width: int, channels: int) -> Tensor:
    """Sinusoids of the cells of a map, (channels, height, width); `channels` is a multiple of 4.

    A quarter each: sines and cosines of the column, sines and cosines of the row (He et al. 2022).
    """
    if channels % 4:
        raise ValueError(f"position map: found {channels} channels, expected a multiple of 4")
    x, y = (_waves(torch.arange(side), channels // 4) for side in (width, height))
    columns = torch.cat([x.sin(), x.cos()], -1).T[:, None, :].expand(-1, height, -1)
    rows = torch.cat([y.sin(), y.cos()], -1).T[:, :, None].expand(-1, -1, width)
    return torch.cat([columns, rows]).float()


def index_sinusoid(count: int, channels: int) -> Tensor:
    """Sinusoids of the numbers 0 to `count` - 1, (count, channels): sines and cosines in turn (Vaswani et al.
    2017); `channels` is even."""
    if channels % 2:
        raise ValueError(f"index sinusoid: found {channels} channels, expected an even number")
    waves = _waves(torch.arange(count), channels // 2)
    return torch.stack([waves.sin(), waves.cos()], -1).flatten(1).float()
