"""Huber's loss (1964), of maps or of points."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import huber_loss

from canthus.codecs.codec import Outputs, Target
from canthus.losses.loss import Loss


class Huber(Loss):
    """d²/2 up to `delta`, delta (|d| - delta/2) beyond.

    Of maps (B, K, H, W): the mean over every cell, weighted; maps of no weight count in the denominator, as
    for `Mse` (KeyPosS, Bao et al. 2023). Of points (B, K, 2): summed over x and y, the mean over labelled
    points, `delta` a share of the crop side.
    """

    def __init__(self, *, field: str = "heatmap", delta: float = 1.0) -> None:
        super().__init__()
        self.field, self.delta = field, delta

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """A scalar."""
        target = targets[self.field]
        losses = huber_loss(outputs[self.field].float(), target.value, reduction="none", delta=self.delta)
        if losses.ndim == target.weight.ndim + 2:
            return (losses * target.weight[..., None, None]).mean()
        return target.mean(losses.sum(-1))
