"""What the published code of ADNet, STAR and SLPT does to the pixels of a crop."""

from __future__ import annotations

import cv2
import numpy as np

from canthus.transforms.transform import Transform, View


class Rectangle(Transform):
    """With `probability` an upright rectangle is painted over, black or in a random `color`.

    Its height is a share of the side drawn evenly from `size`, its width that share moved by up to
    +-`stretch`. Visible points below it become hidden.
    """

    def __init__(
        self,
        *,
        probability: float = 0.4,
        size: tuple[float, float] = (0.1, 0.4),
        stretch: float = 0.1,
        color: bool = False,
    ) -> None:
        self.probability, self.size, self.stretch, self.color = probability, size, stretch, color

    def paint(self, view: View, rng: np.random.Generator) -> None:
        """Paint, and mark the covered points."""
        if rng.random() >= self.probability:
            return
        height = rng.uniform(*self.size)
        width = max(height + rng.uniform(-self.stretch, self.stretch), 0)
        half = np.array([width, height]) * view.size / 2
        center = rng.uniform(0, view.size - 1, 2)
        low = np.clip(np.rint(center - half), 0, view.size).astype(int)
        high = np.clip(np.rint(center + half) + 1, 0, view.size).astype(int)
        view.image = view.image.copy()
        view.image[low[1] : high[1], low[0] : high[0]] = rng.integers(0, 256, 3) if self.color else 0
        inside = ((view.points >= low - 0.5) & (view.points < high - 0.5)).all(-1)
        view.visibility[inside & (view.visibility == 1)] = 0


class BoxBlur(Transform):
    """With `probability` the mean over a square of up to `strength` of the side."""

    def __init__(self, *, probability: float = 0.3, strength: float = 0.05) -> None:
        self.probability, self.strength = probability, strength

    def paint(self, view: View, rng: np.random.Generator) -> None:
        """Nothing where the square would be a single pixel."""
        if rng.random() >= self.probability:
            return
        side = int(rng.uniform(0, self.strength) * view.size)
        if side > 1:
            view.image = np.asarray(cv2.blur(view.image, (side, side)), dtype=np.uint8)


class Gamma(Transform):
    """With `probability` value^g, g even in [1 / `most`, 1] or in [1, `most`], either as likely."""

    def __init__(self, *, probability: float = 0.2, most: float = 4.0) -> None:
        self.probability, self.most = probability, most

    def paint(self, view: View, rng: np.random.Generator) -> None:
        """One table of 256 entries."""
        if rng.random() >= self.probability:
            return
        power = rng.uniform(1 / self.most, 1) if rng.random() < 0.5 else rng.uniform(1, self.most)
        table = (255 * (np.arange(256) / 255) ** power).astype(np.uint8)
        view.image = np.asarray(cv2.LUT(view.image, table), dtype=np.uint8)


class NoiseBlend(Transform):
    """With `probability` mixed with even noise of all grey levels, whose share is up to `most`."""

    def __init__(self, *, probability: float = 0.2, most: float = 0.5) -> None:
        self.probability, self.most = probability, most

    def paint(self, view: View, rng: np.random.Generator) -> None:
        """Independent in every pixel and channel."""
        if rng.random() >= self.probability:
            return
        share = rng.uniform(0, self.most)
        noise = rng.integers(0, 256, view.image.shape, dtype=np.uint8)
        view.image = ((1 - share) * view.image + share * noise).astype(np.uint8)


class Gray(Transform):
    """With `probability` without colour."""

    def __init__(self, *, probability: float = 0.2) -> None:
        self.probability = probability

    def paint(self, view: View, rng: np.random.Generator) -> None:
        """The three channels become their luminance."""
        if rng.random() < self.probability:
            gray = cv2.cvtColor(view.image, cv2.COLOR_RGB2GRAY)
            view.image = np.asarray(cv2.cvtColor(gray, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
