"""The stacks of ADNet and STAR (Huang et al. 2021; Zhou et al. 2023): heat maps under a mask of edges."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, max_pool2d, relu

from canthus.codecs.soft_argmax import SoftArgmax, mean_of
from canthus.models.backbones.adnet import Block, coordinates
from canthus.models.heads.attributes import Shapes, refuse_others

#: A cell belongs to the boundary where the previous stack's map is above this.
BOUNDARY = 0.05


class AdnetHead(nn.Module):
    """[..., map (B, C, h, h)] -> per stack `heatmap`, `points`, `edge_maps`, `point_maps`; h in 2^`depth`s.

    A stack is an hourglass, a block and three 1x1 convolutions to heat maps, edges and points. The heat map
    of a landmark counts where its point map and one of its edges do (anisotropic attention): `heatmap` is
    their product, `points` its mean. All of it is added to the input of the next stack.
    """

    edge_weight: Tensor
    edge_bias: Tensor

    def __init__(
        self,
        channels: tuple[int, ...],
        fields: Shapes,
        codec: SoftArgmax,
        *,
        stacks: int = 4,
        depth: int = 4,
    ) -> None:
        super().__init__()
        if stacks < 1 or depth < 1:
            raise ValueError(f"adnet: found {stacks} stacks of depth {depth}, expected 1 or more of each")
        refuse_others(fields, {"heatmap", "points", "edge_maps", "point_maps"})
        self.shape, width = fields["heatmap"], channels[-1]
        k, edges = self.shape[0], fields["edge_maps"][0]
        self.joins = nn.ModuleList(nn.Conv2d(width + (5 if i else 3), width, 1) for i in range(stacks))
        self.hourglasses = nn.ModuleList(Hourglass(width, depth) for _ in range(stacks))
        self.features = nn.ModuleList(
            nn.Sequential(
                Block(width, width), nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
            )
            for _ in range(stacks)
        )
        given = {"heatmaps": k, "edge_maps": edges, "point_maps": k}
        self.outputs = nn.ModuleDict(
            {name: nn.ModuleList(nn.Conv2d(width, n, 1) for _ in range(stacks)) for name, n in given.items()}
        )
        self.merges = nn.ModuleDict(
            {
                name: nn.ModuleList(nn.Conv2d(n, width, 1) for _ in range(stacks - 1))
                for name, n in {"features": width, **given}.items()
            }
        )
        weight = torch.zeros(k, edges, 1, 1)
        for edge, members in enumerate(codec.edges):
            weight[list(members), edge] = 1
        self.register_buffer("edge_weight", weight)
        self.register_buffer("edge_bias", (weight.sum((1, 2, 3)) == 0).float())

    def forward(self, maps: list[Tensor]) -> list[dict[str, Tensor]]:
        """The outputs of each stack; ValueError where the maps have another side than the codec's."""
        x = maps[-1]
        if tuple(x.shape[2:]) != self.shape[1:]:
            raise ValueError(f"adnet head: found maps {tuple(x.shape[2:])}, codec expects {self.shape[1:]}")
        stages = []
        places = coordinates(x)
        boundary: list[Tensor] = []
        for i, features in enumerate(self.features):
            seen = features(self.hourglasses[i](self.joins[i](torch.cat([x, places, *boundary], 1))))
            heatmaps, edges, points = (_at(self.outputs, name, i)(seen) for name in self.outputs)
            heatmaps = relu(_normalized(heatmaps))
            edges, points = torch.sigmoid(edges), torch.sigmoid(points)
            attention = conv2d(edges, self.edge_weight, self.edge_bias) * points
            fused = (attention * heatmaps).float()
            stages.append(
                {
                    "heatmap": fused,
                    "points": mean_of(fused),
                    "edge_maps": edges.float(),
                    "point_maps": points.float(),
                }
            )
            if i + 1 < len(self.features):
                said = {"features": seen, "heatmaps": heatmaps, "edge_maps": edges, "point_maps": points}
                for name, value in said.items():
                    x = x + _at(self.merges, name, i)(value)
                # The published networks take the map of the last landmark, not of an edge.
                boundary = [places[:, :2] * (heatmaps[:, -1:] > BOUNDARY)]
        return stages


def _at(lists: nn.ModuleDict, name: str, stack: int) -> nn.Module:
    """The layer of a stack in one of several lists."""
    layers = lists[name]
    assert isinstance(layers, nn.ModuleList)
    return layers[stack]


def _normalized(maps: Tensor) -> Tensor:
    """Each map with mean 0 and variance 1 (instance norm, of which the exporter knows no dynamic batch)."""
    centered = maps - maps.mean((2, 3), keepdim=True)
    return centered / (centered.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()


class Hourglass(nn.Module):
    """A side path plus what comes back from half the size, `depth` times; (B, C, H, W) stays."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.side, self.down, self.up = (Block(width, width) for _ in range(3))
        self.below = Hourglass(width, depth - 1) if depth > 1 else Block(width, width)
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")  # a layer, which thop counts as published

    def forward(self, x: Tensor) -> Tensor:
        """Halved by the maximum of 2x2 cells, enlarged to the nearest."""
        low = self.up(self.below(self.down(max_pool2d(x, 2))))
        out: Tensor = self.side(x) + self.enlarge(low)
        return out
