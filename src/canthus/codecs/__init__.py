"""Codecs. Adding one: a file with a `Codec` and a row here."""

from canthus.codecs.codec import Codec, Decoded, Outputs, Target
from canthus.codecs.coordinates import Coordinates
from canthus.codecs.integral import Integral
from canthus.codecs.pip import Pip

CODECS: dict[str, type[Codec]] = {
    "coordinates": Coordinates,
    "integral": Integral,
    "pip": Pip,
}

__all__ = ["CODECS", "Codec", "Decoded", "Outputs", "Target"]
