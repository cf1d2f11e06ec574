"""Points as plain coordinates, shares of the crop side."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

from canthus.codecs.codec import Attribute, Codec, Outputs, Target
from canthus.geometry import from_unit, to_unit
from canthus.sample import Annotations
from canthus.schemes import Scheme

Origin = Literal["edge", "center"]


class Coordinates(Codec):
    """Field `points` (B, K, 2); without a covariance nothing speaks for a point, and its score is 1.

    `spread` says how the network states the covariance: `cholesky` as elsewhere, or `sigma` (B, K, 2),
    logits of the deviations in x and y, shares of the crop side below 1 (residual log-likelihood, Li et al.
    2021). 0 is the crop's edge, or with `origin: center` the middle of its first pixel, and 1 is the crop's
    size away: the published code of some systems divides px by the size.
    """

    def __init__(
        self,
        scheme: Scheme,
        size: int,
        *,
        spread: Literal["cholesky", "sigma"] = "cholesky",
        origin: Origin = "edge",
        attributes: tuple[Attribute, ...] = (),
    ) -> None:
        super().__init__(scheme, size, attributes)
        if spread not in ("cholesky", "sigma"):
            raise ValueError(f"spread: found {spread!r}, expected cholesky or sigma")
        if origin not in get_args(Origin):
            raise ValueError(f"origin: found {origin!r}, expected one of {get_args(Origin)}")
        self.spread = spread
        self.shift = to_unit(0.0, size) if origin == "center" else 0.0

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
        """`points` from this codec's origin."""
        known = torch.isfinite(annotations.points).all(-1)
        shares = to_unit(torch.nan_to_num(annotations.points), self.size) - self.shift
        return {"points": Target(shares, known * annotations.weight[:, None])}

    def decode_points(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """Shares of the crop side to crop px."""
        points = outputs["points"]
        return from_unit(points + self.shift, self.size), torch.ones_like(points[..., 0])

    def mirror_points(self, outputs: Outputs, order: Tensor) -> Outputs:
        """x -> 1 - x from the edge, rows reordered."""
        points = outputs["points"][:, order]
        mirrored = {"points": torch.stack([1 - 2 * self.shift - points[..., 0], points[..., 1]], -1)}
        if "sigma" in outputs:
            mirrored["sigma"] = outputs["sigma"][:, order]
        return mirrored
