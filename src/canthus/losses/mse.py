"""Mean squared error of heatmaps, as the heatmap systems define it (Xiao et al. 2018)."""

from __future__ import annotations

from torch import Tensor

from canthus.codecs.codec import Outputs, Target
from canthus.losses.loss import Loss, near_blobs


class Mse(Loss):
    """The mean of w (p - t)² over every cell of every map (B, K, H, W), w (B, K) the target's weight.

    Maps of no weight count in the denominator, so the scale does not depend on how many points are labelled,
    nor on the totals that processes share. `map_weight` W multiplies squares by W + 1 near a point, see
    `near_blobs`.
    """

    def __init__(self, *, field: str = "heatmap", map_weight: float = 0.0) -> None:
        super().__init__()
        self.field, self.map_weight = field, map_weight

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """A scalar."""
        target = targets[self.field]
        squares = (outputs[self.field].float() - target.value).square()
        if self.map_weight:
            squares = squares * (1 + self.map_weight * near_blobs(target.value))
        return (squares * target.weight[..., None, None]).mean()
