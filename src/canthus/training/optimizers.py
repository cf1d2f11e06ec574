"""Optimizers by name; norms and biases are not decayed."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import nn

from canthus.config import ConfigError, nearest
from canthus.recipe import Part

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
    "sgd": torch.optim.SGD,
}


def build_optimizer(modules: Sequence[nn.Module], part: Part, learning_rate: float) -> torch.optim.Optimizer:
    """The optimizer over matrices, decayed by the option `weight_decay`, and vectors, not decayed, of the
    network and of losses that learn."""
    if part.name not in OPTIMIZERS:
        raise ConfigError(
            f"train.optimizer: no optimizer {part.name!r}; {nearest(part.name, list(OPTIMIZERS))}"
        )
    trained = [p for module in modules for p in module.parameters() if p.requires_grad]
    groups: Iterable[dict[str, Any]] = [
        {"params": [p for p in trained if p.ndim > 1]},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    kind = OPTIMIZERS[part.name]
    known = [name for name in inspect.signature(kind).parameters if name not in ("params", "lr")]
    for option in part.options:
        if option not in known:
            raise ConfigError(
                f"train.optimizer {part.name}: unknown option {option!r}, {nearest(option, known)}"
            )
    try:
        return kind(groups, lr=learning_rate, **part.options)  # type: ignore[call-arg]
    except (TypeError, ValueError) as error:
        raise ConfigError(f"train.optimizer {part.name}: {error}") from None
