"""The sum of a recipe's losses."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from canthus.codecs.codec import Outputs, Stages, Target
from canthus.losses.loss import Loss


class WeightedSum(nn.Module):
    """Outputs, or those of every stage, and targets -> (total, the weighted terms by name).

    `stages` gives a loss the factors of the stages, first to last; a loss without them counts every stage
    once. A stage of factor 0 need not have the loss's fields.
    """

    def __init__(
        self,
        losses: dict[str, Loss],
        weights: dict[str, float],
        stages: Mapping[str, tuple[float, ...]] | None = None,
    ) -> None:
        super().__init__()
        self.losses = nn.ModuleDict(losses)
        self.weights, self.stages = weights, dict(stages or {})

    def forward(
        self, outputs: Outputs | Stages, targets: dict[str, Target]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Every term is a scalar."""
        terms = {name: self.term(name, outputs, targets) for name in self.losses}
        return sum(terms.values(), start=next(iter(terms.values())).new_zeros(())), terms

    def term(self, name: str, outputs: Outputs | Stages, targets: dict[str, Target]) -> Tensor:
        """One weighted loss, summed over the stages; ValueError unless its factors are as many."""
        stages = outputs if isinstance(outputs, list) else [outputs]
        factors = self.stages.get(name) or (1.0,) * len(stages)
        if len(factors) != len(stages):
            raise ValueError(
                f"stages: found {len(factors)} factors, expected {len(stages)}, one for each that is taught"
            )
        loss = self.losses[name]
        parts = [
            factor * loss(stage, targets) for factor, stage in zip(factors, stages, strict=True) if factor
        ]
        total: Tensor = self.weights[name] * sum(parts[1:], start=parts[0])
        return total
