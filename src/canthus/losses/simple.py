"""The plain losses: L1 and binary and categorical cross-entropy."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, smooth_l1_loss

from canthus.losses.loss import FieldLoss


class SmoothL1(FieldLoss):
    """Quadratic below `beta`, absolute above, entry by entry."""

    def __init__(self, *, field: str, beta: float = 0.05) -> None:
        super().__init__(field)
        self.beta = beta

    def compare(self, value: Tensor, truth: Tensor) -> Tensor:
        """Any shape; the last axis is summed where the field is `points` (B, K, 2)."""
        losses = smooth_l1_loss(value, truth, reduction="none", beta=self.beta)
        return losses.sum(-1) if self.field == "points" else losses


class BinaryCrossEntropy(FieldLoss):
    """For logits and truths in [0, 1] of one shape."""

    def __init__(self, *, field: str) -> None:
        super().__init__(field)

    def compare(self, value: Tensor, truth: Tensor) -> Tensor:
        """Losses of the same shape."""
        return binary_cross_entropy_with_logits(value, truth, reduction="none")


class MapCrossEntropy(FieldLoss):
    """Cross-entropy of log-probability maps (B, K, h, w) with target maps that sum to one."""

    def __init__(self, *, field: str = "heatmap") -> None:
        super().__init__(field)

    def compare(self, value: Tensor, truth: Tensor) -> Tensor:
        """(B, K)."""
        return -(value * truth).sum((-2, -1))
