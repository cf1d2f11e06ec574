"""Coarse maps of some landmarks, taught beside the points (Dai et al. 2024, "Cephalometric landmark
regression with CNN + dual encoder")."""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Outputs, Target
from canthus.losses.loss import Loss


class AuxiliaryMaps(Loss):
    """Mean squared error and Dice loss of `maps` (B, M, h, w), logits, of the first M landmarks.

    The target is a Gaussian of peak 1 and `sigma` cells about the point; points without a position, and
    those out of the crop, have no weight.
    """

    def __init__(self, *, sigma: float = 1.0) -> None:
        super().__init__()
        self.sigma = sigma

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """The weighted mean over maps."""
        maps, target = torch.sigmoid(outputs["maps"].float()), targets["points"]
        count, height, width = maps.shape[1:]
        points, weight = target.value[:, :count], target.weight[:, :count]
        inside = ((points >= 0) & (points <= 1)).all(-1)
        truth = self.gaussians(points, height, width)
        squares = (maps - truth).square().mean((-2, -1))
        overlap = 2 * (maps * truth).sum((-2, -1)) / (maps.square() + truth.square()).sum((-2, -1))
        return Target(truth, weight * inside).mean(squares + 1 - overlap)

    def gaussians(self, points: Tensor, height: int, width: int) -> Tensor:
        """Points (B, M, 2), shares of the crop -> maps (B, M, height, width)."""
        x = torch.arange(width, device=points.device) + 0.5 - points[..., :1] * width  # (B, M, width), cells
        y = torch.arange(height, device=points.device) + 0.5 - points[..., 1:] * height
        rows, columns = (torch.exp(-(d.square()) / (2 * self.sigma**2)) for d in (y, x))
        return rows[..., :, None] * columns[..., None, :]
