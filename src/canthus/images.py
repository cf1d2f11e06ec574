"""Any picture as RGB uint8 (H, W, 3)."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray


def read_image(source: str | Path | NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Provisional."""
    if isinstance(source, np.ndarray):
        return source
    image = cv2.imread(str(source), cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"{source}: not a readable picture")
    return np.asarray(image[..., ::-1])
