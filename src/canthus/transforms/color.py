"""Random light and colour."""

from __future__ import annotations

import cv2
import numpy as np

from canthus.transforms.transform import Transform, View


class Color(Transform):
    """Gain per channel, contrast, brightness and gamma through one table; now and then grey.

    `brightness` in grey levels; `contrast`, `tint` and `gamma` are half-widths of log-uniform factors.
    """

    def __init__(
        self,
        *,
        probability: float = 0.8,
        brightness: float = 40.0,
        contrast: float = 0.35,
        tint: float = 0.12,
        gamma: float = 0.4,
        saturation: float = 0.5,
        gray: float = 0.15,
    ) -> None:
        self.probability, self.brightness, self.contrast = probability, brightness, contrast
        self.tint, self.gamma, self.saturation, self.gray = tint, gamma, saturation, gray

    def paint(self, view: View, rng: np.random.Generator) -> None:
        """One 256-entry table per channel, then a mix with the grey picture."""
        if rng.random() < self.probability:
            levels = np.linspace(0, 1, 256)[:, None] ** np.exp(rng.uniform(-self.gamma, self.gamma))
            gain = np.exp(rng.uniform(-self.contrast, self.contrast) + rng.uniform(-self.tint, self.tint, 3))
            shift = rng.uniform(-self.brightness, self.brightness)
            table = np.clip((levels * 255 - 127.5) * gain + 127.5 + shift, 0, 255).astype(np.uint8)
            view.image = np.asarray(cv2.LUT(view.image, table.reshape(1, 256, 3)), dtype=np.uint8)
        draw = rng.random()
        if draw < 0.5 + self.gray / 2:
            amount = 1.0 if draw < self.gray else rng.uniform(-self.saturation, self.saturation)
            gray = cv2.cvtColor(cv2.cvtColor(view.image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
            view.image = np.asarray(cv2.addWeighted(view.image, 1 - amount, gray, amount, 0), dtype=np.uint8)
