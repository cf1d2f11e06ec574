"""DARK: the peak of a blurred map from a Taylor step on its logarithm (Zhang et al. 2020, eq. 6-10)."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from canthus.codecs.codec import Outputs
from canthus.codecs.heatmap import TREMBLE, Heatmap
from canthus.codecs.peaks import find_peaks

#: Blur kernels up to 9 that OpenCV uses in place of the formula, times their sum.
FIXED_KERNELS = {
    1: (1,),
    3: (1, 2, 1),
    5: (1, 4, 6, 4, 1),
    7: (2, 7, 14, 18, 14, 7, 2),
    9: (4, 13, 30, 51, 60, 51, 30, 13, 4),
}
#: Values of the blurred map below this are raised to it before the logarithm.
FLOOR = 1e-10
#: Maps blurred at a time, so that they stay in the processor's cache.
FEW = 98


@dataclass(eq=False, repr=False, kw_only=True)
class Dark(Heatmap):
    """`Heatmap` with DARK's decoding: blur of `kernel` cells (odd), logarithm, one Newton step.

    No step within two cells of the border; the step has no limit, as published. `kernel` 11 goes with
    sigma 2, 17 with 3.
    """

    kernel: int = 11
    blur: Tensor = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"kernel: found {self.kernel}, expected an odd number of cells")
        self.register_buffer("blur", band(blur_kernel(self.kernel), self.side), persistent=False)

    def refine(self, maps: Tensor, peaks: Tensor) -> Tensor:
        """-H⁻¹ g from the highest cell of the unblurred map."""
        return peaks + self._newton(maps, peaks)[0]

    def margin(self, outputs: Outputs) -> Tensor:
        """`peak_margin`, or the disturbance that may move the point by about `TREMBLE` px: a flat or nearly
        singular Hessian and blurred values near zero make for a small one."""
        maps = outputs["heatmap"].float()
        step, inverse, least = self._newton(maps, find_peaks(maps)[1])
        moved = self.size / self.side * inverse * (1 + step.norm(dim=-1))  # px per relative change of a value
        return torch.minimum(self.peak_margin(maps), TREMBLE * least / moved.clamp(min=FLOOR))

    def _newton(self, maps: Tensor, peaks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The step (B, K, 2), the norm of H⁻¹ (B, K), and the least size of a blurred value it rests on."""
        steps = ((peaks > 1) & (peaks < self.side - 2)).all(-1)
        around = torch.arange(-2, 3, device=peaks.device)
        columns, rows = self.blur[(peaks[..., None] + around).clamp(0, self.side - 1)].unbind(-3)
        values = rows @ maps @ columns.mT  # (B, K, y, x) of the blurred map, the peak at 2, 2
        least = values.abs().amin((-2, -1))
        logs = torch.log((values * self._gain(maps, values, steps)[..., None, None]).clamp(min=FLOOR))
        dx = (logs[..., 2, 3] - logs[..., 2, 1]) / 2
        dy = (logs[..., 3, 2] - logs[..., 1, 2]) / 2
        dxx = (logs[..., 2, 4] - 2 * logs[..., 2, 2] + logs[..., 2, 0]) / 4
        dyy = (logs[..., 4, 2] - 2 * logs[..., 2, 2] + logs[..., 0, 2]) / 4
        dxy = (logs[..., 3, 3] - logs[..., 1, 3] - logs[..., 3, 1] + logs[..., 1, 1]) / 4
        determinant = dxx * dyy - dxy * dxy
        steps = steps & (determinant != 0)
        scale = steps / torch.where(steps, determinant, torch.ones_like(determinant))
        step = torch.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], -1) * scale[..., None]
        inverse = (dxx * dxx + dyy * dyy + 2 * dxy * dxy).sqrt() * scale.abs()
        return step, inverse, least

    def _gain(self, maps: Tensor, values: Tensor, steps: Tensor) -> Tensor:
        """What brings the blurred maps back to the maximum of `maps`: (B, K).

        A common factor of the blurred `values` (B, K, 5, 5) leaves the step as it is unless one of them lies
        below the floor (the factor is at least 1 where they are positive), so only for those maps, and those
        that `steps` (B, K), is it found: it takes the maximum of the whole blurred map.
        """
        flat = maps.flatten(0, 1)
        if torch.compiler.is_exporting():  # for all: a graph has no such choice
            return self._gains(flat).reshape(maps.shape[:2])
        gain = torch.ones_like(values[..., 0, 0])
        asked = steps & (values < FLOOR).any(-1).any(-1)
        for some in torch.split(asked.flatten().nonzero()[:, 0], FEW):
            gain.view(-1)[some] = self._gains(flat.index_select(0, some))
        return gain

    def _gains(self, maps: Tensor) -> Tensor:
        """Maxima (N,) of maps (N, side, side) over those of the blurred maps, which are found quarter by
        quarter: a cell sees no further than half the kernel."""
        half = (self.side + 1) // 2
        seen = min(self.side, half + self.kernel // 2)
        halves = ((slice(0, half), slice(0, seen)), (slice(half, None), slice(self.side - seen, None)))
        quarters = [
            (self.blur[at_y, seen_y] @ maps[:, seen_y, seen_x] @ self.blur[seen_x, at_x]).amax((-2, -1))
            for at_y, seen_y in halves
            for at_x, seen_x in halves
        ]
        highest = torch.stack(quarters).amax(0)
        return maps.amax((-2, -1)) / torch.where(highest == 0, 1.0, highest)


def blur_kernel(width: int) -> Tensor:
    """(width,) float32 summing to one: OpenCV's Gaussian of `width` cells with the sigma it derives."""
    if width in FIXED_KERNELS:
        kernel = torch.tensor(FIXED_KERNELS[width], dtype=torch.float64)
    else:
        sigma = 0.3 * ((width - 1) / 2 - 1) + 0.8
        at = torch.arange(width, dtype=torch.float64) - (width - 1) / 2
        kernel = torch.exp(-at.square() / (2 * sigma**2))
    return (kernel / kernel.sum()).float()


def band(kernel: Tensor, side: int) -> Tensor:
    """(side, side): the matrix that blurs a line of `side` cells with zeros beyond its ends."""
    at = torch.arange(side)
    place = at[:, None] - at + len(kernel) // 2
    inside = (place >= 0) & (place < len(kernel))
    return torch.where(inside, kernel[place.clamp(0, len(kernel) - 1)], torch.zeros(()))
