"""A camera of this machine as a source of frames."""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction

import cv2
import numpy as np

from canthus.runtime.video import TIME_BASE, Frame, Span, VideoError


class Camera:
    """A camera by its number, or by its device (`/dev/video0`), through OpenCV.

    Times count from the first picture. Raises `VideoError` where there is no such camera, or where another
    program holds it.
    """

    live = True
    time_base = TIME_BASE

    def __init__(self, device: int | str) -> None:
        self.name = f"camera {device}"
        level = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(
            cv2.utils.logging.LOG_LEVEL_SILENT
        )  # its lines about what is told below
        try:
            self._camera = cv2.VideoCapture(device)
        finally:
            cv2.utils.logging.setLogLevel(level)
        if not self._camera.isOpened():
            raise VideoError(f"{self.name}: cannot be opened; is it connected, and free?")
        self.width = int(self._camera.get(cv2.CAP_PROP_FRAME_WIDTH))
        self.height = int(self._camera.get(cv2.CAP_PROP_FRAME_HEIGHT))
        rate = self._camera.get(cv2.CAP_PROP_FPS)
        self.rate = Fraction(rate).limit_denominator(1001) if 0 < rate < 1000 else None

    def frames(self, span: Span) -> Iterator[Frame]:
        """Pictures as they come. Raises `VideoError` when no more do."""
        begin, index = time.monotonic(), 0
        try:
            while True:
                read, image = self._camera.read()
                now = time.monotonic() - begin if index else 0.0
                begin = begin if index else time.monotonic()
                if not read:
                    raise VideoError(f"{self.name}: gives no more pictures; was it unplugged?")
                if span.over(now):
                    return
                if now >= span.start and index % span.stride == 0:
                    rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
                    yield Frame(index, now, np.asarray(rgb, dtype=np.uint8))
                index += 1
        finally:
            self._camera.release()
