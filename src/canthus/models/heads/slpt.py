"""Sparse local patches (Xia et al. 2022): points move from a mean face, patch by patch, in three stages."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample

from canthus.models.heads.attributes import Shapes, refuse_others


class SlptHead(nn.Module):
    """[..., map (B, C, h, h)] -> `points` (B, K, 2), shares of the crop side, of each layer of each stage.

    A stage cuts a square patch of `cells` x `cells` samples about every point, embeds it, and lets `layers`
    layers of attention relate the points to each other and to the patches; each layer tells where in its
    patch a point lies. All stages have the same weights; `reaches` are their half patch sides, as shares of
    the crop side. Stages start where the one before ended, the first at `mean_face` (K, 2), which belongs to
    the weights: `learn_mean_face` sets it from labels.
    """

    mean_face: Tensor
    steps: Tensor

    def __init__(  # noqa: PLR0913
        self,
        channels: tuple[int, ...],
        fields: Shapes,
        *,
        width: int = 256,
        layers: int = 6,
        heads: int = 8,
        cells: int = 7,
        reaches: tuple[float, ...] = (0.125, 0.0625, 0.03125),
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        refuse_others(fields, {"points"})
        k = fields["points"][0]
        self.cells, self.reaches = cells, tuple(reaches)
        self.reduce = nn.Sequential(
            nn.Conv2d(channels[-1], channels[-1], 1),
            nn.BatchNorm2d(channels[-1]),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels[-1], width, 1),
        )
        self.embed = nn.Conv2d(width, width, cells, bias=False)
        self.structure = nn.Parameter(torch.randn(1, k, width))
        self.queries = nn.Parameter(torch.randn(1, k, width))
        self.layers = nn.ModuleList(RelationLayer(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.place = nn.Linear(width, 2)
        self.register_buffer("mean_face", torch.full((k, 2), 0.5))
        steps = torch.linspace(0, 1, cells)
        self.register_buffer("steps", torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1), False)

    @torch.no_grad()
    def learn_mean_face(self, points: Tensor) -> None:
        """Set `mean_face` from labels (N, K, 2), shares of the crop side, NaN where there is none.

        ValueError for a point that has no label at all.
        """
        mean = points.nanmean(0)
        missing = (~torch.isfinite(mean).all(-1)).nonzero().flatten().tolist()
        if missing:
            raise ValueError(f"mean face: no training face has a position for the points {missing}")
        self.mean_face.copy_(mean)

    def forward(self, maps: list[Tensor]) -> list[dict[str, Tensor]]:
        """One entry per layer, stage after stage."""
        features = self.reduce(maps[-1])
        points = self.mean_face.expand(features.shape[0], -1, -1)
        stages = []
        for reach in self.reaches:
            low = (points.detach() - reach).clamp(0, 1)
            size = (points.detach() + reach).clamp(0, 1) - low
            for shift in self.relate(self.patches(features, low, size)):
                points = low + size * shift
                stages.append({"points": points.float()})
        return stages

    def patches(self, features: Tensor, low: Tensor, size: Tensor) -> Tensor:
        """Embedded patches (B, K, width) of boxes with a corner `low` and a `size`, both (B, K, 2)."""
        batch, k = low.shape[:2]
        at = low[:, :, None, None] + size[:, :, None, None] * self.steps  # (B, K, cells, cells, 2)
        grid = (2 * at - 1).flatten(2, 3)
        cut = grid_sample(features, grid.to(features), mode="bilinear", align_corners=True)
        cut = cut.transpose(1, 2).reshape(batch * k, -1, self.cells, self.cells)
        embedded: Tensor = self.embed(cut).reshape(batch, k, -1)
        return embedded

    def relate(self, patches: Tensor) -> list[Tensor]:
        """Places in the patches (B, K, 2) after every layer, 0 to 1 inside."""
        x = torch.zeros_like(patches)
        places = []
        for layer in self.layers:
            x = layer(x, self.queries, patches, patches + self.structure)
            places.append(self.place(self.norm(x)))
        return places


class RelationLayer(nn.Module):
    """Attention among the points, attention to the patches, two linear layers; norms come first."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.to_points = nn.MultiheadAttention(width, heads, dropout=dropout, batch_first=True)
        self.to_patches = nn.MultiheadAttention(width, heads, dropout=dropout, batch_first=True)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.wide = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, queries: Tensor, patches: Tensor, keys: Tensor) -> Tensor:
        """All (B, K, width) but `queries` (1, K, width), which tells the points apart."""
        normed = self.norms[0](x)
        asked = normed + queries
        x = x + self.dropout(self.to_points(asked, asked, normed, need_weights=False)[0])
        asked = self.norms[1](x) + queries
        x = x + self.dropout(self.to_patches(asked, keys, patches, need_weights=False)[0])
        hidden = torch.relu(self.wide(self.norms[2](x)))
        out: Tensor = x + self.dropout(self.narrow(self.dropout(hidden)))
        return out
