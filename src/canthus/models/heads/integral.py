"""Softmax maps and their means, for the `integral` codec."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from canthus.models.heads.attributes import Attributes, Shapes
from canthus.models.layers import Norm, convolution


class IntegralHead(nn.Module):
    """[fused map (B, C, h, h), ..., deepest map] -> `heatmap`, `points` and the attributes of the codec."""

    centers: Tensor

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
        k, side, _ = fields["heatmap"]
        self.maps = nn.Sequential(
            convolution(channels[0], width, norm=norm), nn.Conv2d(width, k, 1, bias=False)
        )
        self.attributes = Attributes(channels[-1], fields, hidden=hidden)
        self.register_buffer("centers", (torch.arange(side) + 0.5) / side, persistent=False)
        self.side = side

    def forward(self, maps: list[Tensor]) -> dict[str, Tensor]:
        """Log-probabilities (B, K, h, h), and their means (B, K, 2) as shares of the crop side."""
        logits = self.maps(maps[0]).float()
        if logits.shape[-1] != self.side:
            raise ValueError(
                f"integral head: found maps of side {logits.shape[-1]}, codec expects {self.side}"
            )
        heatmap = torch.log_softmax(logits.flatten(2), -1).reshape(logits.shape)
        share = heatmap.exp()
        points = torch.stack([share.sum(-2) @ self.centers, share.sum(-1) @ self.centers], -1)
        return {"heatmap": heatmap, "points": points, **self.attributes(maps[-1])}
