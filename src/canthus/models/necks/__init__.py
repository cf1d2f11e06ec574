"""Necks: list of maps -> list of maps; constructed with the backbone's `channels`."""

from torch import nn

from canthus.models.necks.concat import Concat
from canthus.models.necks.pan import Pan
from canthus.models.necks.top_down import TopDown

NECKS: dict[str, type[nn.Module]] = {
    "concat": Concat,
    "pan": Pan,
    "top_down": TopDown,
}

__all__ = ["NECKS"]
