"""DARK: the peak of a blurred map from a Taylor step on its logarithm (Zhang et al. 2020, eq. 6-10)."""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Attribute, Outputs
from canthus.codecs.heatmap import FlipShift, Heatmap, Published
from canthus.codecs.peaks import read_cells, square
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
        blurred = self.blur @ (maps @ self.blur)
        highest = blurred.amax((-2, -1))
        gain = maps.amax((-2, -1)) / torch.where(highest == 0, torch.ones_like(highest), highest)
        around = square(2).to(peaks.device)
        values = read_cells(blurred, peaks[..., None, :] + around)[0] * gain[..., None]
        logs = torch.log(values.clamp(min=FLOOR)).reshape(*gain.shape, 5, 5)  # (B, K, y, x), peak at 2, 2
        dx = (logs[..., 2, 3] - logs[..., 2, 1]) / 2
        dy = (logs[..., 3, 2] - logs[..., 1, 2]) / 2
        dxx = (logs[..., 2, 4] - 2 * logs[..., 2, 2] + logs[..., 2, 0]) / 4
        dyy = (logs[..., 4, 2] - 2 * logs[..., 2, 2] + logs[..., 0, 2]) / 4
        dxy = (logs[..., 3, 3] - logs[..., 1, 3] - logs[..., 3, 1] + logs[..., 1, 1]) / 4
        determinant = dxx * dyy - dxy * dxy
        steps = ((peaks > 1) & (peaks < self.side - 2)).all(-1) & (determinant != 0)
        safe = torch.where(steps, determinant, torch.ones_like(determinant))
        step = torch.stack([dxy * dy - dyy * dx, dxy * dx - dxx * dy], -1) / safe[..., None]
        return peaks + torch.where(steps[..., None], step, torch.zeros_like(step))

    def margin(self, outputs: Outputs) -> Tensor:
        """The lead of the highest cell."""
        return self.peak_margin(outputs["heatmap"].float())


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
