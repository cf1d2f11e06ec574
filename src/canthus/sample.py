"""One labelled face, and a batch of labels as the codecs see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from canthus.geometry import BoxKind
from canthus.images import picture_size, read_image

if TYPE_CHECKING:
    from torch import Tensor


class StoredPicture(Protocol):
    """A picture inside a larger file; its text is the same for the same picture."""

    def read(self) -> NDArray[np.uint8]:
        """RGB uint8 (H, W, 3)."""


@dataclass(frozen=True)
class Sample:
    """One face exactly as its dataset states it, in image px of this package's convention.

    `points` (K, 2), NaN = no position given. `visibility` (K,): 1 visible, 0 hidden, NaN = not stated.
    `box` (4,) xyxy of `box_kind`, as the dataset gives it or made from the points. `presence`: 1 a face,
    0 a background. `group` names the photo or person: never split between training and validation.
    `tags` are numbers the dataset states beside the points (yaw in degrees, attribute flags, ...).
    """

    image: Path | NDArray[np.uint8] | StoredPicture
    points: NDArray[np.float32]
    visibility: NDArray[np.float32]
    box: NDArray[np.float32]
    box_kind: BoxKind
    id: str
    group: str
    weight: float = 1.0
    presence: float = 1.0
    tags: dict[str, float] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture; a file is not decoded for it."""
        if isinstance(self.image, Path | np.ndarray):
            return picture_size(self.image)
        height, width = self.image.read().shape[:2]
        return width, height

    def read(self) -> NDArray[np.uint8]:
        """The picture, RGB uint8 (H, W, 3)."""
        return read_image(self.image) if isinstance(self.image, Path | np.ndarray) else self.image.read()


@dataclass(frozen=True)
class Annotations:
    """Labels of a batch in crop px, as torch tensors.

    `points` (B, K, 2) and `visibility` (B, K) with NaN as in `Sample`; `presence` (B,), NaN = not stated;
    `weight` (B,) multiplies every loss of a sample; `tags` name -> (B,).
    """

    points: Tensor
    visibility: Tensor
    presence: Tensor
    weight: Tensor
    tags: dict[str, Tensor] = field(default_factory=dict)
