"""Losses. Adding one: a file with a `Loss` and a row here."""

from canthus.losses.adaptive_wing import AdaptiveWing
from canthus.losses.anisotropic_direction import AnisotropicDirection
from canthus.losses.auxiliary_maps import AuxiliaryMaps
from canthus.losses.deep3d import Deep3dLoss
from canthus.losses.distance import Distance
from canthus.losses.ellipse import Ellipse
from canthus.losses.huber import Huber
from canthus.losses.loss import FieldLoss, Loss
from canthus.losses.mse import Mse
from canthus.losses.normalized_distance import NormalizedDistance
from canthus.losses.pfld import PfldLoss
from canthus.losses.rle import Rle
from canthus.losses.simple import BinaryCrossEntropy, MapCrossEntropy, SmoothL1
from canthus.losses.soft_wing import SoftWing
from canthus.losses.star import Star
from canthus.losses.synergynet import SynergyNetLoss
from canthus.losses.weighted_sum import WeightedSum
from canthus.losses.wing import Wing

LOSSES: dict[str, type[Loss]] = {
    "adaptive_wing": AdaptiveWing,
    "auxiliary_maps": AuxiliaryMaps,
    "anisotropic_direction": AnisotropicDirection,
    "binary_cross_entropy": BinaryCrossEntropy,
    "deep3d": Deep3dLoss,
    "distance": Distance,
    "ellipse": Ellipse,
    "huber": Huber,
    "map_cross_entropy": MapCrossEntropy,
    "mse": Mse,
    "rle": Rle,
    "normalized_distance": NormalizedDistance,
    "pfld": PfldLoss,
    "smooth_l1": SmoothL1,
    "soft_wing": SoftWing,
    "star": Star,
    "synergynet": SynergyNetLoss,
    "wing": Wing,
}

__all__ = ["LOSSES", "FieldLoss", "Loss", "WeightedSum"]
