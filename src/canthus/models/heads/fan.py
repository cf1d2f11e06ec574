"""The stacks of FAN (Bulat and Tzimiropoulos 2017): hourglasses that each give heat maps."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate

from canthus.models.attention import CoordinateAttention
from canthus.models.backbones.fan import Block, Pool, pooling
from canthus.models.heads.attributes import Shapes, refuse_others


class FanHead(nn.Module):
    """[..., map (B, C, h, h)] -> per stack `heatmap` (B, K, h, h), raw; h a multiple of 2^`depth`.

    A stack is an hourglass, a block, a 1x1 convolution with norm and ReLU, and the maps. What it saw and
    what it said are added to the input of the next one. `pool` says how a level halves its maps; with
    `attention` what comes up from below it goes through coordinate attention (Hou, Zhou and Feng 2021).
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        fields: Shapes,
        *,
        stacks: int = 4,
        depth: int = 4,
        pool: Pool = "mean",
        attention: bool = False,
    ) -> None:
        super().__init__()
        if stacks < 1 or depth < 1:
            raise ValueError(f"fan: found {stacks} stacks of depth {depth}, expected 1 or more of each")
        refuse_others(fields, {"heatmap"})
        self.shape, width = fields["heatmap"], channels[-1]
        k = self.shape[0]
        self.hourglasses = nn.ModuleList(Hourglass(width, depth, pool, attention) for _ in range(stacks))
        self.features = nn.ModuleList(
            nn.Sequential(
                Block(width, width), nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
            )
            for _ in range(stacks)
        )
        self.heatmaps = nn.ModuleList(nn.Conv2d(width, k, 1) for _ in range(stacks))
        self.from_features = nn.ModuleList(nn.Conv2d(width, width, 1) for _ in range(stacks - 1))
        self.from_heatmaps = nn.ModuleList(nn.Conv2d(k, width, 1) for _ in range(stacks - 1))

    def forward(self, maps: list[Tensor]) -> list[dict[str, Tensor]]:
        """The outputs of each stack; ValueError where the maps have another side than the codec's."""
        x = maps[-1]
        if tuple(x.shape[2:]) != self.shape[1:]:
            raise ValueError(f"fan head: found maps {tuple(x.shape[2:])}, codec expects {self.shape[1:]}")
        stages = []
        for i, hourglass in enumerate(self.hourglasses):
            features = self.features[i](hourglass(x))
            heatmap = self.heatmaps[i](features)
            stages.append({"heatmap": heatmap.float()})
            if i < len(self.from_features):
                x = x + self.from_features[i](features) + self.from_heatmaps[i](heatmap)
        return stages


class Hourglass(nn.Module):
    """A side path plus what comes back from half the size, `depth` times; (B, C, H, W) stays."""

    def __init__(self, width: int, depth: int, pool: Pool, attention: bool) -> None:
        super().__init__()
        self.side, self.down, self.up = (Block(width, width) for _ in range(3))
        deeper = depth > 1
        self.below = Hourglass(width, depth - 1, pool, attention) if deeper else Block(width, width)
        self.attention = CoordinateAttention(width) if attention else nn.Identity()
        self.halved = pooling(pool)

    def forward(self, x: Tensor) -> Tensor:
        """Halved by 2x2 cells, enlarged to the nearest."""
        low = self.attention(self.up(self.below(self.down(self.halved(x, 2)))))
        out: Tensor = self.side(x) + interpolate(low, scale_factor=2, mode="nearest")
        return out
