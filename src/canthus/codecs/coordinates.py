"""Points as plain coordinates, shares of the crop side."""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Attribute, Codec, Outputs, Target
from canthus.geometry import from_unit
from canthus.sample import Annotations
from canthus.schemes import Scheme


class Coordinates(Codec):
    """Field `points` (B, K, 2); without a covariance nothing speaks for a point, and its score is 1."""

    def __init__(self, scheme: Scheme, size: int, *, attributes: tuple[Attribute, ...] = ()) -> None:
        super().__init__(scheme, size, attributes)

    def point_fields(self) -> dict[str, tuple[int, ...]]:
        """`points` (K, 2)."""
        return {"points": (len(self.scheme), 2)}

    def encode_points(self, annotations: Annotations) -> dict[str, Target]:
        """Nothing beside `points`."""
        return {}

    def decode_points(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """Shares of the crop side to crop px."""
        points = outputs["points"]
        return from_unit(points, self.size), torch.ones_like(points[..., 0])

    def mirror_points(self, outputs: Outputs, order: Tensor) -> Outputs:
        """x -> 1 - x, rows reordered."""
        points = outputs["points"][:, order]
        return {"points": torch.stack([1 - points[..., 0], points[..., 1]], -1)}
