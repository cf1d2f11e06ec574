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
    half = np.linalg.norm(vector, axis=-1, keepdims=True) / 2
    return _of_quaternion(np.cos(half), 0.5 * np.sinc(half / np.pi) * vector)


def small_rotation(vector: FloatArray) -> FloatArray:
    """Rotations (..., 3, 3) that agree with `exponential` to the second order, in less time (Cayley)."""
    return _of_quaternion(np.ones((*vector.shape[:-1], 1)), 0.5 * vector)


def _of_quaternion(real: FloatArray, vector: FloatArray) -> FloatArray:
    """Rotations (..., 3, 3) of quaternions with these real (..., 1) and vector parts (..., 3), of any
    length."""
    q = np.concatenate([real, vector], axis=-1)
    products = (q[..., :, None] * q[..., None, :]).reshape(*q.shape[:-1], 16)
    turned = products @ _QUADRATIC
    return np.asarray((turned[..., :9] / turned[..., 9:]).reshape(*q.shape[:-1], 3, 3))


def _about(axis: int, angle: FloatArray) -> FloatArray:
    vector = np.zeros((*np.shape(angle), 3))
    vector[..., axis] = angle
    return exponential(vector)


def _quadratic() -> FloatArray:
    """(16, 10): from the products of the parts of a quaternion w, x, y, z to the nine entries of its rotation
    times its squared length, and to that square."""
    out = np.zeros((4, 4, 10))
    for i in range(3):
        out[0, 0, 4 * i] = 1.0
        for j in range(3):
            out[1 + j, 1 + j, 4 * i] = 1.0 if i == j else -1.0
            if i != j:
                out[1 + i, 1 + j, 3 * i + j] = 2.0
                out[0, 1 + 3 - i - j, 3 * i + j] = -2.0 if (j - i) % 3 == 1 else 2.0
    out[range(4), range(4), 9] = 1.0
    return out.reshape(16, 10)


_QUADRATIC = _quadratic()
