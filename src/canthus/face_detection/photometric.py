"""Colour and quality changes of a composed picture: what cameras, screens and compression do."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator

from canthus.face_detection.scenes import Image


def photometric(image: Image, rng: Generator, *, strength: float = 1.0) -> Image:
    """A changed copy of `image` (H, W, 3): tone, colour, and at times grey, blur, low resolution, noise,
    JPEG.
    """
    ramp = np.arange(256, dtype=np.float32) / 255
    gain = np.exp(rng.normal(0, 0.25 * strength)) * np.exp(rng.normal(0, 0.06 * strength, 3))
    gamma = np.exp(rng.normal(0, 0.25 * strength))
    bias = rng.normal(0, 0.08 * strength)
    table = np.clip((ramp[:, None] ** gamma * gain + bias) * 255, 0, 255).astype(np.uint8)  # (256, 3)
    image = np.asarray(cv2.LUT(image, table.reshape(1, 256, 3)), dtype=np.uint8)
    if rng.random() < 0.2 * strength:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        image = np.repeat(grey[..., None], 3, axis=2)
    elif rng.random() < 0.3 * strength:
        grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        keep = float(rng.uniform(0.3, 1.5))
        image = np.asarray(cv2.addWeighted(image, keep, grey, 1 - keep, 0), dtype=np.uint8)
    if rng.random() < 0.12 * strength:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.4, 1.5))), dtype=np.uint8)
    if rng.random() < 0.1 * strength:
        height, width = image.shape[:2]
        factor = rng.uniform(0.4, 0.9)
        small = cv2.resize(image, (int(width * factor), int(height * factor)), interpolation=cv2.INTER_AREA)
        image = np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    if rng.random() < 0.15 * strength:
        noise = rng.normal(0, rng.uniform(2, 12), (*image.shape[:2], 1)).astype(np.float32)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.2 * strength:
        quality = int(rng.integers(25, 90))
        _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
        image = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
    return image
