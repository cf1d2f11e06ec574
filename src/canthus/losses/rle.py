"""Residual log-likelihood estimation (Li et al. 2021, "Human pose regression with residual log-likelihood
estimation"): the density of the error is learnt along with the points."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from canthus.codecs.codec import Outputs, Target
from canthus.losses.loss import Loss

#: Affine couplings of the flow; each of them moves one coordinate, x and y in turn.
COUPLINGS = 6
WIDTH = 64


class Rle(Loss):
    """log s - log flow(e) + log 2 s + |e| with e = (p - g) / s, the mean over x and y.

    Reads `points` (B, K, 2) and `sigma` (B, K, 2), the logit of s: a Laplace density of scale s times what
    the flow finds that the errors have beside it. The flow is trained and forgotten; s is kept.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flow = Flow()

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """The weighted mean over labelled points."""
        target, sigma = targets["points"], torch.sigmoid(outputs["sigma"].float())
        error = (outputs["points"].float() - target.value) / (sigma + 1e-9)
        error = torch.where(target.weight[..., None] > 0, error, torch.zeros_like(error))
        density = self.flow.log_density(error)[..., None]
        return target.mean((torch.log(2 * sigma * sigma) - density + error.abs()).mean(-1))


class Flow(nn.Module):
    """RealNVP (Dinh et al. 2017) in the plane: errors (..., 2) -> a standard normal distribution.

    Coupling i keeps one coordinate, from which `s[i]` and `t[i]` tell the scale and shift of the other.
    """

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        masks = [[0.0, 1.0], [1.0, 0.0]] * (COUPLINGS // 2)
        self.register_buffer("mask", torch.tensor(masks), persistent=False)
        self.s = nn.ModuleList(_network(nn.Tanh()) for _ in range(COUPLINGS))
        self.t = nn.ModuleList(_network(nn.Identity()) for _ in range(COUPLINGS))

    def log_density(self, x: Tensor) -> Tensor:
        """(..., 2) -> (...), the logarithm of the density."""
        volume = torch.zeros_like(x[..., 0])
        for mask, s, t in reversed(list(zip(self.mask, self.s, self.t, strict=True))):
            kept = mask * x
            scale, shift = (1 - mask) * s(kept), (1 - mask) * t(kept)
            x = kept + (1 - mask) * (x - shift) * torch.exp(-scale)
            volume = volume - scale.sum(-1)
        return volume - x.square().sum(-1) / 2 - math.log(2 * math.pi)


def _network(last: nn.Module) -> nn.Sequential:
    """(..., 2) -> (..., 2); starts near 0, so that a fresh flow is near the identity."""
    layers = [nn.Linear(2, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 2)]
    for layer in layers:
        nn.init.xavier_uniform_(layer.weight, gain=0.01)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layers[0], nn.LeakyReLU(), layers[1], nn.LeakyReLU(), layers[2], last)
