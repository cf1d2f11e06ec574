"""A loss compares named outputs with named targets."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from canthus.codecs.codec import Outputs, Target


class Loss(nn.Module, ABC):
    """`forward(outputs, targets)` -> scalar; a simple loss reads one field."""

    @abstractmethod
    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """The weighted mean over what is labelled."""


class FieldLoss(Loss):
    """A loss on the field `field`: `compare(value, truth)` gives one loss per weight of the target."""

    def __init__(self, field: str) -> None:
        super().__init__()
        self.field = field

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """The weighted mean of `compare`."""
        target = targets[self.field]
        return target.mean(self.compare(outputs[self.field].float(), target.value))

    @abstractmethod
    def compare(self, value: Tensor, truth: Tensor) -> Tensor:
        """Losses of the target's weight shape."""


def near_blobs(maps: Tensor) -> Tensor:
    """Which cells of target maps (B, K, H, W) of peak 1 have a value above 0.2 in their 3x3 neighbourhood
    (Wang, Bo and Fuxin 2019, eq. 7)."""
    return max_pool2d(maps, 3, stride=1, padding=1) > 0.2
