"""Teaching the covariance: the negative log-likelihood of the residual, the points held fixed."""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Outputs, Target, triangle
from canthus.losses.loss import Loss


class Ellipse(Loss):
    """log|L| + rho(m): normal for Mahalanobis distance m up to `tail`, linear in m beyond (Huber's rho).

    Reads `points` (detached, so that uncertainty never trades against accuracy) and `cholesky`.
    """

    def __init__(self, *, tail: float = 2.5) -> None:
        super().__init__()
        self.tail = tail

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """The weighted mean over labelled points."""
        target = targets["points"]
        residual = (target.value - outputs["points"].detach()).float()
        l11, l21, l22 = triangle(outputs["cholesky"].float())
        u = residual[..., 0] / l11
        v = (residual[..., 1] - l21 * u) / l22
        square = u.square() + v.square()
        distance = square.clamp(min=self.tail**2).sqrt()
        rho = torch.where(square < self.tail**2, square / 2, self.tail * (distance - self.tail / 2))
        return target.mean(rho + l11.log() + l22.log())
