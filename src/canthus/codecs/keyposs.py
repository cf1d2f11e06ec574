"""KeyPosS: a Gaussian map holds distances, and a point is where they meet (Bao et al. 2023); as published.

A value h is the distance sqrt(-2 s² ln h) of the point from that cell. `paraboloid.py` has our own decoder.
"""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Attribute, Outputs
from canthus.codecs.heatmap import FlipShift, Heatmap, Published
from canthus.codecs.peaks import find_peaks, lead, read_cells, square
from canthus.schemes import Scheme

#: Values are raised to this before the logarithm.
FLOOR = 1e-9
#: Map side -> how many of the highest cells measure, in the published evaluation.
MEASURING = {64: 30, 32: 30, 16: 30, 8: 15, 4: 10}


def squared_distances(values: Tensor, sigma: float) -> Tensor:
    """Squared distances in cells that map values stand for."""
    return -2 * sigma**2 * torch.log(values.clamp(FLOOR, 1.0))


class KeyPosSBlock(Heatmap):
    """Linear least squares over the four cells of the 2x2 block of largest sum near the highest cell.

    Only differences of squared distances enter, so a common gain of the map cancels. `range_sigma` turns
    values into distances: that of the targets unless given; the published code has 2 for every network.
    Blocks that reach the last row or column are not looked at, as published.
    """

    def __init__(  # noqa: PLR0913
        self,
        scheme: Scheme,
        size: int,
        *,
        side: int = 64,
        sigma: float = 2.0,
        range_sigma: float | None = None,
        unbiased: bool = True,
        published: tuple[Published, ...] = (),
        flip_shift: FlipShift = "exact",
        attributes: tuple[Attribute, ...] = (),
    ) -> None:
        super().__init__(
            scheme,
            size,
            side=side,
            sigma=sigma,
            unbiased=unbiased,
            published=published,
            flip_shift=flip_shift,
            attributes=attributes,
        )
        self.range_sigma = sigma if range_sigma is None else range_sigma

    def refine(self, maps: Tensor, peaks: Tensor) -> Tensor:
        """The least-squares point of the chosen block."""
        sums, windows = self._blocks(maps, peaks)
        reverse = torch.arange(sums.shape[-1] - 1, -1, -1, device=sums.device)
        chosen = reverse[sums.flip(-1).max(-1).indices]  # of equal blocks the last
        row = torch.div(chosen, 4, rounding_mode="floor")
        first = row * 5 + chosen - row * 4  # the block's upper left cell in the 5x5 window
        index = first[..., None] + torch.tensor([0, 1, 5, 6], device=sums.device)
        upper_left, upper_right, lower_left, lower_right = squared_distances(
            windows.gather(-1, index), self.range_sigma
        ).unbind(-1)
        # Anchors a_i about the block's upper left cell; rows (a_4 - a_i) x = y_i, i < 4, a_4 = (1, 1).
        both = (upper_left - lower_right + 2) / 2
        down = (upper_right - lower_right + 1) / 2
        across = (lower_left - lower_right + 1) / 2
        x = (both - down + 2 * across) / 3
        y = (both + 2 * down - across) / 3
        corner = torch.stack([chosen - row * 4, row], -1) - 2
        return peaks + corner + torch.stack([x, y], -1)

    def margin(self, outputs: Outputs) -> Tensor:
        """`peak_margin` or, where smaller, the lead of the best block."""
        maps = outputs["heatmap"].float()
        sums, _ = self._blocks(maps, find_peaks(maps)[1])
        return torch.minimum(self.peak_margin(maps), lead(sums))

    def _blocks(self, maps: Tensor, peaks: Tensor) -> tuple[Tensor, Tensor]:
        """Sums (B, K, 16) of the 2x2 blocks about the peaks, -inf off the map, and the windows (B, K, 25)."""
        cells = peaks[..., None, :] + square(2).to(peaks.device)
        windows, _ = read_cells(maps, cells)
        grid = windows.reshape(*windows.shape[:2], 5, 5)
        sums = grid[..., :-1, :-1] + grid[..., :-1, 1:] + grid[..., 1:, :-1] + grid[..., 1:, 1:]
        first = cells.reshape(*grid.shape, 2)[..., :-1, :-1, :]
        allowed = ((first >= 0) & (first <= self.side - 3)).all(-1)
        return torch.where(allowed, sums, torch.full_like(sums, -torch.inf)).flatten(-2), windows


class KeyPosSTopK(Heatmap):
    """Gauss-Newton from the highest cell on sum_k (|a_k - x|² - d_k²)² over the `count` highest cells a_k.

    This is what the published evaluation runs, with at most 20 unweighted steps. Absolute distances enter:
    a map whose peak is not 1 gives a biased point. Without `count` the published number for the side is used;
    `range_sigma` is that of `KeyPosSBlock`.
    """

    steps = 20

    def __init__(  # noqa: PLR0913
        self,
        scheme: Scheme,
        size: int,
        *,
        side: int = 64,
        sigma: float = 2.0,
        range_sigma: float | None = None,
        count: int | None = None,
        unbiased: bool = True,
        published: tuple[Published, ...] = (),
        flip_shift: FlipShift = "exact",
        attributes: tuple[Attribute, ...] = (),
    ) -> None:
        super().__init__(
            scheme,
            size,
            side=side,
            sigma=sigma,
            unbiased=unbiased,
            published=published,
            flip_shift=flip_shift,
            attributes=attributes,
        )
        if count is None and side not in MEASURING:
            raise ValueError(
                f"no published count of cells for side {side}, only for {sorted(MEASURING)}; state `count`"
            )
        self.count = MEASURING[side] if count is None else count
        self.range_sigma = sigma if range_sigma is None else range_sigma
        if not 3 <= self.count <= side * side:
            raise ValueError(f"count: found {self.count}, expected 3 to {side * side} cells")

    def refine(self, maps: Tensor, peaks: Tensor) -> Tensor:
        """The point of the first step that does not lower the cost."""
        values, cells = highest_cells(maps, self.count)
        squares = squared_distances(values.double(), self.range_sigma)
        ax, ay = (cells - peaks[..., None, :]).double().unbind(-1)  # about the peak
        # With q = |a|² - d² a residual is |x|² - 2 a.x + q: sums over the cells are polynomials in x.
        q = ax * ax + ay * ay - squares
        n = self.count
        sums = [v.sum(-1) for v in (ax, ay, ax * ax, ay * ay, ax * ay, q, q * ax, q * ay, q * q)]
        sx, sy, sxx, syy, sxy, sq, sqx, sqy, sqq = sums
        x, y, last = torch.zeros_like(sx), torch.zeros_like(sx), torch.full_like(sx, torch.inf)
        for _ in range(self.steps):
            square_x = x * x + y * y
            along = sx * x + sy * y
            mx, my = sxx * x + sxy * y, sxy * x + syy * y
            total = n * square_x - 2 * along + sq
            cost = square_x * (total + sq - 2 * along) + 4 * (mx * x + my * y) - 4 * (sqx * x + sqy * y) + sqq
            gx = x * total - (sx * square_x - 2 * mx + sqx)  # J^T r / 2
            gy = y * total - (sy * square_x - 2 * my + sqy)
            jxx, jyy = n * x * x - 2 * x * sx + sxx, n * y * y - 2 * y * sy + syy  # J^T J / 4
            jxy = n * x * y - x * sy - y * sx + sxy
            determinant = jxx * jyy - jxy * jxy
            going = (cost < last) & (determinant > 0)
            scale = torch.where(going, 0.5 / torch.where(going, determinant, 1.0), 0.0)
            x, y = x - scale * (jyy * gx - jxy * gy), y - scale * (jxx * gy - jxy * gx)
            last = torch.where(going, cost, -torch.inf)
        return peaks + torch.stack([x, y], -1).float()

    def margin(self, outputs: Outputs) -> Tensor:
        """`peak_margin` or, where smaller, the lead of the last measuring cell over the next."""
        maps = outputs["heatmap"].float()
        flat = maps.flatten(2)
        if self.count == flat.shape[-1]:
            return self.peak_margin(maps)
        best = flat.topk(self.count + 1).values
        return torch.minimum(best[..., 0] - best[..., 1], best[..., -2] - best[..., -1])


def highest_cells(maps: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Values (B, K, count) of the highest cells of square maps (B, K, S, S) and the cells (B, K, count, 2) as
    x, y, in no order; of equal cells the first in row-major order.

    They lie in the `count` 2x2 blocks of highest maximum, these in the `count` 4x4 blocks of highest maximum,
    and so on: descending from the coarsest level is several times faster than a search in the whole map.
    """
    levels = [maps]
    while levels[-1].shape[-1] % 2 == 0 and levels[-1].shape[-1] ** 2 > 2 * count:
        half = levels[-1].shape[-1] // 2
        rows = levels[-1].reshape(*maps.shape[:2], half, 2, 2 * half).amax(-2)
        levels.append(torch.maximum(rows[..., 0::2], rows[..., 1::2]))
    side = levels[-1].shape[-1]
    index = torch.arange(side * side, device=maps.device).expand(*maps.shape[:2], -1)
    values = levels[-1].flatten(2)
    for level in reversed(levels[:-1]):
        if index.shape[-1] > count:
            index = index.gather(-1, values.topk(count, dim=-1, sorted=False).indices)
        cells = torch.arange(side * side, device=maps.device)
        row = torch.div(cells, side, rounding_mode="floor")
        corner = (4 * side * row + 2 * (cells - side * row))[index]
        side = 2 * side
        index = torch.cat([corner, corner + 1, corner + side, corner + side + 1], -1)
        values = level.flatten(2).gather(-1, index)
    # Lowered by a share of the value that grows with the index and is too small to change any other order.
    keys = values.double() - index * (values.double().abs() * 2.0**-40 + 1e-50)
    first = keys.topk(count, dim=-1, sorted=False).indices
    index, values = index.gather(-1, first), values.gather(-1, first)
    y = torch.div(index, side, rounding_mode="floor")
    return values, torch.stack([index - side * y, y], -1)
