"""A head that is taught at two stages and a loss that learns, for recipes as `staged_parts:NAME`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from canthus.codecs import Outputs, Stages, Target
from canthus.losses import Loss
from canthus.models.heads.coordinates import CoordinatesHead
from canthus.recipe import Recipe


class StagedHead(nn.Module):
    """First points from the pooled map, then the same plus a correction."""

    def __init__(self, channels: tuple[int, ...], fields: dict[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.first = CoordinatesHead(channels, fields, width=8, hidden=8, norm="group")
        self.correction = CoordinatesHead(channels, fields, width=4, hidden=4, norm="group")

    def forward(self, maps: list[Tensor]) -> Stages:
        first, correction = self.first(maps), self.correction(maps)
        return [first, {**correction, "points": first["points"].detach() + correction["points"] - 0.5}]


class LearnedScale(Loss):
    """|p - g| / s + ln s with a learnt s: the negative log-likelihood of a Laplace distribution."""

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(2))

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        target = targets["points"]
        error = (outputs["points"] - target.value).abs()
        return target.mean((error / self.log_scale.exp() + self.log_scale).sum(-1))


def staged(recipe: Recipe) -> Recipe:
    """The recipe with both of them."""
    content = recipe.model_dump()
    content["neck"], content["codec"] = None, {"name": "coordinates", "attributes": ["covariance"]}
    content["head"] = {"name": "staged_parts:StagedHead"}
    content["losses"] = [
        {"name": "staged_parts:LearnedScale"},
        {"name": "ellipse", "weight": 0.1, "stages": [0.5, 1]},
    ]
    return Recipe.model_validate(content)
