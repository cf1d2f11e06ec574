"""Errors across an edge cost more than errors along it (ADNet, Huang et al. 2021)."""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Outputs, Target
from canthus.losses.loss import Loss

#: The variance along an edge over the one across it counts between these.
LOW, HIGH = 1.0, 9.0


class AnisotropicDirection(Loss):
    """Smooth-L1 of a length that weighs the error's part along the normal l times as much as the other.

    l is the variance of the `heatmap` about the point, along the edge over across it, held fixed; normals
    come from the codec's target. Points on no edge have a plain length. Reads `points` and `heatmap`; lengths
    are in half crop sides, below `smooth` they count by their square.
    """

    def __init__(self, *, smooth: float = 0.01) -> None:
        super().__init__()
        self.smooth = smooth

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """The weighted mean over labelled points."""
        target, normals = targets["points"], targets["normals"].value
        points = outputs["points"].float()
        error = 2 * (points - target.value)
        across = (error * normals).sum(-1).square()
        along = (error * _turned(normals)).sum(-1).square()
        ratio = spread_ratio(outputs["heatmap"].detach().float(), points.detach(), normals)
        weighed = 2 * (ratio * across + along) / (ratio + 1)
        on_edge = normals.square().sum(-1) >= 0.25
        square = torch.where(on_edge, weighed, error.square().sum(-1))
        return target.mean(smooth_length(square, self.smooth))


def spread_ratio(maps: Tensor, points: Tensor, normals: Tensor) -> Tensor:
    """Variance (B, K) along the tangent over along the normal, 1 to 9, of maps (B, K, side, side) about
    points (B, K, 2), shares of the crop side."""
    shares = maps / maps.sum((-2, -1), keepdim=True).clamp(min=1e-6)
    grid = torch.linspace(0, 1, maps.shape[-1], device=maps.device, dtype=maps.dtype)
    x, y = (2 * (grid - points[..., axis, None]) for axis in (0, 1))  # (B, K, side), half crop sides
    xx, yy = (shares.sum(-2) * x * x).sum(-1), (shares.sum(-1) * y * y).sum(-1)
    xy = torch.einsum("bkij,bki,bkj->bk", shares, y, x)
    spreads = [
        n[..., 0].square() * xx + 2 * n[..., 0] * n[..., 1] * xy + n[..., 1].square() * yy
        for n in (_turned(normals), normals)
    ]
    return (spreads[0] / spreads[1].clamp(min=1e-6)).clamp(LOW, HIGH)


def smooth_length(square: Tensor, smooth: float) -> Tensor:
    """A length from its square: quadratic below `smooth`, of slope 1 above; its gradient is finite at 0."""
    return torch.where(
        square < smooth**2, square / (2 * smooth), square.clamp(min=smooth**2).sqrt() - smooth / 2
    )


def _turned(vectors: Tensor) -> Tensor:
    """(..., 2) turned by a quarter."""
    return torch.stack([-vectors[..., 1], vectors[..., 0]], -1)
