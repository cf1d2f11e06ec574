"""The logarithm of a Gaussian map is a paraboloid: its vertex by weighted least squares about the peak."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from canthus.codecs.codec import Outputs
from canthus.codecs.heatmap import Heatmap
from canthus.codecs.peaks import read_cells, square

#: Pulls the vertex to the highest cell and the width to `sigma` where the map says nothing.
RIDGE = 1e-6
#: With a free width: the least and the largest it may be, in units of `sigma`.
WIDTHS = (0.5, 2.0)


@dataclass(eq=False, repr=False, kw_only=True)
class Paraboloid(Heatmap):
    """Multilateration of KeyPosS with a free gain: ln h = c + b.a - g |a|²/2 in a window about the peak.

    c holds the gain, b / g is the point, g = 1 / sigma² unless `free_sigma`. The fit weighs each cell by the
    squared value of the map it has found so far (for equal noise in all cells the most precise one): first
    on the logarithms with the map's own values as weights, then on their expansion about the fitted map,
    which holds for cells below zero too. `radius` is that of the window in cells, 2 sigma unless given.
    """

    #: Fits after one another; a fourth moves points by less than a hundredth of the error.
    fits: ClassVar = 3
    radius: int | None = None
    free_sigma: bool = False
    offsets: Tensor = field(init=False)
    basis: Tensor = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reach < 1:
            raise ValueError(f"radius: found {self.radius}, expected at least 1 cell")
        offsets = square(self.reach)
        x, y = offsets.float().unbind(-1)
        self.register_buffer("offsets", offsets, persistent=False)
        # The terms of ln h (M, 4): gain, b and -g / 2.
        self.register_buffer("basis", torch.stack([torch.ones_like(x), x, y, x * x + y * y], -1), False)

    @property
    def reach(self) -> int:
        """The window's radius in cells."""
        return math.ceil(2 * self.sigma) if self.radius is None else self.radius

    def refine(self, maps: Tensor, peaks: Tensor) -> Tensor:
        """The vertex, at most a window's radius from the highest cell."""
        values, inside = read_cells(maps, peaks[..., None, :] + self.offsets)  # (B, K, M)
        top = values.amax(-1, keepdim=True)
        positive = top > 0
        values = torch.where(positive, values / torch.where(positive, top, 1.0), 0.0)
        logs = torch.log(values.clamp(min=1e-9))
        weights = inside * values.clamp(min=0.0).square()
        for fit in range(self.fits):
            gain, bx, by, bend = self._fit(weights, logs)
            if fit + 1 < self.fits:
                model = torch.stack([gain, bx, by, bend], -1).float() @ self.basis.T
                model = model.clamp(-20.0, 1.0)
                height = torch.exp(model)
                logs = model + ((values - height) / height.clamp(min=1e-3)).clamp(-3.0, 3.0)
                weights = inside * height.square()
        vertex = torch.stack([bx, by], -1) / (-2 * bend[..., None])
        vertex = torch.where(positive, vertex.float(), 0.0).clamp(-float(self.reach), float(self.reach))
        return peaks + vertex

    def margin(self, outputs: Outputs) -> Tensor:
        """`peak_margin` or, where smaller, `trembling_margin`."""
        maps = outputs["heatmap"].float()
        return torch.minimum(self.peak_margin(maps), self.trembling_margin(maps))

    def _fit(self, weights: Tensor, logs: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Least squares of `logs` (B, K, M) -> coefficients of the four terms, (B, K) float64 each."""
        one, x, y, square_ = self.basis.unbind(-1)
        bend = -1 / (2 * self.sigma**2)
        unknown = [one, x, y, *([square_] if self.free_sigma else [])]
        rest = logs - bend * square_  # with a free width, the unknown is what it adds to `bend`
        size = len(unknown)
        products = torch.stack([unknown[i] * unknown[j] for i in range(size) for j in range(size)], -1)
        flat = (weights @ products).double()
        rows = [[flat[..., i * size + j] for j in range(size)] for i in range(size)]
        for i in range(size):
            rows[i][i] = rows[i][i] + RIDGE
        right = (weights * rest) @ torch.stack(unknown, -1)
        solution = solve(rows, list(right.double().unbind(-1)))
        if self.free_sigma:
            narrow, wide = (bend / share**2 for share in WIDTHS)
            total = (bend + solution[3]).clamp(narrow, wide)
        else:
            total = torch.full_like(solution[0], bend)
        return solution[0], solution[1], solution[2], total


def solve(rows: list[list[Tensor]], right: list[Tensor]) -> list[Tensor]:
    """The solution of small symmetric positive definite systems, entries (...) each, by elimination."""
    size = len(right)
    rows, right = [list(row) for row in rows], list(right)
    for i in range(size):
        for j in range(i + 1, size):
            factor = rows[j][i] / rows[i][i]
            for k in range(i, size):
                rows[j][k] = rows[j][k] - factor * rows[i][k]
            right[j] = right[j] - factor * right[i]
    out = list(right)
    for i in reversed(range(size)):
        for j in range(i + 1, size):
            out[i] = out[i] - rows[i][j] * out[j]
        out[i] = out[i] / rows[i][i]
    return out
