"""Mean squared error of heatmaps, as the heatmap systems define it (Xiao et al. 2018)."""

from __future__ import annotations

from torch import Tensor

from canthus.codecs.codec import Outputs, Target
from canthus.losses.loss import Loss


class Mse(Loss):
    """The mean of w (p - t)² over every cell of every map (B, K, H, W), w (B, K) the target's weight.

    Maps of no weight count in the denominator, so the scale does not depend on how many points are labelled,
    nor on the totals that processes share.
    """

    def __init__(self, *, field: str = "heatmap") -> None:
        super().__init__()
        self.field = field

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """A scalar."""
        target = targets[self.field]
        squares = (outputs[self.field].float() - target.value).square()
        return (squares * target.weight[..., None, None]).mean()
