"""Hourglass-52: one hourglass (Newell et al. 2016) of plain residual blocks (Law and Deng 2018)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate

from canthus.models.initialization import initialize_normal
from canthus.models.layers import convolution
from canthus.models.residual import basic


class Hourglass(nn.Module):
    """(B, 3, S, S) -> one map (B, widths[0], S / 4, S / 4); S is a multiple of 4 * 2^levels.

    `widths` are the channels from the finest level down to the bottom, `depths` the residual blocks of a
    path there; `stem` is the width at stride 2.
    """

    def __init__(
        self,
        *,
        stem: int = 128,
        widths: tuple[int, ...] = (256, 256, 384, 384, 384, 512),
        depths: tuple[int, ...] = (2, 2, 2, 2, 2, 4),
    ) -> None:
        super().__init__()
        if len(widths) != len(depths) or len(widths) < 2:
            raise ValueError(
                f"found {len(widths)} widths and {len(depths)} depths, expected as many and two or more"
            )
        self.channels = (widths[0],)
        self.multiple = 4 * 2 ** (len(widths) - 1)
        self.stem = nn.Sequential(convolution(3, stem, kernel=7, stride=2), basic(stem, widths[0], stride=2))
        self.hourglass = Level(widths, depths)
        self.last = convolution(widths[0], widths[0])
        initialize_normal(self)

    def forward(self, images: Tensor) -> list[Tensor]:
        """The one map."""
        if images.shape[-1] % self.multiple or images.shape[-2] % self.multiple:
            raise ValueError(
                f"hourglass: found images {tuple(images.shape[-2:])}, expected sides in {self.multiple}s"
            )
        return [self.last(self.hourglass(self.stem(images)))]


class Level(nn.Module):
    """One level and all below it: x by a side path plus x by half the size; (B, widths[0], H, W) stays.

    The blocks up to the last of `up` have the width of the level below, so does the first of `down` after
    its stride.
    """

    def __init__(self, widths: tuple[int, ...], depths: tuple[int, ...]) -> None:
        super().__init__()
        (here, below), depth = widths[:2], depths[0]
        self.side = nn.Sequential(*(basic(here, here) for _ in range(depth)))
        self.down = nn.Sequential(
            basic(here, below, stride=2), *(basic(below, below) for _ in range(depth - 1))
        )
        self.below = (
            Level(widths[1:], depths[1:])
            if len(widths) > 2
            else nn.Sequential(*(basic(below, below) for _ in range(depths[1])))
        )
        self.up = nn.Sequential(*(basic(below, below) for _ in range(depth - 1)), basic(below, here))

    def forward(self, x: Tensor) -> Tensor:
        """Side path plus what comes up from below, enlarged (nearest)."""
        out: Tensor = self.side(x) + interpolate(
            self.up(self.below(self.down(x))), scale_factor=2, mode="nearest"
        )
        return out
