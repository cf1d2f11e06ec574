"""The shape model of Deep3DFaceRecon (Deng et al. 2019): Basel Face Model 2009 for identity, FaceWarehouse as
Guo et al. (2018) fitted it for expression, in the one file that its preparation writes.

Licence: the Basel Face Model is for academic use after registration (faces.dmi.unibas.ch), not to be passed
on; the expression basis is for research. Nothing of them comes with this package.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from canthus.formats.mat import read_variables
from canthus.geometry import StandardFace
from canthus.morphable_models.morphable_model import MorphableModel, typical_noise
from canthus.schemes.alignment import CORNERS

LICENCE = (
    "Basel Face Model 2009 (academic use after registration) and the expression basis of Guo et al. "
    "(research): not to be passed on"
)
SOURCE = (
    "BFM_model_front.mat, which sicxu/Deep3DFaceRecon_pytorch makes from 01_MorphableModel.mat (by "
    "registration at faces.dmi.unibas.ch) and Exp_Pca.bin (github.com/Juyong/3DFace)"
)
#: The standard face that faces are aligned to, beside that file; 68 points in decimetres.
STANDARD_FACE = "similarity_Lm3D_all.mat"
_NAMES = ("meanshape", "idBase", "exBase", "keypoints", "tri")


def read_basel(path: Path) -> MorphableModel:
    """The shape of `BFM_model_front.mat`, centred, in its unit (a decimetre), the bases already scaled to
    standard deviations.

    Raises FileNotFoundError and ValueError that say where the file is from.
    """
    try:
        arrays = read_variables(path, _NAMES)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such file; expected {SOURCE}") from None
    except ValueError as error:
        raise ValueError(f"{error}; expected {SOURCE}") from None
    try:
        mean = np.asarray(arrays["meanshape"], dtype=np.float64).reshape(-1, 3)
        mean = mean - mean.mean(0)
        identity, expression = (
            np.asarray(arrays[name], dtype=np.float64).T.reshape(-1, len(mean), 3)
            for name in ("idBase", "exBase")
        )
        landmarks = _from_zero(arrays["keypoints"].ravel())
        if len(landmarks) != 68 or not 0 <= landmarks.min() <= landmarks.max() < len(mean):
            raise ValueError(f"found {len(landmarks)} keypoints, expected 68 of {len(mean)} vertices")
        return MorphableModel(
            mean=mean,
            identity=identity,
            expression=expression,
            deviations=np.ones(len(identity) + len(expression)),
            scheme="ibug68_3d",
            noise=typical_noise(mean[landmarks]),
            source=f"Deep3DFaceRecon's shape model, {path.name}",
            licence=LICENCE,
            landmarks=landmarks,
            triangles=_from_zero(arrays["tri"]),
        )
    except (ValueError, IndexError, TypeError) as error:
        raise ValueError(f"{path}: not Deep3DFaceRecon's shape model ({error}); expected {SOURCE}") from None


def read_standard_face(path: Path) -> StandardFace:
    """Middles of the eye corners, nose tip and mouth corners of `similarity_Lm3D_all.mat`, decimetres.

    Raises FileNotFoundError and ValueError that name the file.
    """
    points = np.asarray(read_variables(path, ("lm",))["lm"], dtype=np.float64)
    if points.shape != (68, 3) or not np.isfinite(points).all():
        raise ValueError(f"{path}: found lm of shape {points.shape}, expected 68 points in space (68, 3)")
    five = [tuple(float(value) for value in points[list(group)].mean(0)) for group in CORNERS]
    return cast(StandardFace, tuple(five))


def _from_zero(numbers: NDArray[np.generic]) -> NDArray[np.int64]:
    """Vertex numbers of MATLAB, which count from 1."""
    return np.asarray(numbers, dtype=np.int64) - 1
