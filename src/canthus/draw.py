"""Faces on a picture: parts as lines, points as dots, hidden points as rings."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.faces import Faces
from canthus.geometry import FloatArray, landmark_boxes

Colour = tuple[int, int, int]

LINE: Colour = (64, 224, 208)
VISIBLE: Colour = (255, 255, 255)
HIDDEN: Colour = (255, 128, 32)
BOX: Colour = (255, 214, 64)
ELLIPSE: Colour = (255, 96, 208)
_SHIFT = 4  # fractional bits of OpenCV's drawing coordinates
_WIDEST = 100
_LIMIT = 1 << 24  # px beyond which nothing is drawn: it would overflow those coordinates


def draw_faces(
    image: NDArray[np.uint8],
    faces: Faces,
    *,
    lines: bool = True,
    points: bool = True,
    boxes: bool = True,
    ellipses: float | None = None,
) -> NDArray[np.uint8]:
    """A copy of the RGB picture (H, W, 3) with its faces; widths follow the size of each face.

    A point is hidden where the model's visibility is below 0.5. `ellipses`: draw the region that holds each
    point with this probability, in (0, 1), for models that give a covariance.
    """
    if ellipses is not None:
        check_probability(ellipses)
    out = image.copy()
    for face in faces:
        width = line_width(face)
        if boxes:
            _box(out, face, width)
        if lines:
            _lines(out, face, width)
        if ellipses is not None and face.covariance is not None:
            for center, covariance in zip(face.points[0], face.covariance[0], strict=True):
                _polyline(
                    out, ellipse(center, covariance, ellipses), ELLIPSE, max(1, width // 2), closed=True
                )
        if points:
            _points(out, face, width)
    return out


def check_probability(ellipses: float) -> None:
    """Raise ValueError for a probability that no ellipse has."""
    if not 0 < ellipses < 1:
        raise ValueError(f"ellipses: found {ellipses}, expected a probability between 0 and 1")


def line_width(face: Faces) -> int:
    """Width in px for one face: the diagonal of its points' box / 150, at least 1."""
    x1, y1, x2, y2 = landmark_boxes(face.points[0])
    diagonal = float(np.nan_to_num(np.hypot(x2 - x1, y2 - y1)))
    return min(max(1, round(diagonal / 150)), _WIDEST)


def ellipse(center: FloatArray, covariance: FloatArray, probability: float, count: int = 40) -> FloatArray:
    """`count` points (count, 2) on the ellipse around `center` (2,) that holds this share of a normal
    distribution with `covariance` (2, 2): chi-square with two degrees of freedom, radius² = -2 ln(1 - p)."""
    values, vectors = np.linalg.eigh(np.asarray(covariance, dtype=np.float64))
    axes = vectors * np.sqrt(np.clip(values, 0, None) * -2 * np.log1p(-probability))
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.asarray(center + np.stack([np.cos(angles), np.sin(angles)], axis=1) @ axes.T)


def _box(image: NDArray[np.uint8], face: Faces, width: int) -> None:
    x1, y1, x2, y2 = face.boxes[0]
    corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
    _polyline(image, corners, BOX, width, closed=True)


def _lines(image: NDArray[np.uint8], face: Faces, width: int) -> None:
    for name, part in face.scheme.parts.items():
        if len(part.indices) > 1:
            _polyline(image, face.part(name)[0], LINE, width, closed=part.closed)


def _points(image: NDArray[np.uint8], face: Faces, width: int) -> None:
    hidden = np.zeros(len(face.scheme), bool) if face.visibility is None else face.visibility[0] < 0.5
    radius = round((width * 1.25 + 0.25) * (1 << _SHIFT))
    for point, is_hidden in zip(face.points[0], hidden, strict=True):
        if not _drawable(point[None]):
            continue
        x, y = (int(v) for v in np.rint(point * (1 << _SHIFT)))
        thickness = max(1, width // 2) if is_hidden else -1
        colour = HIDDEN if is_hidden else VISIBLE
        cv2.circle(image, (x, y), radius, colour, thickness, cv2.LINE_AA, _SHIFT)


def _polyline(
    image: NDArray[np.uint8], points: FloatArray, colour: Colour, width: int, *, closed: bool
) -> None:
    if not _drawable(points):
        return
    fixed = np.rint(points * (1 << _SHIFT)).astype(np.int32)
    cv2.polylines(image, [fixed[:, None]], closed, colour, width, cv2.LINE_AA, _SHIFT)


def _drawable(points: FloatArray) -> bool:
    return bool(np.isfinite(points).all() and (np.abs(points) < _LIMIT).all())
