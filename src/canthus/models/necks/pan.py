"""A path aggregation network (Liu et al. 2018) of cross-stage partial blocks: down to the finest of three
maps and up again. The neck of face_key_points (yeyuxmf), written from its table of layers."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from canthus.models.transformer import position_map


class Pan(nn.Module):
    """Maps at strides 4, 8, 16, 32 -> maps of `width` channels at 8, 16, 32, with `finest` also at 4, with
    `deepest` the last of the maps once more as it came.

    All blocks have the channels of the map at stride 16. `block` is `nested` (two blocks of two residual
    pairs, each behind its own split) or `plain` (three pairs in a chain). The maps leave by a convolution of
    side `kernel`, with `activated` followed by norm and SiLU; with `widths` it has those channels, finest
    first, and a 1x1 convolution follows. Then each map is normalised. `attention` is the hidden width of a
    transformer layer over the deepest map before all else, 0 for none.
    """

    def __init__(  # noqa: PLR0913
        self,
        channels: tuple[int, ...],
        *,
        width: int = 192,
        block: Literal["nested", "plain"] = "nested",
        kernel: int = 3,
        activated: bool = False,
        widths: tuple[int, ...] = (),
        finest: bool = False,
        deepest: bool = False,
        attention: int = 0,
    ) -> None:
        super().__init__()
        if len(channels) < 3 + finest or len(widths) not in (0, 3):
            raise ValueError(
                f"pan: found {len(channels)} maps and {len(widths)} widths, expected {3 + finest} maps or "
                "more and no widths or 3"
            )
        fine, middle, deep = channels[-3:]
        self.attention = MapAttention(deep, attention) if attention else nn.Identity()
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")
        self.down = nn.ModuleList(
            [_Split(deep + middle, middle, block), _Split(middle + fine, middle, block)]
        )
        self.reduce = nn.ModuleList([_convolution(middle, middle, kernel=3, stride=2) for _ in range(2)])
        self.up = nn.ModuleList([_Split(2 * middle, middle, block), _Split(deep + middle, middle, block)])
        self.leave = nn.ModuleList(
            nn.Sequential(
                _convolution(middle, exit_width, kernel=kernel)
                if activated
                else nn.Conv2d(middle, exit_width, kernel, padding=kernel // 2),
                nn.Conv2d(exit_width, width, 1, bias=False) if widths else nn.Identity(),
                nn.BatchNorm2d(width),
            )
            for exit_width in (widths or (width,) * 3)
        )
        self.finest = (
            nn.Sequential(nn.Conv2d(channels[-4], width, 1, bias=False), nn.BatchNorm2d(width))
            if finest
            else None
        )
        self.deepest = deepest
        self.channels = (*(width,) * (3 + finest), *(deep,) * deepest)

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Finest first."""
        fine, middle, deep = *maps[-3:-1], self.attention(maps[-1])
        first = self.down[0](torch.cat([self.enlarge(deep), middle], 1))
        finer = self.down[1](torch.cat([self.enlarge(first), fine], 1))
        second = self.up[0](torch.cat([first, self.reduce[0](finer)], 1))
        deeper = self.up[1](torch.cat([deep, self.reduce[1](second)], 1))
        out = [leave(x) for leave, x in zip(self.leave, (finer, second, deeper), strict=True)]
        finest = [] if self.finest is None else [self.finest(maps[-4])]
        return [*finest, *out, *maps[-1:] * self.deepest]


class MapAttention(nn.Module):
    """A post-norm transformer layer over the cells of a map (B, C, H, W), told their positions; 8 heads."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, 8, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) stays."""
        positions = position_map(x.shape[2], x.shape[3], x.shape[1]).to(x).flatten(1).T
        cells = x.flatten(2).transpose(1, 2)  # (B, H * W, C)
        placed = cells + positions
        cells = self.norm1(cells + self.attention(placed, placed, cells, need_weights=False)[0])
        cells = self.norm2(cells + self.mlp(cells))
        out: Tensor = cells.transpose(1, 2).reshape(x.shape)
        return out


class _Split(nn.Module):
    """1x1 to two halves, `depth` layers in a chain on the second, all of them side by side, 1x1."""

    def __init__(self, inputs: int, outputs: int, block: Literal["nested", "plain"]) -> None:
        super().__init__()
        if block not in ("nested", "plain"):
            raise ValueError(f"block: found {block!r}, expected nested or plain")
        half = outputs // 2
        self.split = _convolution(inputs, 2 * half, kernel=1)
        layers = [_Branches(half) for _ in range(2)] if block == "nested" else [_Pair(half) for _ in range(3)]
        self.layers = nn.ModuleList(layers)
        self.join = _convolution((2 + len(layers)) * half, outputs, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        parts = list(self.split(x).chunk(2, 1))
        for layer in self.layers:
            parts.append(layer(parts[-1]))
        out: Tensor = self.join(torch.cat(parts, 1))
        return out


class _Branches(nn.Module):
    """Two 1x1 branches of half the width, two residual pairs in one of them, joined by 1x1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        half = width // 2
        self.worked = nn.Sequential(_convolution(width, half, kernel=1), _Pair(half), _Pair(half))
        self.passed = _convolution(width, half, kernel=1)
        self.join = _convolution(2 * half, width, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) stays."""
        out: Tensor = self.join(torch.cat([self.worked(x), self.passed(x)], 1))
        return out


class _Pair(nn.Module):
    """x + two 3x3 convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(*(_convolution(width, width, kernel=3) for _ in range(2)))

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, H, W) stays."""
        out: Tensor = x + self.layers(x)
        return out


def _convolution(inputs: int, outputs: int, *, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution without bias, batch norm, SiLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(inplace=True),
    )
