"""SynergyNet's heads (Wu et al. 2021): parameters of a shape from the image, and two branches that only
training uses: points refined by what the image says, and parameters read back from the refined points."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from canthus.codecs.shape_model import ShapeModelCodec
from canthus.models.heads.attributes import Shapes, refuse_others

#: Share of the predicted correction that moves a point.
SHARE = 0.05


class SynergyNetHead(nn.Module):
    """[..., deepest map (B, C, h, h)] -> `parameters` (B, P).

    In training also `points3d` (B, K, 3), crop px; `refined` (B, K, 3), the points moved by the branch that
    aggregates attributes; and `recovered` (B, P), the parameters that the other branch reads from them.
    """

    def __init__(
        self, channels: tuple[int, ...], fields: Shapes, codec: ShapeModelCodec, *, dropout: float = 0.2
    ) -> None:
        super().__init__()
        refuse_others(fields, {"parameters"})
        groups = codec.groups
        self.space = codec.space
        linear = [nn.Linear(channels[-1], size) for size in groups]
        for layer in linear:
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        self.layers = nn.ModuleList(nn.Sequential(nn.Dropout(dropout), layer) for layer in linear)
        self.refine = Refine(channels[-1] + sum(groups[1:]))
        self.recover = Recover(groups)
        self.pose = groups[0]

    def forward(self, maps: list[Tensor]) -> dict[str, Tensor]:
        """Field name -> tensor."""
        pooled = maps[-1].mean((2, 3))
        parameters = torch.cat([layer(pooled) for layer in self.layers], 1).float()
        if not self.training:
            return {"parameters": parameters}
        points = self.space(parameters).transpose(1, 2)
        attributes = torch.cat([pooled, parameters[:, self.pose :].to(pooled)], 1)
        refined = points + SHARE * self.refine(points, attributes)
        return {
            "parameters": parameters,
            "points3d": points.transpose(1, 2),
            "refined": refined.transpose(1, 2).float(),
            "recovered": self.recover(refined).float(),
        }


class Refine(nn.Module):
    """Points (B, 3, K) and the face's attributes (B, A) -> a correction (B, 3, K), never negative."""

    def __init__(self, attributes: int) -> None:
        super().__init__()
        self.point = nn.Sequential(_layer(3, 64), _layer(64, 64))
        self.face = nn.Sequential(_layer(64, 64), _layer(64, 128), _layer(128, 1024))
        widths = (64 + 1024 + attributes, 512, 256, 128, 3)
        self.correction = nn.Sequential(*(_layer(a, b) for a, b in pairwise(widths)))

    def forward(self, points: Tensor, attributes: Tensor) -> Tensor:
        """(B, 3, K)."""
        of_points = self.point(points)
        of_face = torch.cat([self.face(of_points).amax(-1), attributes], 1)
        spread = of_face[..., None].expand(-1, -1, points.shape[-1])
        correction: Tensor = self.correction(torch.cat([of_points, spread], 1))
        return correction


class Recover(nn.Module):
    """Points (B, 3, K) -> parameters (B, P), never negative."""

    def __init__(self, groups: tuple[int, ...]) -> None:
        super().__init__()
        widths = (3, 64, 64, 64, 128, 1024)
        self.face = nn.Sequential(*(_layer(a, b) for a, b in pairwise(widths)))
        self.groups = nn.ModuleList(_layer(widths[-1], size) for size in groups)

    def forward(self, points: Tensor) -> Tensor:
        """(B, P)."""
        of_face = self.face(points).amax(-1, keepdim=True)
        return torch.cat([layer(of_face)[..., 0] for layer in self.groups], 1)


def _layer(inputs: int, outputs: int) -> nn.Sequential:
    """One linear map for every point, batch norm, ReLU."""
    return nn.Sequential(nn.Conv1d(inputs, outputs, 1), nn.BatchNorm1d(outputs), nn.ReLU())
