"""Sheets of pictures moving in front of each other, filmed by a camera with its faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.geometry import FloatArray, apply_affine, compose_affine, invert_affine, resize_affine

WIDTH, HEIGHT, FPS = 640, 480, 30.0
#: Share of the time between two pictures that the shutter is open.
_SHUTTER = 0.5
#: Moments that a picture is averaged from, at most.
_EXPOSURES = 4


@dataclass(frozen=True)
class Sheet:
    """A picture (H, W, 3) with a mask (H, W) of what is opaque, 0 to 1; `maps` (T, 2, 3) take its px to those
    of each frame. `points` (K, 2) are the landmarks of its face; None where it only hides others."""

    image: NDArray[np.uint8]
    mask: NDArray[np.float32]
    maps: FloatArray
    points: FloatArray | None = None

    def truth(self) -> FloatArray:
        """Where its points (T, K, 2) are in the frames."""
        points = np.zeros((0, 2)) if self.points is None else self.points
        return np.stack([apply_affine(matrix, points) for matrix in self.maps])

    def hides(self, points: FloatArray, frame: int) -> NDArray[np.bool_]:
        """Which points (K, 2) of a frame lie under it."""
        at = np.rint(apply_affine(invert_affine(self.maps[frame]), points)).astype(int)
        height, width = self.mask.shape
        inside = np.all((at >= 0) & (at < [width, height]), axis=1)
        at = np.where(inside[:, None], at, 0)
        return np.asarray(inside & (self.mask[at[:, 1], at[:, 0]] > 0.5), dtype=np.bool_)


@dataclass(frozen=True)
class Camera:
    """Faults of a camera: `noise` in grey levels, JPEG `quality`, `flicker` as a share of the brightness."""

    noise: float
    quality: int
    flicker: float
    seed: int


def shrunk(
    image: NDArray[np.uint8], points: FloatArray, factor: float
) -> tuple[NDArray[np.uint8], FloatArray]:
    """A picture and its points, reduced by averaging where `factor` is below 1."""
    if factor >= 1:
        return image, points
    height, width = image.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    return small, apply_affine(resize_affine(size[0] / width, size[1] / height), points)


def backdrop(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The picture blurred beyond recognition, (HEIGHT, WIDTH, 3)."""
    small = cv2.resize(image, (16, 12), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), dtype=np.float32)


def film(background: NDArray[np.float32], sheets: list[Sheet], camera: Camera) -> Iterator[NDArray[np.uint8]]:
    """The frames (HEIGHT, WIDTH, 3), the sheets drawn one over the other in their order."""
    rng = np.random.default_rng(camera.seed)
    grain = rng.standard_normal((HEIGHT + 64, WIDTH + 64, 3), dtype=np.float32) * camera.noise
    premultiplied = [
        np.dstack([sheet.image * sheet.mask[..., None], sheet.mask]).astype(np.float32) for sheet in sheets
    ]
    for frame in range(len(sheets[0].maps)):
        light = _exposed(background, sheets, premultiplied, frame)
        light *= 1 + camera.flicker * rng.standard_normal()
        top, left = rng.integers(0, 65, 2)
        light += rng.choice([-1, 1]) * grain[top : top + HEIGHT, left : left + WIDTH]
        pixels = np.clip(light, 0, 255).astype(np.uint8)
        code = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, camera.quality])[1]
        yield np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), dtype=np.uint8)


def _exposed(
    background: NDArray[np.float32], sheets: list[Sheet], pictures: list[NDArray[np.float32]], frame: int
) -> NDArray[np.float32]:
    """The mean of the moments while the shutter is open."""
    nearby = [min(frame + 1, len(sheet.maps) - 1) for sheet in sheets]
    moved = [
        np.abs(_corners(sheet, other) - _corners(sheet, frame)).max()
        for sheet, other in zip(sheets, nearby, strict=True)
    ]
    count = int(np.clip(np.ceil(_SHUTTER * max(moved)), 1, _EXPOSURES))
    total: NDArray[np.float32] = np.zeros_like(background)
    for moment in (np.arange(count) + 0.5) / count - 0.5:  # centred on the frame's time
        canvas = background.copy()
        for sheet, picture, other in zip(sheets, pictures, nearby, strict=True):
            matrix = sheet.maps[frame] + _SHUTTER * moment * (sheet.maps[other] - sheet.maps[frame])
            _draw(canvas, picture, matrix)
        total += canvas
    return np.asarray(total / count, dtype=np.float32)


def _draw(canvas: NDArray[np.float32], picture: NDArray[np.float32], matrix: FloatArray) -> None:
    """A premultiplied picture (H, W, 4) over the part of the canvas that it reaches."""
    reached = apply_affine(matrix, _outline(picture))
    limit = [canvas.shape[1], canvas.shape[0]]
    left, top = np.clip(np.floor(reached.min(0)).astype(int) - 1, 0, limit).tolist()
    right, bottom = np.clip(np.ceil(reached.max(0)).astype(int) + 2, 0, limit).tolist()
    if left >= right or top >= bottom:
        return
    here = compose_affine(np.array([[1.0, 0.0, -left], [0.0, 1.0, -top]]), matrix)
    drawn = cv2.warpAffine(picture, here, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
    part = canvas[top:bottom, left:right]
    part *= 1 - drawn[..., 3:]
    part += drawn[..., :3]


def _outline(picture: NDArray[np.generic]) -> FloatArray:
    """The corners (4, 2) of a picture (H, W, ...)."""
    height, width = picture.shape[:2]
    return np.array([[0.0, 0.0], [width - 1.0, 0.0], [0.0, height - 1.0], [width - 1.0, height - 1.0]])


def _corners(sheet: Sheet, frame: int) -> FloatArray:
    return apply_affine(sheet.maps[frame], _outline(sheet.mask))
