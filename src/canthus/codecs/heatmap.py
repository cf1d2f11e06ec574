"""Gaussian heatmaps with a quarter-cell step towards the higher neighbour (Xiao et al. 2018)."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from canthus.codecs.codec import Attribute, Codec, Outputs, Target
from canthus.codecs.gaussian import gaussian_maps
from canthus.codecs.peaks import find_peaks, read_cells
from canthus.geometry import from_unit, to_unit
from canthus.sample import Annotations
from canthus.schemes import Scheme

Published = Literal["frame", "patch", "borders", "interior", "cell"]
FlipShift = Literal["exact", "cell", "none"]

#: Points that a disturbance moves by more, in px, are called ill-conditioned.
TREMBLE = 0.01
#: Disturbances that are tried, and their size as a share of the highest value.
PROBES, PROBE = 4, 1e-4


@dataclass(eq=False, repr=False)
class Heatmap(Codec):
    """Field `heatmap` (B, K, side, side): exp(-d²/2 sigma²), d and sigma in cells. The score is the maximum.

    `unbiased` targets are centred on the true position, the others on the nearest cell. A cell covers the
    crop pixels below it. `published` names what is done as in mmpose instead, for networks trained with it
    (the last one as in face-alignment):

        frame    cell c lies at crop px c * size / side, so that cell 0 sits on pixel 0
        patch    target patches near the border, see `gaussian_maps`
        borders  no step from column 1, along x in row 0, along y in column 0; (-1, -1) where no cell is > 0
        interior no step at all from the outermost columns and rows
        cell     no step at all: the highest cell (the light-weight challenge)

    In the published frame the map of a mirrored crop lies 1 - side / size cells to the left of its place.
    `flip_shift` moves it back: `exact` by just that, interpolated; `cell` by a whole cell, as published (the
    flip test then errs by half a crop px); `none` not at all.

    `peak` is the value of a target where its point lies, and of a score of 1.

    A decoder of its own is a subclass with another `refine` and `margin`. The class is a dataclass so that it
    inherits these options and adds its own as fields.
    """

    scheme: Scheme
    size: int
    _: KW_ONLY
    side: int = 64
    sigma: float = 2.0
    unbiased: bool = True
    published: tuple[Published, ...] = ()
    flip_shift: FlipShift = "exact"
    attributes: tuple[Attribute, ...] = ()
    peak: float = 1.0

    def __post_init__(self) -> None:
        super().__init__(self.scheme, self.size, self.attributes)
        unknown = set(self.published) - set(get_args(Published))
        if unknown:
            raise ValueError(f"published: found {sorted(unknown)}, expected some of {get_args(Published)}")
        if not self.peak > 0:
            raise ValueError(f"peak: found {self.peak}, expected a number above 0")
        if self.flip_shift not in get_args(FlipShift):
            raise ValueError(f"flip_shift: found {self.flip_shift!r}, expected one of {get_args(FlipShift)}")
        if self.flip_shift != "exact" and "frame" not in self.published:
            raise ValueError(f"flip_shift {self.flip_shift!r} belongs to published: [frame]; leave it out")

    def point_fields(self) -> dict[str, tuple[int, ...]]:
        """`heatmap` (K, side, side)."""
        return {"heatmap": (len(self.scheme), self.side, self.side)}

    def to_cells(self, points: Tensor) -> Tensor:
        """Crop px (..., 2) as map cells, cell centres at whole numbers."""
        if "frame" in self.published:
            return points * (self.side / self.size)
        cells: Tensor = from_unit(to_unit(points, self.size), self.side)
        return cells

    def from_cells(self, cells: Tensor) -> Tensor:
        """Map cells (..., 2) as crop px."""
        if "frame" in self.published:
            return cells * (self.size / self.side)
        points: Tensor = from_unit(to_unit(cells, self.side), self.size)
        return points

    def encode_points(self, annotations: Annotations) -> dict[str, Target]:
        """The map of each point; no weight for points without position or with their blob off the map."""
        known = torch.isfinite(annotations.points).all(-1)
        maps, weight = gaussian_maps(
            self.to_cells(torch.nan_to_num(annotations.points)),
            known.to(annotations.points),
            self.side,
            sigma=self.sigma,
            unbiased=self.unbiased,
            published="patch" in self.published,
        )
        maps = maps if self.peak == 1 else self.peak * maps
        return {"heatmap": Target(maps, weight * annotations.weight[:, None])}

    def decode_points(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """The refined peaks in crop px, and the maxima over `peak`."""
        maps = outputs["heatmap"].float()
        if self.peak != 1:  # a copy of all maps takes longer than decoding them
            maps = maps / self.peak
        best, peaks = find_peaks(maps)
        cells = self.refine(maps, peaks)
        if "borders" in self.published:
            cells = torch.where(best[..., None] > 0, cells, torch.full_like(cells, -1))
        return self.from_cells(cells), best

    def refine(self, maps: Tensor, peaks: Tensor) -> Tensor:
        """Sub-cell positions (B, K, 2) from maps (B, K, side, side) and their highest cells (B, K, 2)."""
        if "cell" in self.published:
            return peaks.to(maps)
        step = 0.25 * torch.sign(self._slopes(maps, peaks))
        last = self.side - 1
        ahead = (peaks > 0) & (peaks < last)
        if "borders" in self.published:
            ahead = (peaks > 1) & (peaks < last) & (peaks.flip(-1) > 0)
        if "interior" in self.published:
            ahead = ahead.all(-1, keepdim=True)
        return peaks + torch.where(ahead, step, torch.zeros_like(step))

    def margin(self, outputs: Outputs) -> Tensor:
        """`peak_margin`, or how close its neighbours are to changing the step's direction."""
        maps = outputs["heatmap"].float()
        if "cell" in self.published:
            return self.peak_margin(maps)
        slopes = self._slopes(maps, find_peaks(maps)[1]).abs().amin(-1)
        return torch.minimum(self.peak_margin(maps), slopes)

    def peak_margin(self, maps: Tensor) -> Tensor:
        """How far (B, K) the highest cell of maps (B, K, side, side) is from being another, or from zero."""
        best = maps.flatten(2).topk(2, dim=-1).values
        return torch.minimum(best[..., 0] - best[..., 1], best[..., 0].abs())

    def trembling_margin(self, maps: Tensor) -> Tensor:
        """The disturbance (B, K) of maps (B, K, side, side) that may move a point by about `TREMBLE` px, from
        what a few small ones do to it: fits to maps without a blob may follow the last digit."""
        points = self.decode_points({"heatmap": maps})[0]
        size = PROBE * maps.abs().amax((-2, -1))  # (B, K)
        generator = torch.Generator().manual_seed(0)
        moved = torch.full_like(size, 1e-12)
        for _ in range(PROBES):
            noise = (2 * torch.rand(maps.shape, generator=generator) - 1).to(maps.device)
            disturbed = maps + size[..., None, None] * noise
            change = (self.decode_points({"heatmap": disturbed})[0] - points).norm(dim=-1)
            moved = torch.maximum(moved, change)
        return TREMBLE * size / moved

    def mirror_points(self, outputs: Outputs, order: Tensor) -> Outputs:
        """Maps mirrored, reordered and moved by the flip shift."""
        maps = outputs["heatmap"][:, order].flip(-1)
        share = 1 - self.side / self.size if self.flip_shift == "exact" else 1.0
        if "frame" in self.published and self.flip_shift != "none":
            moved = torch.cat([maps[..., :1], maps[..., :-1]], -1)
            maps = share * moved + (1 - share) * maps if share < 1 else moved
        return {"heatmap": maps}

    @staticmethod
    def _slopes(maps: Tensor, peaks: Tensor) -> Tensor:
        """Right minus left and lower minus upper neighbour (B, K, 2) of the peaks."""
        around = torch.tensor([[1, 0], [-1, 0], [0, 1], [0, -1]], device=peaks.device)
        right, left, below, above = read_cells(maps, peaks[..., None, :] + around)[0].unbind(-1)
        return torch.stack([right - left, below - above], -1)
