"""Cameras of a fit: how points in front of a viewer (x right, y up, z toward the viewer) meet the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from canthus.geometry import FloatArray

_PLANE = np.eye(2)[:, None]  # (2, 1, 2): a step along x and one along y


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

    def project(self, points: FloatArray, parameters: FloatArray) -> FloatArray:
        """Points (N, P, 3) on the plane, (N, P, 2) with y up."""
        return np.asarray(parameters[:, None, :1] * points[..., :2] + parameters[:, None, 1:])

    def derivatives(self, points: FloatArray, parameters: FloatArray, ways: FloatArray) -> FloatArray:
        """How points (N, P, 3) move on the plane, (N, M + 3, P, 2), when they go M `ways` (N, M, P, 3) in
        space, and when each parameter grows."""
        count, moves = ways.shape[:2]
        out = np.empty((count, moves + 3, points.shape[1], 2))
        np.multiply(ways[..., :2], parameters[:, :1, None, None], out=out[:, :moves])
        out[:, moves] = points[..., :2]
        out[:, moves + 1 :] = _PLANE
        return out


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

    def project(self, points: FloatArray, parameters: FloatArray) -> FloatArray:
        """Points (N, P, 3) on the plane, (N, P, 2) with y up, the principal point at the origin."""
        near = points[..., :2] + parameters[:, None, :2]
        return np.asarray(near * (self.focal / self._depth(points, parameters)))

    def derivatives(self, points: FloatArray, parameters: FloatArray, ways: FloatArray) -> FloatArray:
        """How points (N, P, 3) move on the plane, (N, M + 3, P, 2), when they go M `ways` (N, M, P, 3) in
        space, and when each parameter grows."""
        depth = self._depth(points, parameters)
        ratio = (self.focal / depth)[:, None]  # (N, 1, P, 1)
        toward = (self.project(points, parameters) / depth)[:, None]  # (N, 1, P, 2): a step toward the viewer
        moved = ratio * ways[..., :2] + toward * ways[..., 2:]
        return np.concatenate([moved, ratio * _PLANE, -toward], axis=1)

    def _depth(self, points: FloatArray, parameters: FloatArray) -> FloatArray:
        """Distance (N, P, 1) of points from the camera's plane."""
        return np.maximum(parameters[:, None, 2:] - points[..., 2:], 1e-6)


Camera = Orthographic | Perspective
