"""Heads: list of maps -> fields of the codec; built from the maps' `channels` and the codec's `fields`."""

from torch import nn

from canthus.models.heads.coordinates import CoordinatesHead
from canthus.models.heads.heatmap import HeatmapHead
from canthus.models.heads.integral import IntegralHead
from canthus.models.heads.landmark_encoder import LandmarkEncoder
from canthus.models.heads.pip import PipHead

HEADS: dict[str, type[nn.Module]] = {
    "coordinates": CoordinatesHead,
    "heatmap": HeatmapHead,
    "integral": IntegralHead,
    "landmark_encoder": LandmarkEncoder,
    "pip": PipHead,
}

__all__ = ["HEADS"]
