"""Coordinates from the flattened deepest map, for the `coordinates` codec."""

from __future__ import annotations

from torch import Tensor, nn

from canthus.models.heads.attributes import Attributes, Shapes
from canthus.models.layers import Norm, convolution


class CoordinatesHead(nn.Module):
    """[..., deepest map (B, C, h, h)] -> `points` (B, K, 2), shares of the crop side, and the attributes.

    A 1x1 convolution to `width` channels, pooled to `cells` x `cells`, flattened, one linear layer. With
    `linear` the last layers are those of MobileNetV3 (Howard et al. 2019): a further linear layer of so many
    values before the last, dropout of a fifth after it, and hard swish in place of ReLU.
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        fields: Shapes,
        *,
        width: int = 64,
        cells: int = 4,
        hidden: int = 128,
        norm: Norm = "batch",
        linear: int = 0,
    ) -> None:
        super().__init__()
        self.shape = fields["points"]
        reduce = convolution(channels[-1], width, kernel=1, norm=norm)
        values, further = width * cells * cells, list[nn.Module]()
        if linear:
            reduce[-1] = nn.Hardswish()
            further = [nn.Linear(values, linear), nn.Hardswish(), nn.Dropout(0.2)]
            values = linear
        self.reduce = nn.Sequential(reduce, nn.AdaptiveAvgPool2d(cells), nn.Flatten(), *further)
        self.points = nn.Linear(values, self.shape[0] * 2)
        nn.init.normal_(self.points.weight, std=0.001)
        nn.init.constant_(self.points.bias, 0.5)
        self.attributes = Attributes(channels[-1], fields, hidden=hidden)

    def forward(self, maps: list[Tensor]) -> dict[str, Tensor]:
        """Field name -> tensor."""
        points = self.points(self.reduce(maps[-1])).float().reshape(-1, *self.shape)
        return {"points": points, **self.attributes(maps[-1])}
