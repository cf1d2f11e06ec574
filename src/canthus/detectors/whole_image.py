"""No search: the whole picture is one face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from canthus.detectors.detector import Detections


class WholeImage:
    """One `face` box with score 1 that covers the picture from its first to its last pixel centre; a side of
    a single pixel from edge to edge.
    """

    def __call__(self, image: NDArray[np.uint8]) -> Detections:
        height, width = image.shape[:2]
        (x1, x2), (y1, y2) = ((0, side - 1) if side > 1 else (-0.5, 0.5) for side in (width, height))
        return Detections(np.array([[x1, y1, x2, y2]], dtype=np.float32), np.ones(1, np.float32))
