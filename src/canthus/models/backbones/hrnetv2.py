"""HRNetV2 (Sun et al. 2019): maps of several sizes side by side that exchange what they see."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from canthus.models.initialization import initialize_normal
from canthus.models.layers import convolution
from canthus.models.residual import basic, bottleneck, linear

BLOCKS = 4  # residual blocks of a branch between two exchanges


class HRNetV2(nn.Module):
    """(B, 3, S, S) -> one map a branch, each half the size of the one before, widths `width` * 2^i.

    `strides` are those of the 3x3 stem convolutions; their product is the stride of the finest map.
    `exchanges` counts the exchange modules of stage 2, 3, ...; each stage adds a branch. KeyPosS's
    low-resolution networks have other stems and, below 16 cells, fewer stages:

        cells  64     32     16     8        4
        strides 2,2   4,2    4,4    4,4,2    4,4,2,2
        exchanges 1,4,3      ...    1,4      1
    """

    def __init__(
        self,
        *,
        width: int = 18,
        strides: tuple[int, ...] = (2, 2),
        exchanges: tuple[int, ...] = (1, 4, 3),
    ) -> None:
        super().__init__()
        self.channels = tuple(width * 2**branch for branch in range(len(exchanges) + 1))
        self.stem = nn.Sequential(
            *(convolution(64 if i else 3, 64, stride=stride) for i, stride in enumerate(strides))
        )
        self.layer1 = nn.Sequential(bottleneck(64, 256), *(bottleneck(256, 256) for _ in range(3)))
        branches = [(256,), *(self.channels[: count + 2] for count in range(len(exchanges)))]
        self.stages = nn.ModuleList(
            Stage(before, after, count)
            for before, after, count in zip(branches, branches[1:], exchanges, strict=False)
        )
        initialize_normal(self)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The maps of all branches, finest first."""
        maps = [self.layer1(self.stem(images))]
        for stage in self.stages:
            maps = stage(maps)
        return maps


class Stage(nn.Module):
    """Maps of widths `before` -> maps of widths `after`, one more: a transition, then exchange modules."""

    def __init__(self, before: tuple[int, ...], after: tuple[int, ...], exchanges: int) -> None:
        super().__init__()
        kept = [
            nn.Identity() if old == new else convolution(old, new)
            for old, new in zip(before, after, strict=False)
        ]
        self.transitions = nn.ModuleList([*kept, convolution(before[-1], after[-1], stride=2)])
        self.exchanges = nn.Sequential(*(Exchange(after) for _ in range(exchanges)))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """The last map serves its own branch and the new one."""
        sources = [*maps, maps[-1]]
        maps = [transition(x) for transition, x in zip(self.transitions, sources, strict=True)]
        out: list[Tensor] = self.exchanges(maps)
        return out


class Exchange(nn.Module):
    """Residual blocks in every branch, then each branch receives the ReLU of the sum of all."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(*(basic(width, width) for _ in range(BLOCKS))) for width in widths
        )
        self.fusions = nn.ModuleList(
            nn.ModuleList(_fusion(widths, source, target) for source in range(len(widths)))
            for target in range(len(widths))
        )

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """(B, C_i, H_i, W_i) each -> the same shapes."""
        maps = [branch(x) for branch, x in zip(self.branches, maps, strict=True)]
        fused = []
        for target, fusions in zip(maps, self.fusions, strict=True):
            assert isinstance(fusions, nn.ModuleList)
            arriving = [_enlarged(fusion(x), target) for fusion, x in zip(fusions, maps, strict=True)]
            total = arriving[0]
            for x in arriving[1:]:
                total = total + x
            fused.append(torch.relu(total))
        return fused


def _fusion(widths: tuple[int, ...], source: int, target: int) -> nn.Module:
    """From branch `source` to branch `target`: a coarser one by 1x1, a finer one by strided 3x3 steps."""
    if source == target:
        return nn.Identity()
    if source > target:
        return linear(widths[source], widths[target])
    steps = [convolution(widths[source], widths[source], stride=2) for _ in range(target - source - 1)]
    return nn.Sequential(*steps, linear(widths[source], widths[target], kernel=3, stride=2))


def _enlarged(x: Tensor, target: Tensor) -> Tensor:
    """`x` with the size of `target`, bilinear; unchanged where it has it."""
    if x.shape[-2:] == target.shape[-2:]:
        return x
    return interpolate(x, size=target.shape[-2:], mode="bilinear", align_corners=False)
