"""A loss compares named outputs with named targets."""

from __future__ import annotations

from torch import Tensor, nn

from canthus.codecs.codec import Outputs, Target


class Loss(nn.Module):
    """`forward(outputs, targets)` -> scalar; a simple loss reads one field."""

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """The weighted mean over what is labelled."""
        raise NotImplementedError


class FieldLoss(Loss):
    """A loss on the field `field`: `compare(value, truth)` gives one loss per weight of the target."""

    def __init__(self, field: str) -> None:
        super().__init__()
        self.field = field

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """The weighted mean of `compare`."""
        target = targets[self.field]
        return target.mean(self.compare(outputs[self.field].float(), target.value))

    def compare(self, value: Tensor, truth: Tensor) -> Tensor:
        """Losses of the target's weight shape."""
        raise NotImplementedError
