"""The exponential moving average of a network's weights."""

from __future__ import annotations

import copy

import torch
from torch import nn

from canthus.models.landmarker import Landmarker


class Ema:
    """`model` is the averaged copy, never trained; weights and batch statistics alike are averaged.

    The decay grows from 0.1 to `decay` as (1 + t) / (10 + t), so that early steps count little.
    """

    def __init__(self, model: Landmarker, decay: float) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move the average towards `model` after optimizer step number `step` (from 0)."""
        keep = min(self.decay, (1 + step) / (10 + step)) if self.decay else 0.0
        for mine, theirs in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if mine.is_floating_point():
                mine.lerp_(theirs.to(mine.dtype), 1 - keep)
            else:
                mine.copy_(theirs)
