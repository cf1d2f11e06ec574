"""Adaptive Wing loss for heatmaps (Wang, Bo and Fuxin 2019, eq. 3 and 6)."""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Outputs, Target
from canthus.losses.loss import Loss, near_blobs


class AdaptiveWing(Loss):
    """w ln(1 + |d / e|^(a - t)) for |d| < theta, linear with the same value and slope there beyond.

    The mean over every cell of every map (B, K, H, W). The target's weight multiplies maps and targets before
    they are compared, as published, so a map of no weight costs nothing but counts in the denominator.
    `map_weight` W multiplies the loss by W + 1 in cells whose 3x3 neighbourhood has a target above 0.2 (the
    paper's weight map, eq. 7; its W is 10); mmpose's rows have none.
    """

    def __init__(
        self,
        *,
        field: str = "heatmap",
        alpha: float = 2.1,
        omega: float = 14.0,
        epsilon: float = 1.0,
        theta: float = 0.5,
        map_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.field, self.map_weight = field, map_weight
        self.alpha, self.omega, self.epsilon, self.theta = alpha, omega, epsilon, theta

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """A scalar."""
        target = targets[self.field]
        weight = target.weight[..., None, None]
        losses = self.compare(outputs[self.field].float() * weight, target.value * weight)
        if self.map_weight:
            losses = losses * (1 + self.map_weight * near_blobs(target.value))
        return losses.mean()

    def compare(self, value: Tensor, truth: Tensor) -> Tensor:
        """Losses of maps of any one shape, cell by cell."""
        power = self.alpha - truth
        ratio = self.theta / self.epsilon
        slope = self.omega / (1 + ratio**power) * power * ratio ** (power - 1) / self.epsilon
        offset = self.theta * slope - self.omega * torch.log1p(ratio**power)
        distance = (truth - value).abs()
        near = self.omega * torch.log1p((distance / self.epsilon) ** power)
        return torch.where(distance < self.theta, near, slope * distance - offset)
