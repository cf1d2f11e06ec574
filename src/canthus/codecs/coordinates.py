"""Points as plain coordinates, shares of the crop side."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from canthus.codecs.codec import Attribute, Codec, Outputs, Target
from canthus.geometry import from_unit
from canthus.sample import Annotations
from canthus.schemes import Scheme


class Coordinates(Codec):
    """Field `points` (B, K, 2); without a covariance nothing speaks for a point, and its score is 1.

    `spread` says how the network states the covariance: `cholesky` as elsewhere, or `sigma` (B, K, 2),
    logits of the deviations in x and y, shares of the crop side below 1 (residual log-likelihood, Li et al.
    2021).
    """

    def __init__(
        self,
        scheme: Scheme,
        size: int,
        *,
        spread: Literal["cholesky", "sigma"] = "cholesky",
        attributes: tuple[Attribute, ...] = (),
    ) -> None:
        super().__init__(scheme, size, attributes)
        if spread not in ("cholesky", "sigma"):
            raise ValueError(f"spread: found {spread!r}, expected cholesky or sigma")
        self.spread = spread

    def point_fields(self) -> dict[str, tuple[int, ...]]:
        """`points` (K, 2)."""
        return {"points": (len(self.scheme), 2)}

    def covariance_fields(self) -> dict[str, tuple[int, ...]]:
        """`sigma` (K, 2) or `cholesky` (K, 3)."""
        return {"sigma": (len(self.scheme), 2)} if self.spread == "sigma" else super().covariance_fields()

    def covariance(self, outputs: Outputs) -> Tensor:
        """Diagonal where it is stated by `sigma`."""
        if self.spread == "cholesky":
            return super().covariance(outputs)
        return torch.diag_embed(torch.sigmoid(outputs["sigma"]).square())

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
        mirrored = {"points": torch.stack([1 - points[..., 0], points[..., 1]], -1)}
        if "sigma" in outputs:
            mirrored["sigma"] = outputs["sigma"][:, order]
        return mirrored
