"""Rotations of a head as yaw, pitch and roll.

Camera frame: x right, y up, z toward the viewer; the picture shows (x, -y). The angles are those of 300W-LP
and AFLW2000-3D (Zhu et al. 2016, `Pose_Para`): R = Rx(-pitch) Ry(-yaw) Rz(-roll). So yaw is positive when
the nose points to the left of the picture, pitch when it points up, roll when the head leans clockwise as
the picture shows it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from canthus.geometry import FloatArray


def euler_angles(rotation: ArrayLike) -> FloatArray:
    """Yaw, pitch, roll (..., 3) in degrees of rotations (..., 3, 3) from the model to the camera frame."""
    r = np.asarray(rotation, dtype=np.float64)
    yaw = -np.arcsin(np.clip(r[..., 0, 2], -1.0, 1.0))
    pitch = np.arctan2(r[..., 1, 2], r[..., 2, 2])
    roll = np.arctan2(r[..., 0, 1], r[..., 0, 0])
    return np.asarray(np.degrees(np.stack([yaw, pitch, roll], axis=-1)))


def rotation_matrix(angles: ArrayLike) -> FloatArray:
    """Rotations (..., 3, 3) of yaw, pitch, roll (..., 3) in degrees: the inverse of `euler_angles`."""
    yaw, pitch, roll = np.moveaxis(-np.radians(np.asarray(angles, dtype=np.float64)), -1, 0)
    return _about(0, pitch) @ _about(1, yaw) @ _about(2, roll)


def exponential(vector: FloatArray) -> FloatArray:
    """Rotations (..., 3, 3) about axis vectors (..., 3) whose length is the angle in radians (Rodrigues)."""
    angle = np.linalg.norm(vector, axis=-1)[..., None, None]
    k = np.zeros((*vector.shape[:-1], 3, 3))
    x, y, z = np.moveaxis(vector, -1, 0)
    k[..., 0, 1], k[..., 0, 2], k[..., 1, 2] = -z, y, -x
    k[..., 1, 0], k[..., 2, 0], k[..., 2, 1] = z, -y, x
    sine = np.sinc(angle / np.pi)  # sin(angle) / angle
    cosine = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2  # (1 - cos(angle)) / angle^2
    return np.asarray(np.eye(3) + sine * k + cosine * (k @ k))


def _about(axis: int, angle: FloatArray) -> FloatArray:
    vector = np.zeros((*np.shape(angle), 3))
    vector[..., axis] = angle
    return exponential(vector)
