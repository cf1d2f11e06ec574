"""Cameras of a fit: how points in front of a viewer (x right, y up, z toward the viewer) meet the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from canthus.geometry import FloatArray


@dataclass(frozen=True, eq=False)
class Projected:
    """Points (N, P, 2) in the plane with y up, their derivative (N, P, 2, 3) by the points in space, and
    (N, P, 2, C) by the camera's own parameters."""

    points: FloatArray
    by_points: FloatArray
    by_parameters: FloatArray


@dataclass(frozen=True)
class Orthographic:
    """Scaled orthographic: (x, y) = scale (X, Y) + shift. Parameters (N, 3): scale in px per unit, shift in
    px."""

    def start(self, scale: FloatArray, shift: FloatArray) -> FloatArray:
        """Parameters (N, 3) of a scale (N,) and a shift (N, 2)."""
        return np.concatenate([scale[:, None], shift], axis=1)

    def scale(self, parameters: FloatArray) -> FloatArray:
        """Px per unit of length (N,)."""
        return parameters[:, 0]

    def project(self, points: FloatArray, parameters: FloatArray) -> Projected:
        """Points (N, P, 3) on the plane."""
        n, p = points.shape[:2]
        scale = parameters[:, 0, None]
        by_points = np.zeros((n, p, 2, 3))
        by_points[:, :, 0, 0] = by_points[:, :, 1, 1] = scale
        by_parameters = np.zeros((n, p, 2, 3))
        by_parameters[..., 0] = points[..., :2]
        by_parameters[:, :, 0, 1] = by_parameters[:, :, 1, 2] = 1.0
        return Projected(
            scale[..., None] * points[..., :2] + parameters[:, None, 1:], by_points, by_parameters
        )


@dataclass(frozen=True)
class Perspective:
    """Pinhole: (x, y) = focal (X + tx, Y + ty) / (tz - Z). Parameters (N, 3): tx, ty, tz in units of the
    model; tz is the distance of its origin. `focal` in px, `center` (x, y) the principal point in image px.
    """

    focal: float
    center: tuple[float, float]

    def start(self, scale: FloatArray, shift: FloatArray) -> FloatArray:
        """Parameters (N, 3) at which the model's origin has a scale (N,) and a place (N, 2)."""
        return np.concatenate([shift / scale[:, None], self.focal / scale[:, None]], axis=1)

    def scale(self, parameters: FloatArray) -> FloatArray:
        """Px per unit of length (N,) at the model's origin."""
        return np.asarray(self.focal / parameters[:, 2])

    def project(self, points: FloatArray, parameters: FloatArray) -> Projected:
        """Points (N, P, 3) on the plane, the principal point at the origin."""
        n, p = points.shape[:2]
        depth = np.maximum(parameters[:, 2, None] - points[..., 2], 1e-6)
        ratio = self.focal / depth
        plane = ratio[..., None] * (points[..., :2] + parameters[:, None, :2])
        by_points = np.zeros((n, p, 2, 3))
        by_points[:, :, 0, 0] = by_points[:, :, 1, 1] = ratio
        by_points[..., 2] = plane / depth[..., None]
        by_parameters = by_points.copy()
        by_parameters[..., 2] *= -1
        return Projected(plane, by_points, by_parameters)


Camera = Orthographic | Perspective
