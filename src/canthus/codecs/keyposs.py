"""KeyPosS: a Gaussian map holds distances, and a point is where they meet (Bao et al. 2023); as published.

A value h is the distance sqrt(-2 s² ln h) of the point from that cell. `paraboloid.py` has our own decoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor
from torch._higher_order_ops.while_loop import while_loop

from canthus.codecs.codec import Outputs
from canthus.codecs.heatmap import Heatmap
from canthus.codecs.highest import highest_cells
from canthus.codecs.peaks import find_peaks, lead, read_cells, square

#: Values are raised to this before the logarithm.
FLOOR = 1e-9
#: Map side -> how many of the highest cells measure, in the published evaluation.
MEASURING = {64: 30, 32: 30, 16: 30, 8: 15, 4: 10}


@dataclass(eq=False, repr=False, kw_only=True)
class KeyPosS(Heatmap):
    """What both decoders share: `range_sigma` turns values into distances; it is that of the targets unless
    given. The published code has 2 for every network."""

    range_sigma: float | None = None

    def squared_distances(self, values: Tensor) -> Tensor:
        """Squared distances in cells that map values stand for."""
        sigma = self.sigma if self.range_sigma is None else self.range_sigma
        return -2 * sigma**2 * torch.log(values.clamp(FLOOR, 1.0))


@dataclass(eq=False, repr=False, kw_only=True)
class KeyPosSBlock(KeyPosS):
    """Linear least squares over the four cells of the 2x2 block of largest sum near the highest cell.

    Only differences of squared distances enter, so a common gain of the map cancels. As published, the blocks
    looked at have their upper left cell up to two columns and rows before the highest one, but none after it,
    and none reaches the last column or row of the map.
    """

    def refine(self, maps: Tensor, peaks: Tensor) -> Tensor:
        """The least-squares point of the chosen block."""
        sums, windows = self._blocks(maps, peaks)
        reverse = torch.arange(sums.shape[-1] - 1, -1, -1, device=sums.device)
        chosen = reverse[sums.flip(-1).max(-1).indices]  # of equal blocks the last
        row = torch.div(chosen, 3, rounding_mode="floor")
        column = chosen - row * 3
        first = row * 4 + column  # the block's upper left cell in the 4x4 window
        index = first[..., None] + torch.tensor([0, 1, 4, 5], device=sums.device)
        upper_left, upper_right, lower_left, lower_right = self.squared_distances(
            windows.gather(-1, index)
        ).unbind(-1)
        # Anchors a_i about the block's upper left cell; rows (a_4 - a_i) x = y_i, i < 4, a_4 = (1, 1).
        both = (upper_left - lower_right + 2) / 2
        down = (upper_right - lower_right + 1) / 2
        across = (lower_left - lower_right + 1) / 2
        x = (both - down + 2 * across) / 3
        y = (both + 2 * down - across) / 3
        corner = torch.stack([column, row], -1) - 2
        return peaks + corner + torch.stack([x, y], -1)

    def margin(self, outputs: Outputs) -> Tensor:
        """`peak_margin`, `trembling_margin` or the lead of the best block, whichever is least."""
        maps = outputs["heatmap"].float()
        sums, _ = self._blocks(maps, find_peaks(maps)[1])
        clear = torch.minimum(self.peak_margin(maps), lead(sums))
        return torch.minimum(clear, self.trembling_margin(maps))

    def _blocks(self, maps: Tensor, peaks: Tensor) -> tuple[Tensor, Tensor]:
        """Sums (B, K, 9) of the 2x2 blocks about the peaks, -inf off the map, and the windows (B, K, 16)."""
        offsets = square(2).reshape(5, 5, 2)[:-1, :-1].to(peaks.device)  # x and y from -2 to 1
        cells = peaks[..., None, None, :] + offsets
        windows, _ = read_cells(maps, cells.flatten(-3, -2))
        grid = windows.reshape(cells.shape[:-1])
        sums = grid[..., :-1, :-1] + grid[..., :-1, 1:] + grid[..., 1:, :-1] + grid[..., 1:, 1:]
        first = cells[..., :-1, :-1, :]
        allowed = ((first >= 0) & (first <= self.side - 3)).all(-1)
        return torch.where(allowed, sums, torch.full_like(sums, -torch.inf)).flatten(-2), windows


@dataclass(eq=False, repr=False, kw_only=True)
class KeyPosSTopK(KeyPosS):
    """Gauss-Newton from the highest cell on sum_k (|a_k - x|² - d_k²)² over the `count` highest cells a_k.

    This is what the published evaluation runs, with at most 20 unweighted steps. Absolute distances enter:
    a map whose peak is not 1 gives a biased point. Without `count` the published number for the side is used.
    """

    steps: ClassVar = 20

    count: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.count is None and self.side not in MEASURING:
            raise ValueError(
                f"no published count of cells for side {self.side}, only for {sorted(MEASURING)}; "
                "state `count`"
            )
        if not 3 <= self.measuring <= self.side**2:
            raise ValueError(f"count: found {self.count}, expected 3 to {self.side**2} cells")

    @property
    def measuring(self) -> int:
        """How many cells measure."""
        return MEASURING[self.side] if self.count is None else self.count

    def refine(self, maps: Tensor, peaks: Tensor) -> Tensor:
        """The point of the first step that does not lower the cost."""
        values, cells = highest_cells(maps, self.measuring)
        anchors = (cells - peaks[..., None, :]).double()  # about the peak
        moments = Moments.of(anchors, self.squared_distances(values.double()))
        at = torch.zeros_like(moments.x)
        point = descend(moments, (at, at.clone(), torch.full_like(at, torch.inf)), self.steps)
        return peaks + torch.stack(point, -1).float()

    def margin(self, outputs: Outputs) -> Tensor:
        """The least of `peak_margin`, `trembling_margin` and the lead of the last measuring cell."""
        maps = outputs["heatmap"].float()
        least = torch.minimum(self.peak_margin(maps), self.trembling_margin(maps))
        if self.measuring < self.side**2:
            best = maps.flatten(2).topk(self.measuring + 1).values
            least = torch.minimum(least, best[..., -2] - best[..., -1])
        return least


class Moments(NamedTuple):
    """Sums (B, K) float64 over the cells a = (x, y), with q = |a|² - d².

    A residual is |p|² - 2 a.p + q, so that cost, gradient and J^T J are polynomials of p in these sums.
    """

    n: Tensor
    x: Tensor
    y: Tensor
    xx: Tensor
    yy: Tensor
    xy: Tensor
    q: Tensor
    qx: Tensor
    qy: Tensor
    qq: Tensor

    @classmethod
    def of(cls, anchors: Tensor, squares: Tensor) -> Moments:
        """Of cells (B, K, N, 2) at squared distances (B, K, N)."""
        x, y = anchors.unbind(-1)
        q = x * x + y * y - squares
        terms = (torch.ones_like(x), x, y, x * x, y * y, x * y, q, q * x, q * y, q * q)
        return cls(*(term.sum(-1) for term in terms))

    def step(self, x: Tensor, y: Tensor, last: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A Gauss-Newton step from points (x, y) where their cost is below `last`, and their cost; points
        that stay have -inf for it and never move again."""
        square = x * x + y * y
        along = self.x * x + self.y * y
        mx, my = self.xx * x + self.xy * y, self.xy * x + self.yy * y
        total = self.n * square - 2 * along + self.q
        cost = square * (total + self.q - 2 * along) + self.qq
        cost = cost + 4 * ((mx - self.qx) * x + (my - self.qy) * y)
        gx = x * total - (self.x * square - 2 * mx + self.qx)  # J^T r / 2
        gy = y * total - (self.y * square - 2 * my + self.qy)
        jxx = self.n * x * x - 2 * x * self.x + self.xx  # J^T J / 4
        jyy = self.n * y * y - 2 * y * self.y + self.yy
        jxy = self.n * x * y - x * self.y - y * self.x + self.xy
        determinant = jxx * jyy - jxy * jxy
        going = (cost < last) & (determinant > 0)
        scale = torch.where(going, 0.5 / torch.where(going, determinant, 1.0), 0.0)
        moved = x - scale * (jyy * gx - jxy * gy), y - scale * (jxx * gy - jxy * gx)
        return *moved, torch.where(going, cost, -torch.inf)


def descend(moments: Moments, state: tuple[Tensor, Tensor, Tensor], steps: int) -> tuple[Tensor, Tensor]:
    """x and y after `steps` steps or when no point moves any more; one loop in an exported graph."""
    if not torch.compiler.is_exporting():
        for _ in range(steps):
            state = moments.step(*state)
            if torch.isneginf(state[2]).all():
                break
        return state[0], state[1]

    def goes_on(step: Tensor, *state: Tensor) -> Tensor:
        return (step < steps) & (state[2] > -torch.inf).any()

    def body(step: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        return step + 1, *moments.step(*state)

    start = torch.zeros((), dtype=torch.int64)
    _, x, y, _ = while_loop(goes_on, body, (start, *state))  # type: ignore[no-untyped-call]
    return x, y
