"""The pose of a head from its landmarks, by the shape model that comes with the package."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from canthus.faces import Faces
from canthus.geometry import FloatArray
from canthus.morphable_models import Fit, fit, fit_pose, measurable, sparse_model
from canthus.schemes import SCHEMES, Scheme


def fit_heads(
    points: FloatArray, scheme: Scheme, visibility: NDArray[np.float32] | None = None
) -> Fit | None:
    """The sparse model fitted to faces (N, K, 2) in image px, each point weighted by its visibility (N, K).

    Points of another scheme are converted to the model's: what slides along the contour of a turned head, as
    the jaw of `ibug68` does, is left out. None for a scheme without a conversion.
    """
    found = _converted(points, scheme, visibility)
    return None if found is None else fit(sparse_model(), *found)


def head_pose(
    points: FloatArray, scheme: Scheme, visibility: NDArray[np.float32] | None = None
) -> NDArray[np.float32] | None:
    """Yaw, pitch, roll (N, 3) in degrees as in `canthus.morphable_models.pose`; None as in `fit_heads`."""
    found = _converted(points, scheme, visibility)
    return None if found is None else fit_pose(sparse_model(), *found).astype(np.float32)


def pose_of(faces: Faces) -> NDArray[np.float32] | None:
    """The pose that faces have by their points; `Faces.pose` takes this function and calls it when needed."""
    return head_pose(faces.points, faces.scheme, faces.visibility)


def _converted(
    points: FloatArray, scheme: Scheme, visibility: NDArray[np.float32] | None
) -> tuple[FloatArray, FloatArray | None] | None:
    """Points (N, P, 2) of the sparse model and their weights (N, P)."""
    if not measurable(scheme):
        return None
    target = sparse_model().scheme
    weights = None if visibility is None else scheme.average(visibility[..., None], SCHEMES[target])[..., 0]
    return scheme.convert(points, target), weights
