"""Deep3DFaceRecon's losses (Deng et al. 2019, section 4.1) that need no picture: landmarks and coefficients.

The photometric and perceptual losses take a renderer and the licensed texture, and are not part of this.
"""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Outputs, Target
from canthus.codecs.morphable_perspective import ANGLES, LIGHT, PLACE, TEXTURE
from canthus.losses.loss import Loss

#: Points that count `emphasis` times: the lower bridge of the nose and the inner lips.
EMPHASIZED = (28, 29, 30, *range(60, 68))


class Deep3dLoss(Loss):
    """The sum of `landmarks` times the weighted mean of squared distances in crop px, `coefficients` times
    the squared lengths of identity, expression (times `expression`) and texture (times `texture`), and
    `light` times the squared differences of the three colours' light from their mean. `identity` is the
    number of its coefficients; a network in evaluation mode gives no points, and has the latter terms
    alone."""

    def __init__(
        self,
        *,
        landmarks: float = 1.6e-3,
        emphasis: float = 20.0,
        coefficients: float = 3.0e-4,
        expression: float = 0.8,
        texture: float = 1.7e-2,
        light: float = 10.0,
        identity: int = 80,
    ) -> None:
        super().__init__()
        self.landmarks, self.coefficients, self.light = landmarks, coefficients, light
        self.shares, self.emphasis, self.identity = (1.0, expression, texture), emphasis, identity

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """A scalar."""
        found = outputs["parameters"].float()
        points, faces = targets["crop_points"], targets["parameters"]
        expression = found.shape[1] - self.identity - TEXTURE - ANGLES - LIGHT - PLACE
        parts = found.split_with_sizes((self.identity, expression, TEXTURE, ANGLES, LIGHT, PLACE), 1)
        lengths = [s * part.square().sum(1) for s, part in zip(self.shares, parts[:3], strict=True)]
        light = parts[4].reshape(-1, 3, LIGHT // 3)
        uneven = (light - light.mean(1, keepdim=True)).square().mean((1, 2))
        total = faces.mean(self.coefficients * torch.stack(lengths).sum(0) + self.light * uneven)
        if "crop_points" in outputs:
            squares = (outputs["crop_points"].float() - points.value).square().sum(-1)
            weights = torch.ones_like(squares[0])
            weights[list(EMPHASIZED)] = self.emphasis
            total = total + self.landmarks * points.mean(squares * weights)
        return total
