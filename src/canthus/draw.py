"""Faces on a picture: parts as lines, points as dots, hidden points as rings.

Small faces are drawn enlarged and averaged back, so that their lines can be thinner than a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.faces import Faces
from canthus.geometry import FloatArray, apply_affine, compose_affine, landmark_boxes, resize_affine
from canthus.morphable_models import fit, rotation_matrix, sparse_model
from canthus.morphable_models.mesh import sparse_edges

Colour = tuple[int, int, int]

LINE: Colour = (64, 224, 208)
VISIBLE: Colour = (255, 255, 255)
HIDDEN: Colour = (255, 112, 0)
BOX: Colour = (255, 214, 64)
ELLIPSE: Colour = (255, 64, 192)
MESH: Colour = (30, 60, 200)
#: To the person's left, up, out of the face.
AXES: tuple[Colour, Colour, Colour] = ((235, 64, 52), (52, 200, 80), (64, 110, 255))
_FINE = 450.0  # diagonal in px of a face's points that is drawn without enlarging
_LINES_PER_FACE = 220.0  # a line's width is the diagonal divided by this
_SHIFT = 4  # fractional bits of OpenCV's drawing coordinates
_WIDEST = 100
_FARTHEST = 1 << 24  # px beyond which nothing is drawn: it would overflow those coordinates


@dataclass(frozen=True)
class Layers:
    """What is drawn; of a followed face its number too, above its box. A point is hidden where the model's
    visibility is below 0.5. `ellipses`: the region that holds each point with this probability, in (0, 1),
    for models that give a covariance. `axes`: from the middle of the points those of the head, for faces with
    a pose: to the person's left, up, and out of the face. `mesh`: the triangles between the points of the
    sparse shape, for schemes that have them."""

    lines: bool = True
    points: bool = True
    boxes: bool = True
    ellipses: float | None = None
    axes: bool = False
    mesh: bool = False

    def __post_init__(self) -> None:
        if self.ellipses is not None and not 0 < self.ellipses < 1:
            raise ValueError(f"ellipses: found {self.ellipses}, expected a probability between 0 and 1")


def draw_faces(image: NDArray[np.uint8], faces: Faces, layers: Layers | None = None) -> NDArray[np.uint8]:
    """A copy of the RGB picture (H, W, 3) with its faces; widths follow the size of each face."""
    out = image.copy()
    draw_onto(out, faces, layers)
    return out


def draw_onto(image: NDArray[np.uint8], faces: Faces, layers: Layers | None = None) -> None:
    """Draw the faces onto the RGB picture (H, W, 3) itself, which saves a copy of large ones."""
    layers = layers or Layers()
    for face in faces:
        size = _diagonal(face)
        if layers.boxes:
            x1, y1, x2, y2 = face.boxes[0]
            corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])
            _Canvas(image, np.eye(2, 3), _line_width(size)).line(corners, BOX, closed=True)
            if face.track_ids is not None:
                _number(image, int(face.track_ids[0]), corners[0], size)
        patch = _patch(image, face, size)
        if patch is not None:
            canvas, place = patch
            _draw(canvas, face, layers)
            rows, columns = image[place].shape[:2]
            image[place] = cv2.resize(canvas.image, (columns, rows), interpolation=cv2.INTER_AREA)


def ellipse(center: FloatArray, covariance: FloatArray, probability: float, count: int = 40) -> FloatArray:
    """`count` points (count, 2) on the ellipse around `center` (2,) that holds this share of a normal
    distribution with `covariance` (2, 2): chi-square with two degrees of freedom, radius² = -2 ln(1 - p)."""
    values, vectors = np.linalg.eigh(np.asarray(covariance, dtype=np.float64))
    axes = vectors * np.sqrt(np.clip(values, 0, None) * -2 * np.log1p(-probability))
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.asarray(center + np.stack([np.cos(angles), np.sin(angles)], axis=1) @ axes.T)


def _mesh(canvas: _Canvas, face: Faces) -> None:
    """Edges between the points of the sparse shape; what the face's scheme has not comes from its fit."""
    model = sparse_model().scheme
    if model in (face.scheme.name, *face.scheme.conversions):
        found = face.scheme.convert(face.points, model)
        fitted = found if np.isfinite(found).all() else fit(sparse_model(), found).points
        points = np.where(np.isfinite(found), found, fitted)[0]
        for edge in sparse_edges():
            canvas.line(points[list(edge)], MESH, closed=False, share=0.6)


def _axes(canvas: _Canvas, face: Faces) -> None:
    """Half a diagonal each; the camera frame's y points up, the picture's down."""
    if face.pose is None or not np.isfinite(face.pose).all():
        return
    origin = np.nanmean(face.points[0], axis=0)
    ends = rotation_matrix(face.pose[0])[:2].T * (1.0, -1.0) * (0.5 * _diagonal(face))  # (3, 2)
    for end, colour in zip(ends, AXES, strict=True):
        canvas.line(np.stack([origin, origin + end]), colour, closed=False, share=2.0)


def _draw(canvas: _Canvas, face: Faces, layers: Layers) -> None:
    if layers.mesh:
        _mesh(canvas, face)
    if layers.lines:
        for name, part in face.scheme.parts.items():
            if len(part.indices) > 1:
                canvas.line(face.part(name)[0], LINE, closed=part.closed)
    if layers.ellipses is not None and face.covariance is not None:
        for center, covariance in zip(face.points[0], face.covariance[0], strict=True):
            canvas.line(ellipse(center, covariance, layers.ellipses), ELLIPSE, closed=True, share=0.5)
    if layers.points:
        hidden = np.zeros(len(face.scheme), bool) if face.visibility is None else face.visibility[0] < 0.5
        for point, is_hidden in zip(face.points[0], hidden, strict=True):
            canvas.dot(point, hidden=bool(is_hidden))
    if layers.axes:
        _axes(canvas, face)


@dataclass(frozen=True)
class _Canvas:
    """Pixels to draw on, `matrix` (2, 3) from image px to them, and the width of a line there."""

    image: NDArray[np.uint8]
    matrix: FloatArray
    width: int

    def line(self, points: FloatArray, colour: Colour, *, closed: bool, share: float = 1.0) -> None:
        """A polyline over image points (P, 2), in a share of the usual width."""
        fixed = self._fixed(points)
        if fixed is not None:
            width = max(1, round(self.width * share))
            cv2.polylines(self.image, [fixed[:, None]], closed, colour, width, cv2.LINE_AA, _SHIFT)

    def dot(self, point: FloatArray, *, hidden: bool) -> None:
        """A filled dot, or a ring, around an image point (2,)."""
        fixed = self._fixed(point[None])
        if fixed is None:
            return
        center = (int(fixed[0, 0]), int(fixed[0, 1]))
        radius = round(self.width * 1.5 * (1 << _SHIFT))
        if hidden:
            cv2.circle(
                self.image, center, radius, HIDDEN, max(1, round(0.8 * self.width)), cv2.LINE_AA, _SHIFT
            )
        else:
            cv2.circle(self.image, center, radius, VISIBLE, -1, cv2.LINE_AA, _SHIFT)

    def _fixed(self, points: FloatArray) -> NDArray[np.int32] | None:
        """Canvas px in OpenCV's fixed point; None where one has no place."""
        placed = apply_affine(self.matrix, points)
        if not (np.isfinite(placed).all() and (np.abs(placed) < _FARTHEST).all()):
            return None
        return np.rint(placed * (1 << _SHIFT)).astype(np.int32)


def _number(image: NDArray[np.uint8], number: int, corner: FloatArray, size: float) -> None:
    """A number that stands on the corner (2,) of a box, as high as a fifteenth of the face, but legible."""
    if np.isfinite(corner).all() and (np.abs(corner) < _FARTHEST).all():
        place, font = np.rint(corner - [0, 3]).astype(int).tolist(), cv2.FONT_HERSHEY_SIMPLEX
        scale = max(size / 15, 9) / 22  # the font is 22 px high
        cv2.putText(image, str(number), place, font, scale, BOX, max(1, round(1.5 * scale)), cv2.LINE_AA)


def _diagonal(face: Faces) -> float:
    """Diagonal in px of the points' tight box; 0 where no point has a position."""
    x1, y1, x2, y2 = landmark_boxes(face.points[0])
    return float(np.nan_to_num(np.hypot(x2 - x1, y2 - y1)))


def _line_width(size: float) -> int:
    return min(max(1, round(size / _LINES_PER_FACE)), _WIDEST)


def _patch(image: NDArray[np.uint8], face: Faces, size: float) -> tuple[_Canvas, tuple[slice, slice]] | None:
    """The part of the picture around the points, enlarged if they are close together, and its place."""
    box = landmark_boxes(face.points[0])
    if not np.isfinite(box).all():
        return None
    margin = 0.35 * size + 4
    limit = image.shape[1], image.shape[0]
    left, top = (int(v) for v in np.clip(np.floor(box[:2] - margin), 0, limit))
    right, bottom = (int(v) for v in np.clip(np.ceil(box[2:] + margin) + 1, 0, limit))
    if left >= right or top >= bottom:
        return None
    factor = int(np.clip(np.ceil(_FINE / max(size, 1.0)), 1, 8))
    place = slice(top, bottom), slice(left, right)
    enlarged = np.ascontiguousarray(image[place].repeat(factor, axis=0).repeat(factor, axis=1))
    shift = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top]])
    matrix = compose_affine(resize_affine(factor, factor), shift)
    return _Canvas(enlarged, matrix, _line_width(size * factor)), place
