"""Pixel convention, boxes and crops: the only half-pixel terms of the package are in this file.

(0, 0) is the centre of the top-left pixel, x to the right, y down. A picture of width W spans -0.5 to
W - 0.5. Boxes are (x1, y1, x2, y2) in the same coordinates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field

FloatArray = NDArray[np.floating]
BoxKind = Literal["landmarks", "face", "head"]

Point3d = tuple[float, float, float]
StandardFace = tuple[Point3d, Point3d, Point3d, Point3d, Point3d]

_BOX_KINDS = get_args(BoxKind)

#: A `face` box is a `landmarks` box with its top raised by this share of its height.
FOREHEAD = 0.25
#: A `head` box is the square of two decimetres about the middle of a head's 68 landmarks, solved from five
#: points. Of a face from the front its side is this share of the height of the `landmarks` box, whose middle
#: is lower by the second share of that height.
HEAD, ABOVE = 1.411, 0.047
#: Width over height of the `landmarks` box of such a face.
BREADTH = 1.028
#: Middles of the eye corners, nose tip, mouth corners (the person's right first) of the mean face of
#: `assets/face_shape.npz`, decimetres: x to the person's left, y up, z out of the face.
FIVE_POINTS: StandardFace = (
    (-0.319, 0.386, -0.009),
    (0.319, 0.386, -0.009),
    (0.0, 0.070, 0.416),
    (-0.265, -0.301, 0.084),
    (0.265, -0.301, 0.084),
)


def convert_boxes(boxes: ArrayLike, source: BoxKind, target: BoxKind) -> FloatArray:
    """Boxes (..., 4) of one kind as boxes (..., 4) of another; ValueError for an unknown kind."""
    if source not in _BOX_KINDS or target not in _BOX_KINDS:
        raise ValueError(f"box kinds are 'landmarks', 'face' and 'head'; found {source!r} -> {target!r}")
    out = np.array(boxes, dtype=np.float64)
    if source == target:
        return out
    if source == "head":
        middle, side = (out[..., :2] + out[..., 2:]) / 2, (out[..., 3] - out[..., 1])[..., None]
        half = side / HEAD * (BREADTH / 2, 0.5)
        middle = middle + side / HEAD * (0.0, ABOVE)
        return convert_boxes(np.concatenate([middle - half, middle + half], axis=-1), "landmarks", target)
    if target == "head":
        tight = convert_boxes(out, source, "landmarks")
        high = (tight[..., 3] - tight[..., 1])[..., None]
        middle = (tight[..., :2] + tight[..., 2:]) / 2 - high * (0.0, ABOVE)
        return np.concatenate([middle - high * HEAD / 2, middle + high * HEAD / 2], axis=-1)
    height = out[..., 3] - out[..., 1]
    if source == "landmarks" and target == "face":
        out[..., 1] -= FOREHEAD * height
    elif source == "face" and target == "landmarks":
        out[..., 1] += FOREHEAD / (1 + FOREHEAD) * height
    return out


def head_boxes(five_points: ArrayLike, face: StandardFace = FIVE_POINTS) -> FloatArray:
    """`head` boxes (N, 4) of eye centres, nose tip and mouth corners (N, 5, 2) in image px.

    The affine camera under which the five points of a standard `face` (decimetres) come closest to them gives
    the place of its origin and, as the mean length of the camera's two rows, the px of a decimetre (POS,
    DeMenthon and Davis 1995, as Deng et al. 2019 align faces).
    """
    found = np.asarray(five_points, dtype=np.float64).reshape(-1, 5, 2)
    solve = np.linalg.pinv(np.column_stack([face, np.ones(5)]))  # (4, 5)
    camera = np.einsum("ij,njk->nki", solve, found)  # (N, 2, 4)
    reach = np.linalg.norm(camera[..., :3], axis=-1).mean(-1)[:, None]  # half of the two decimetres
    return np.concatenate([camera[..., 3] - reach, camera[..., 3] + reach], axis=-1)


def landmark_boxes(points: ArrayLike) -> FloatArray:
    """Tight boxes (..., 4) of the points (..., K, 2) that have a position; NaN where none has."""
    points = np.asarray(points, dtype=np.float64)
    missing = np.isnan(points)
    if not missing.any() and points.shape[-2]:
        return np.concatenate([points.min(-2), points.max(-2)], axis=-1)
    low = np.where(missing, np.inf, points).min(-2)
    high = np.where(missing, -np.inf, points).max(-2)
    boxes = np.concatenate([low, high], axis=-1)
    return np.where(np.isfinite(boxes).all(-1, keepdims=True), boxes, np.nan)


def box_iou(a: ArrayLike, b: ArrayLike) -> FloatArray:
    """Intersection over union (N, M) of boxes (N, 4) and (M, 4)."""
    a, b = np.asarray(a, dtype=np.float64).reshape(-1, 4), np.asarray(b, dtype=np.float64).reshape(-1, 4)
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    inter = np.prod(np.clip(high - low, 0, None), axis=-1)
    area_a = np.prod(np.clip(a[:, 2:] - a[:, :2], 0, None), axis=-1)
    area_b = np.prod(np.clip(b[:, 2:] - b[:, :2], 0, None), axis=-1)
    union = area_a[:, None] + area_b[None, :] - inter
    return np.asarray(np.divide(inter, union, out=np.zeros_like(inter), where=union > 0))


def apply_affine(matrix: ArrayLike, points: ArrayLike) -> FloatArray:
    """Points (..., 2) moved by an affine matrix (2, 3)."""
    matrix = np.asarray(matrix, dtype=np.float64)
    return np.asarray(np.asarray(points, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2])


def compose_affine(after: ArrayLike, before: ArrayLike) -> FloatArray:
    """The affine matrix (2, 3) that applies `before` and then `after`, both (2, 3)."""
    after, before = np.asarray(after, dtype=np.float64), np.asarray(before, dtype=np.float64)
    out = after[:, :2] @ before
    out[:, 2] += after[:, 2]
    return np.asarray(out)


def invert_affine(matrix: ArrayLike) -> FloatArray:
    """The inverse (2, 3) of an affine matrix (2, 3)."""
    (a, b, x), (c, d, y) = np.asarray(matrix, dtype=np.float64).tolist()
    determinant = a * d - b * c
    if determinant == 0:
        raise np.linalg.LinAlgError("singular matrix")
    a, b, c, d = d / determinant, -b / determinant, -c / determinant, a / determinant
    return np.array([[a, b, -a * x - b * y], [c, d, -c * x - d * y]])


def mirror_affine(width: float) -> FloatArray:
    """The affine matrix (2, 3) that mirrors a picture of `width` px left to right: x -> width - 1 - x."""
    return np.array([[-1.0, 0.0, width - 1.0], [0.0, 1.0, 0.0]])


def mirror_about(x: float) -> FloatArray:
    """The affine matrix (2, 3) that mirrors left to right about the vertical line at `x`."""
    return mirror_affine(2 * x + 1)


def resize_affine(scale_x: float, scale_y: float) -> FloatArray:
    """The affine matrix (2, 3) of a resize by these factors, pixel areas aligned (as cv2.resize does)."""
    return np.array([[scale_x, 0.0, 0.5 * scale_x - 0.5], [0.0, scale_y, 0.5 * scale_y - 0.5]])


def to_unit(points: Any, size: int) -> Any:
    """Crop px (array or tensor) as shares of the crop side: the picture spans 0 to 1."""
    return (points + 0.5) / size


def from_unit(points: Any, size: int) -> Any:
    """Shares of the crop side (array or tensor) as crop px."""
    return points * size - 0.5


@dataclass(frozen=True)
class Crop:
    """A square window of `size` px onto an image; `matrix` (2, 3) maps image px to crop px.


    `antialias` averages the pixels that share a crop pixel where the crop is a strong reduction.
    """

    matrix: FloatArray
    size: int
    antialias: bool = True

    @cached_property
    def _inverse(self) -> FloatArray:
        """The matrix (2, 3) from crop px to image px."""
        return invert_affine(self.matrix)

    def warp(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The crop (size, size, C) of an image (H, W, C), bilinear, black outside the image."""
        matrix = self.matrix
        scale = math.sqrt(abs(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0]))
        if self.antialias and scale < 0.6:
            image, matrix = self._reduce(image, 1.5 * scale)
        out = cv2.warpAffine(
            image, matrix, (self.size, self.size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT
        )
        return np.asarray(out, dtype=np.uint8)

    def _reduce(self, image: NDArray[np.uint8], factor: float) -> tuple[NDArray[np.uint8], FloatArray]:
        """The part of `image` that the crop shows, averaged to about `factor`, and the matrix from there."""
        last = self.size - 0.5
        corners = self.to_image([[-0.5, -0.5], [last, -0.5], [-0.5, last], [last, last]])
        limit = [image.shape[1], image.shape[0]]
        low = np.clip(np.floor(corners.min(0)).astype(int) - 2, 0, limit)
        high = np.clip(np.ceil(corners.max(0)).astype(int) + 3, 0, limit)
        part = image[low[1] : high[1], low[0] : high[0]]
        if part.size == 0:
            return image, self.matrix
        width, height = (max(1, round(factor * side)) for side in (part.shape[1], part.shape[0]))
        small = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
        shrink = resize_affine(width / part.shape[1], height / part.shape[0])
        place = np.array([[1.0, 0.0, -low[0]], [0.0, 1.0, -low[1]]])
        from_image = compose_affine(shrink, place)
        return np.asarray(small, dtype=np.uint8), compose_affine(self.matrix, invert_affine(from_image))

    def to_crop(self, points: ArrayLike) -> FloatArray:
        """Image points (..., 2) in px of the crop."""
        return apply_affine(self.matrix, points)

    def to_image(self, points: ArrayLike) -> FloatArray:
        """Crop points (..., 2) in px of the image."""
        return apply_affine(self._inverse, points)

    def covariance_to_image(self, covariance: ArrayLike) -> FloatArray:
        """Covariances (..., 2, 2) in crop px² as image px²: A S A^T."""
        linear = self._inverse[:, :2]
        return np.asarray(linear @ np.asarray(covariance, dtype=np.float64) @ linear.T)


class CropRule(BaseModel):
    """How a face box becomes the square crop that a network was trained on; stored with every model.

    `box_kind` is the kind of box the rule starts from. The side of the window is `scale` times the box's
    larger (`max`) or smaller (`min`) edge, their `mean`, or its `height`; `offset` moves the centre by these
    shares of the box's width and height. With `aspect` the window is that much wider than high, and stretched
    to the square. `rounding: integer` rounds the window's edges to whole px, `outward` the box's edges away
    from its middle; `side` and `even_side` cut the window's side to whole and to even px. `offset_of: side`
    takes the shares of the edge that counts. `center` says which crop pixel the box's centre lands on:
    `corner` is the middle of the crop, (size - 1) / 2; `pixel` is size / 2. `label_offset_px` leads from the
    labels that a network was taught to ours: it is subtracted from boxes and training labels and added to
    predicted image points. `antialias` is `Crop.antialias`; systems whose published crops were plain bilinear
    ones turn it off. `standard_face` holds the five points, in decimetres, that `head` boxes are solved with;
    without it they are `FIVE_POINTS`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    box_kind: BoxKind = "face"
    side: Literal["max", "min", "mean", "height"] = "max"
    scale: float = Field(1.25, gt=0)
    offset: tuple[float, float] = (0.0, 0.0)
    offset_of: Literal["box", "side"] = "box"
    aspect: float = Field(1.0, gt=0)
    rounding: Literal["none", "integer", "outward", "side", "even_side"] = "none"
    center: Literal["corner", "pixel"] = "corner"
    label_offset_px: float = 0.0
    antialias: bool = True
    standard_face: StandardFace | None = None

    def head_boxes(self, five_points: ArrayLike) -> FloatArray:
        """`head` boxes (N, 4) of five points (N, 5, 2) in image px, solved with the rule's standard face."""
        return head_boxes(five_points, self.standard_face or FIVE_POINTS)

    def window(self, box: ArrayLike, kind: BoxKind) -> FloatArray:
        """The window (4,) xyxy in image px for one box (4,) of `kind`."""
        edges = convert_boxes(box, kind, self.box_kind)
        if self.rounding == "outward":
            edges = np.concatenate([np.floor(edges[:2]), np.ceil(edges[2:])])
        x1, y1, x2, y2 = edges.tolist()
        width, height = max(x2 - x1, 1e-3), max(y2 - y1, 1e-3)
        sides = {
            "max": max(width, height),
            "min": min(width, height),
            "mean": (width + height) / 2,
            "height": height,
        }
        side = self.scale * sides[self.side]
        if self.rounding in ("side", "even_side"):
            step = 1 if self.rounding == "side" else 2
            side = max(step, step * np.floor(side / step))
        across, down = (width, height) if self.offset_of == "box" else (sides[self.side],) * 2
        center_x = (x1 + x2) / 2 + self.offset[0] * across
        center_y = (y1 + y2) / 2 + self.offset[1] * down
        half_w, half_h = side * self.aspect / 2, side / 2
        window = np.array([center_x - half_w, center_y - half_h, center_x + half_w, center_y + half_h])
        return np.asarray(np.round(window) if self.rounding == "integer" else window)

    def whole(self, width: int, height: int) -> FloatArray:
        """The box (4,) of `box_kind` whose window is the smallest square about a picture's middle that holds
        it; ValueError for a rule that has no such box."""
        side = max(width, height) / self.scale
        center = np.array([width - 1, height - 1]) / 2
        corner = center - np.array(self.offset) * side
        box = np.concatenate([corner - side / 2, corner + side / 2])
        half = side * self.scale / 2
        if not np.allclose(self.window(box, self.box_kind), [*(center - half), *(center + half)], atol=1e-6):
            raise ValueError(f"crop {self.model_dump()}: no box makes that crop a whole picture")
        return box

    def middle(self, size: int) -> float:
        """The crop pixel, in x and y, that the window's centre lands on."""
        return (size - 1) / 2 if self.center == "corner" else size / 2

    def crop(self, box: ArrayLike, kind: BoxKind, size: int) -> Crop:
        """The crop of `size` px for one box (4,) xyxy of `kind`."""
        x1, y1, x2, y2 = self.window(box, kind)
        scale_x, scale_y = size / (x2 - x1), size / (y2 - y1)
        middle = self.middle(size)
        shift_x, shift_y = middle - scale_x * (x1 + x2) / 2, middle - scale_y * (y1 + y2) / 2
        matrix = np.array([[scale_x, 0.0, shift_x], [0.0, scale_y, shift_y]])
        return Crop(matrix, size, self.antialias)
