"""The pose of a head from its landmarks, by the shape model that comes with the package."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from canthus.faces import Faces
from canthus.geometry import FloatArray
from canthus.morphable_models import Fit, fit, sparse_model
from canthus.schemes import SCHEMES, Scheme


def fit_heads(
    points: FloatArray, scheme: Scheme, visibility: NDArray[np.float32] | None = None
) -> Fit | None:
    """The sparse model fitted to faces (N, K, 2) in image px, each point weighted by its visibility (N, K).

    Points of another scheme are converted to the model's: what slides along the contour of a turned head, as
    the jaw of `ibug68` does, is left out. None for a scheme without a conversion.
    """
    model = sparse_model()
    if model.scheme not in (scheme.name, *scheme.conversions):
        return None
    target = SCHEMES[model.scheme]
    weights = None
    if visibility is not None:
        weights = scheme.convert(np.repeat(visibility[..., None], 2, axis=-1), target)[..., 0]
    return fit(model, scheme.convert(points, target), weights)


def head_pose(
    points: FloatArray, scheme: Scheme, visibility: NDArray[np.float32] | None = None
) -> NDArray[np.float32] | None:
    """Yaw, pitch, roll (N, 3) in degrees as in `canthus.morphable_models.pose`; None as in `fit_heads`."""
    found = fit_heads(points, scheme, visibility)
    return None if found is None else found.pose.astype(np.float32)


def with_pose(faces: Faces) -> Faces:
    """The same faces with the pose that their points have."""
    if not len(faces):
        return faces
    return replace(faces, pose=head_pose(faces.points, faces.scheme, faces.visibility))
