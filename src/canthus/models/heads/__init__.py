"""Heads: list of maps -> fields of the codec; built from the maps' `channels` and the codec's `fields`."""

from torch import nn

from canthus.models.heads.adnet import AdnetHead
from canthus.models.heads.coordinates import CoordinatesHead
from canthus.models.heads.deep3d import Deep3dHead
from canthus.models.heads.fan import FanHead
from canthus.models.heads.heatmap import HeatmapHead
from canthus.models.heads.integral import IntegralHead
from canthus.models.heads.landmark_encoder import LandmarkEncoder
from canthus.models.heads.parameters import ParametersHead
from canthus.models.heads.pfld import PfldHead
from canthus.models.heads.pip import PipHead
from canthus.models.heads.slpt import SlptHead
from canthus.models.heads.synergynet import SynergyNetHead

HEADS: dict[str, type[nn.Module]] = {
    "adnet": AdnetHead,
    "coordinates": CoordinatesHead,
    "deep3d": Deep3dHead,
    "fan": FanHead,
    "heatmap": HeatmapHead,
    "integral": IntegralHead,
    "landmark_encoder": LandmarkEncoder,
    "parameters": ParametersHead,
    "pfld": PfldHead,
    "pip": PipHead,
    "slpt": SlptHead,
    "synergynet": SynergyNetHead,
}

__all__ = ["HEADS"]
