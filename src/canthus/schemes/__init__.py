"""Landmark schemes. Adding one: a file with a `Scheme` and a row here."""

from canthus.schemes.aflw19 import AFLW19
from canthus.schemes.cofw29 import COFW29
from canthus.schemes.face_synthetics70 import FACE_SYNTHETICS70
from canthus.schemes.five import FIVE
from canthus.schemes.ibug68 import IBUG68
from canthus.schemes.ibug68_3d import IBUG68_3D
from canthus.schemes.lapa106 import LAPA106
from canthus.schemes.scheme import Part, Scheme
from canthus.schemes.wflw98 import WFLW98

SCHEMES: dict[str, Scheme] = {
    scheme.name: scheme
    for scheme in (IBUG68, IBUG68_3D, FACE_SYNTHETICS70, FIVE, WFLW98, COFW29, AFLW19, LAPA106)
}

__all__ = ["SCHEMES", "Part", "Scheme"]
