"""Cells and offsets, for the `pip` codec."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from canthus.models.heads.attributes import Attributes, Shapes
from canthus.models.layers import Norm, convolution


class PipHead(nn.Module):
    """[fused map (B, C, h, h), ..., deepest map] -> `cells`, `offsets` and the attributes of the codec."""

    def __init__(
        self,
        channels: tuple[int, ...],
        fields: Shapes,
        *,
        width: int = 96,
        hidden: int = 128,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        self.count, self.side, _ = fields["cells"]
        self.shared = convolution(channels[0], width, norm=norm)
        self.cells = nn.Conv2d(width, self.count, 1, bias=False)
        self.offsets = nn.Conv2d(width, 2 * self.count, 1)
        self.attributes = Attributes(channels[-1], fields, hidden=hidden)

    def forward(self, maps: list[Tensor]) -> dict[str, Tensor]:
        """Cells are log-probabilities (B, K, h, h), offsets shares of a cell (B, K, 2, h, h)."""
        x = self.shared(maps[0])
        logits = self.cells(x).float()
        if logits.shape[-1] != self.side:
            raise ValueError(f"pip head: found maps of side {logits.shape[-1]}, codec expects {self.side}")
        cells = torch.log_softmax(logits.flatten(2), -1).reshape(logits.shape)
        offsets = self.offsets(x).float().reshape(-1, self.count, 2, self.side, self.side)
        return {"cells": cells, "offsets": offsets, **self.attributes(maps[-1])}
