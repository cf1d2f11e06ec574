"""The five points that a head is aligned by, of any scheme that has them."""

from __future__ import annotations

import numpy as np

from canthus.geometry import FloatArray
from canthus.schemes.five import FIVE
from canthus.schemes.ibug68_3d import IBUG68_3D
from canthus.schemes.scheme import Scheme

#: Of the 68 points: the corners of each eye, the tip of the nose, the corners of the mouth.
CORNERS = ((36, 39), (42, 45), (30,), (48,), (54,))


def alignment_points(points: FloatArray, scheme: Scheme) -> FloatArray:
    """Eye centres, nose tip and mouth corners (..., 5, 2) of points (..., K, 2), NaN where unknown.

    The centre of an eye is the middle of its corners (as Deng et al. 2019 align faces), else what the scheme
    has in the conversion to `five`. ValueError for a scheme without either.
    """
    points = np.asarray(points, dtype=np.float64)
    if IBUG68_3D.name not in (scheme.name, *scheme.conversions):
        return scheme.convert(points, FIVE)
    seen = scheme.convert(points, IBUG68_3D)
    found = np.stack([seen[..., list(group), :].mean(-2) for group in CORNERS], axis=-2)
    if FIVE.name in scheme.conversions:
        found = np.where(np.isnan(found), scheme.convert(points, FIVE), found)
    return found
