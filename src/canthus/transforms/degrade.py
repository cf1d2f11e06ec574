"""What cameras and files do to pictures: blur, low resolution, compression, noise."""

from __future__ import annotations

import cv2
import numpy as np

from canthus.transforms.transform import Transform, View


class Blur(Transform):
    """Gaussian or motion blur with `probability`; the width is up to `strength` of the crop side."""

    def __init__(self, *, probability: float = 0.15, strength: float = 0.025) -> None:
        self.probability, self.strength = probability, strength

    def paint(self, view: View, rng: np.random.Generator) -> None:
        """A Gaussian, or a line in a random direction."""
        if rng.random() >= self.probability:
            return
        width = rng.uniform(0.2, 1.0) * self.strength * view.size
        if rng.random() < 0.5:
            view.image = np.asarray(cv2.GaussianBlur(view.image, (0, 0), max(width / 2, 0.3)), dtype=np.uint8)
            return
        side = 2 * int(np.ceil(width)) + 1
        kernel = np.zeros((side, side), np.float32)
        angle, middle = rng.uniform(0, np.pi), side // 2
        reach = np.array([np.cos(angle), np.sin(angle)]) * width
        start, stop = np.rint(middle - reach).astype(int), np.rint(middle + reach).astype(int)
        cv2.line(kernel, start.tolist(), stop.tolist(), 1.0)
        view.image = np.asarray(cv2.filter2D(view.image, -1, kernel / kernel.sum()), dtype=np.uint8)


class Downsample(Transform):
    """With `probability` the crop is reduced to a side between `low` px and its own, and enlarged again."""

    def __init__(self, *, probability: float = 0.2, low: int = 24) -> None:
        self.probability, self.low = probability, low

    def paint(self, view: View, rng: np.random.Generator) -> None:
        """Area filter down, linear or cubic up."""
        if rng.random() >= self.probability:
            return
        side = int(rng.integers(min(self.low, view.size - 1), view.size))
        small = cv2.resize(view.image, (side, side), interpolation=cv2.INTER_AREA)
        how = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
        view.image = np.asarray(cv2.resize(small, (view.size, view.size), interpolation=how), dtype=np.uint8)


class Jpeg(Transform):
    """With `probability` the crop goes through JPEG at a quality drawn from the range."""

    def __init__(self, *, probability: float = 0.15, quality: tuple[int, int] = (15, 80)) -> None:
        self.probability, self.quality = probability, quality

    def paint(self, view: View, rng: np.random.Generator) -> None:
        """Encode and decode."""
        if rng.random() < self.probability:
            quality = int(rng.integers(self.quality[0], self.quality[1] + 1))
            code = cv2.imencode(".jpg", view.image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            view.image = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR), dtype=np.uint8)


class Noise(Transform):
    """With `probability` Gaussian noise of a standard deviation up to `strength` grey levels."""

    def __init__(self, *, probability: float = 0.1, strength: float = 14.0) -> None:
        self.probability, self.strength = probability, strength

    def paint(self, view: View, rng: np.random.Generator) -> None:
        """Independent in every pixel and channel."""
        if rng.random() < self.probability:
            noise = rng.standard_normal(view.image.shape, dtype=np.float32) * rng.uniform(1, self.strength)
            view.image = np.clip(view.image + noise, 0, 255).astype(np.uint8)
