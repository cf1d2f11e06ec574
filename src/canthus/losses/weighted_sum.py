"""The sum of a recipe's losses."""

from __future__ import annotations

from torch import Tensor, nn

from canthus.codecs.codec import Outputs, Target
from canthus.losses.loss import Loss


class WeightedSum(nn.Module):
    """Outputs and targets -> (total, the weighted terms by name)."""

    def __init__(self, losses: dict[str, Loss], weights: dict[str, float]) -> None:
        super().__init__()
        self.losses = nn.ModuleDict(losses)
        self.weights = weights

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> tuple[Tensor, dict[str, Tensor]]:
        """Every term is a scalar."""
        terms = {name: self.weights[name] * loss(outputs, targets) for name, loss in self.losses.items()}
        return sum(terms.values(), start=next(iter(terms.values())).new_zeros(())), terms
