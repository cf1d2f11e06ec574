"""DARK: the peak of a blurred map from a Taylor step on its logarithm (Zhang et al. 2020, eq. 6-10)."""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Attribute, Outputs
from canthus.codecs.heatmap import FlipShift, Heatmap, Published
from canthus.codecs.peaks import find_peaks, read_cells, square
from canthus.schemes import Scheme

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
#: Points that a disturbance moves by more, in px, are called ill-conditioned.
TREMBLE = 0.01


class Dark(Heatmap):
    """`Heatmap` with DARK's decoding: blur of `kernel` cells (odd), logarithm, one Newton step.

    No step within two cells of the border; the step has no limit, as published. `kernel` 11 goes with
    sigma 2, 17 with 3.
    """

    blur: Tensor

    def __init__(  # noqa: PLR0913
        self,
        scheme: Scheme,
        size: int,
        *,
        side: int = 64,
        sigma: float = 2.0,
        unbiased: bool = True,
        kernel: int = 11,
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
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f"kernel: found {kernel}, expected an odd number of cells")
        self.register_buffer("blur", band(blur_kernel(kernel), side), persistent=False)

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
        blurred = self.blur @ (maps @ self.blur)
        highest = blurred.amax((-2, -1))
        gain = maps.amax((-2, -1)) / torch.where(highest == 0, torch.ones_like(highest), highest)
        around = square(2).to(peaks.device)
        values, _ = read_cells(blurred, peaks[..., None, :] + around)
        logs = torch.log((values * gain[..., None]).clamp(min=FLOOR))
        logs = logs.reshape(*gain.shape, 5, 5)  # (B, K, y, x), the peak at 2, 2
        dx = (logs[..., 2, 3] - logs[..., 2, 1]) / 2
        dy = (logs[..., 3, 2] - logs[..., 1, 2]) / 2
        dxx = (logs[..., 2, 4] - 2 * logs[..., 2, 2] + logs[..., 2, 0]) / 4
        dyy = (logs[..., 4, 2] - 2 * logs[..., 2, 2] + logs[..., 0, 2]) / 4
        dxy = (logs[..., 3, 3] - logs[..., 1, 3] - logs[..., 3, 1] + logs[..., 1, 1]) / 4
        determinant = dxx * dyy - dxy * dxy
        steps = ((peaks > 1) & (peaks < self.side - 2)).all(-1) & (determinant != 0)
        scale = steps / torch.where(steps, determinant, torch.ones_like(determinant))
        step = torch.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], -1) * scale[..., None]
        inverse = (dxx * dxx + dyy * dyy + 2 * dxy * dxy).sqrt() * scale.abs()
        return step, inverse, values.abs().amin(-1)


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
