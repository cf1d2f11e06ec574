"""A clip made of a photograph: a camera that pans, turns and comes nearer, the same every time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.formats.clip import ClipWriter
from canthus.images import read_image

RATE = 25  # frames a second


def moving_clip(photo: Path, path: Path, *, frames: int, width: int = 640, height: int = 480) -> None:
    """Write `frames` pictures of `width` x `height` px that a camera over the photograph sees.

    The photograph fills the pictures; the camera sways by a twentieth of them and by 6 degrees.
    """
    image = read_image(photo)
    with ClipWriter(path, rate=Fraction(RATE)) as clip:
        for index in range(frames):
            clip.add(_seen(image, index / RATE, width, height), index / RATE)


def _seen(image: NDArray[np.uint8], time: float, width: int, height: int) -> NDArray[np.uint8]:
    """The picture at `time` s."""
    rows, columns = image.shape[:2]
    sway = np.array([np.sin(1.1 * time) * width, np.sin(1.7 * time) * height]) / 20
    fill = max(width / columns, height / rows) * (1.1 + 0.1 * np.sin(0.7 * time))
    matrix = cv2.getRotationMatrix2D(((columns - 1) / 2, (rows - 1) / 2), 6 * np.sin(0.9 * time), fill)
    matrix[:, 2] += np.array([width - columns, height - rows]) / 2 + sway
    seen = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(seen, dtype=np.uint8)
