"""Codecs. Adding one: a file with a `Codec` and a row here."""

from canthus.codecs.codec import Codec, Decoded, Outputs, Stages, Target, prediction
from canthus.codecs.coordinates import Coordinates
from canthus.codecs.dark import Dark
from canthus.codecs.heatmap import Heatmap
from canthus.codecs.integral import Integral
from canthus.codecs.keyposs import KeyPosSBlock, KeyPosSTopK
from canthus.codecs.morphable_affine import MorphableAffine
from canthus.codecs.morphable_perspective import MorphablePerspective
from canthus.codecs.paraboloid import Paraboloid
from canthus.codecs.pfld import Pfld
from canthus.codecs.pip import Pip
from canthus.codecs.soft_argmax import SoftArgmax

CODECS: dict[str, type[Codec]] = {
    "coordinates": Coordinates,
    "dark": Dark,
    "heatmap": Heatmap,
    "integral": Integral,
    "keyposs_block": KeyPosSBlock,
    "keyposs_topk": KeyPosSTopK,
    "morphable_affine": MorphableAffine,
    "morphable_perspective": MorphablePerspective,
    "paraboloid": Paraboloid,
    "pfld": Pfld,
    "pip": Pip,
    "soft_argmax": SoftArgmax,
}

__all__ = ["CODECS", "Codec", "Decoded", "Outputs", "Stages", "Target", "prediction"]
