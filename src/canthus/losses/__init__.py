"""Losses. Adding one: a file with a `Loss` and a row here."""

from canthus.losses.adaptive_wing import AdaptiveWing
from canthus.losses.distance import Distance
from canthus.losses.ellipse import Ellipse
from canthus.losses.loss import FieldLoss, Loss
from canthus.losses.mse import Mse
from canthus.losses.simple import BinaryCrossEntropy, MapCrossEntropy, SmoothL1
from canthus.losses.weighted_sum import WeightedSum
from canthus.losses.wing import Wing

LOSSES: dict[str, type[Loss]] = {
    "adaptive_wing": AdaptiveWing,
    "binary_cross_entropy": BinaryCrossEntropy,
    "distance": Distance,
    "ellipse": Ellipse,
    "map_cross_entropy": MapCrossEntropy,
    "mse": Mse,
    "smooth_l1": SmoothL1,
    "wing": Wing,
}

__all__ = ["LOSSES", "FieldLoss", "Loss", "WeightedSum"]
