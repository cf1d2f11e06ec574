"""A photo that is decoded once for all of its faces, and no further than they need."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.images import progressive_size, read_reduced
from canthus.sample import Sample

#: Name of a pixel format -> columns and rows of brightness for one of colour.
_FORMATS = {"yuvj420p": (2, 2), "yuvj422p": (2, 1), "yuvj444p": (1, 1)}


class Photo(Protocol):
    """Pixel i of what is held averages the pixels `divisor * i` to `divisor * (i + 1) - 1` of the photo."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of what is held, px."""

    @property
    def divisor(self) -> int:
        """The whole number that the photo's size is divided by."""

    def part(self, left: int, top: int, right: int, bottom: int) -> NDArray[np.uint8]:
        """RGB (bottom - top, right - left, 3) of a rectangle inside."""


def open_photo(sample: Sample, least: float) -> Photo:
    """The photo of a sample, of which `least` of its size would do; errors as of `read_image`."""
    if not isinstance(sample.image, Path):
        return Pixels(sample.read(), 1)
    planes = _planes(sample.image) if 2 * least > 1 else None
    return planes or Pixels(*read_reduced(sample.image, least))


@dataclass(frozen=True)
class Pixels:
    """RGB `image` (H, W, 3)."""

    image: NDArray[np.uint8]
    divisor: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, px."""
        return self.image.shape[1], self.image.shape[0]

    def part(self, left: int, top: int, right: int, bottom: int) -> NDArray[np.uint8]:
        """RGB of a rectangle, not copied."""
        return self.image[top:bottom, left:right]


@dataclass(frozen=True)
class Planes:
    """Brightness (H, W) and the two colours at `across` and `down` times less, as a JPEG stores them: of
    these only the wanted part becomes RGB."""

    brightness: NDArray[np.uint8]
    blue: NDArray[np.uint8]
    red: NDArray[np.uint8]
    across: int
    down: int
    divisor: int = 1

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, px."""
        return self.brightness.shape[1], self.brightness.shape[0]

    def part(self, left: int, top: int, right: int, bottom: int) -> NDArray[np.uint8]:
        """RGB of a rectangle; colours are interpolated as libjpeg does."""
        across, down = self.across, self.down
        # One more colour on each side, where there is one, to interpolate from.
        x, y = max(0, left // across - 1), max(0, top // down - 1)
        rows, columns = slice(y, -(-bottom // down) + 1), slice(x, -(-right // across) + 1)
        inside = np.s_[top - y * down : bottom - y * down, left - x * across : right - x * across]

        def enlarged(plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
            small = np.ascontiguousarray(plane[rows, columns])
            if across == down == 1:
                return small[inside]
            large = cv2.resize(small, None, fx=across, fy=down, interpolation=cv2.INTER_LINEAR)
            return np.asarray(large, dtype=np.uint8)[inside]

        shown = self.brightness[top:bottom, left:right]
        stacked = cv2.merge([shown, enlarged(self.red), enlarged(self.blue)])
        return np.asarray(cv2.cvtColor(stacked, cv2.COLOR_YCrCb2RGB), dtype=np.uint8)


def _planes(path: Path) -> Planes | None:
    """The planes of a progressive JPEG, which FFmpeg decodes in two thirds of libjpeg's time; None for any
    other file, and for one that is damaged."""
    try:
        content = path.read_bytes()
        size = progressive_size(content)
        if size is None:
            return None
        context = av.CodecContext.create("mjpeg", "r")
        context.thread_count = 1
        (frame,) = context.decode(av.Packet(content))
    except (OSError, ValueError, av.FFmpegError):
        return None
    if not isinstance(frame, av.VideoFrame) or frame.format.name not in _FORMATS:
        return None
    if (frame.width, frame.height) != size:
        return None
    values = [
        np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
        for plane in frame.planes
    ]
    return Planes(values[0], values[1], values[2], *_FORMATS[frame.format.name])
