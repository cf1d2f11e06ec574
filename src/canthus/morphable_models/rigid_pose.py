"""Head pose by perspective-n-point: the points that an expression moves least, before a pinhole camera."""

from __future__ import annotations

import cv2
import numpy as np

from canthus.geometry import FloatArray
from canthus.morphable_models.camera import Perspective
from canthus.morphable_models.sparse import sparse_model

#: Ends of the brows, nose, corners of the eyes, in the 68 points of the package's shape model.
RIGID = (17, 21, 22, 26, *range(27, 36), 36, 39, 42, 45)
#: Fewer points, or points closer to one line than this share of their length, tell no pose.
FEWEST, NARROWEST = 6, 0.02
_FROM_OPENCV = np.array([1.0, -1.0, -1.0])  # whose cameras look along z, with y down


def rigid_rotations(points: FloatArray, camera: Perspective) -> FloatArray:
    """Rotations (N, 3, 3) from the model to the camera frame of faces (N, 68, 2) px, NaN where unknown.

    The mean of the package's shape model is laid on the points of `RIGID` that have a position (NaN: it has
    none) by `cv2.solvePnP` (SQPnP, Terzakis and Lourakis 2020). A face whose points tell no pose, or for
    which none is found, is NaN.
    """
    shape = sparse_model().at_landmarks().mean[list(RIGID)] * _FROM_OPENCV
    x, y = camera.center
    matrix = np.array([[camera.focal, 0.0, x], [0.0, camera.focal, y], [0.0, 0.0, 1.0]])
    faces = np.asarray(points, dtype=np.float64)[:, list(RIGID)]
    found = [_rotation(shape, face, matrix) for face in faces]
    return np.stack(found) if found else np.zeros((0, 3, 3))


def _rotation(shape: FloatArray, face: FloatArray, matrix: FloatArray) -> FloatArray:
    known = np.isfinite(face).all(-1)
    seen = face[known]
    unknown = np.full((3, 3), np.nan)
    if len(seen) < FEWEST:
        return unknown
    length, width = np.linalg.svd(seen - seen.mean(0), compute_uv=False)
    if width <= NARROWEST * length:
        return unknown
    solved, turn, _ = cv2.solvePnP(shape[known], seen, matrix, None, flags=cv2.SOLVEPNP_SQPNP)
    if not solved or not np.isfinite(turn).all():
        return unknown
    rotation = np.asarray(cv2.Rodrigues(turn.reshape(3, 1))[0], dtype=np.float64)
    return np.asarray(_FROM_OPENCV[:, None] * rotation * _FROM_OPENCV)
