"""STAR: the error along the axes of the heat map's spread, each over its deviation (Zhou et al. 2023)."""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Outputs, Target
from canthus.codecs.soft_argmax import covariance_of_map, mean_of
from canthus.losses.anisotropic_direction import smooth_length
from canthus.losses.loss import Loss

#: Added to variances under a root; squared differences below which a spread has no direction.
FLOOR, ROUND = 1e-5, 1e-16


class Star(Loss):
    """Sum over both axes of smooth-L1(error) / deviation, plus `spread` times both variances.

    Reads the field `heatmap` and the target `points`. Lengths are in half crop sides: the crop spans -1 to 1.
    Errors below `smooth` count by their square. Gradients flow through mean, axes and variances.
    """

    def __init__(self, *, smooth: float = 0.01, spread: float = 1.0) -> None:
        super().__init__()
        self.smooth, self.spread = smooth, spread

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """The weighted mean over labelled points."""
        maps, target = outputs["heatmap"].float(), targets["points"]
        error = 2 * (target.value - mean_of(maps))
        variances, axes = principal_axes(4 * covariance_of_map(maps))
        along = (axes @ error[..., None])[..., 0]
        losses = smooth_length(along.square(), self.smooth) / (variances + FLOOR).sqrt()
        return target.mean(losses.sum(-1) + self.spread * variances.sum(-1))


def principal_axes(covariance: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues (..., 2), the smaller first, and unit eigenvectors as rows (..., 2, 2) of symmetric
    matrices (..., 2, 2); in closed form, with finite gradients for round ones too.

    With half the difference of the diagonal d, mean m and off-diagonal b the values are m -+ sqrt(d² + b²),
    and the longer axis has the angle atan2(b, d) / 2.
    """
    xx, xy, yy = covariance[..., 0, 0], covariance[..., 0, 1], covariance[..., 1, 1]
    middle, half = (xx + yy) / 2, (xx - yy) / 2
    square = half.square() + xy.square()
    is_round = square < ROUND
    radius = torch.where(is_round, 0, torch.where(is_round, 1, square).sqrt())
    angle = torch.atan2(torch.where(is_round, 0, xy), torch.where(is_round, 1, half)) / 2
    cos, sin = torch.cos(angle), torch.sin(angle)
    axes = torch.stack([torch.stack([-sin, cos], -1), torch.stack([cos, sin], -1)], -2)
    return torch.stack([middle - radius, middle + radius], -1).clamp(min=0), axes
