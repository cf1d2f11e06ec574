"""Integral regression: a point is the mean of a softmax map (Sun et al. 2018; DSNT, Nibali et al. 2018)."""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Attribute, Codec, Outputs, Target
from canthus.geometry import from_unit, to_unit
from canthus.sample import Annotations
from canthus.schemes import Scheme


class Integral(Codec):
    """Fields `points` (B, K, 2), share of the crop side, and `heatmap` (B, K, side, side), log-probabilities.

    The target map is a Gaussian of `sigma` cells that sums to one. Points out of the crop teach `points`
    only. The score is the largest probability of the map over that of a perfect one.
    """

    centers: Tensor

    def __init__(
        self,
        scheme: Scheme,
        size: int,
        *,
        side: int = 16,
        sigma: float = 1.0,
        attributes: tuple[Attribute, ...] = (),
    ) -> None:
        super().__init__(scheme, size, attributes)
        self.side, self.sigma = side, sigma
        self.register_buffer("centers", (torch.arange(side) + 0.5) / side, persistent=False)

    def point_fields(self) -> dict[str, tuple[int, ...]]:
        """`points` (K, 2) and `heatmap` (K, side, side)."""
        k = len(self.scheme)
        return {"points": (k, 2), "heatmap": (k, self.side, self.side)}

    def encode_points(self, annotations: Annotations) -> dict[str, Target]:
        """The Gaussian map of each point inside the crop."""
        unit = to_unit(torch.nan_to_num(annotations.points), self.size)
        inside = ((unit >= 0) & (unit <= 1)).all(-1) & torch.isfinite(annotations.points).all(-1)
        rows = self._bell(unit[..., 1])
        columns = self._bell(unit[..., 0])
        return {
            "heatmap": Target(
                rows[..., :, None] * columns[..., None, :], inside * annotations.weight[:, None]
            )
        }

    def decode_points(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """The means that the head has formed, in crop px."""
        perfect = self._bell(self.centers[self.side // 2]).max() ** 2
        peak = torch.exp(outputs["heatmap"].flatten(2).amax(-1))
        return from_unit(outputs["points"], self.size), (peak / perfect).clamp(max=1)

    def mirror_points(self, outputs: Outputs, order: Tensor) -> Outputs:
        """Maps mirrored, x -> 1 - x, rows reordered."""
        points = outputs["points"][:, order]
        mirrored = torch.stack([1 - points[..., 0], points[..., 1]], -1)
        return {"points": mirrored, "heatmap": outputs["heatmap"][:, order].flip(-1)}

    def _bell(self, at: Tensor) -> Tensor:
        """(..., side): a discrete Gaussian about `at` (...,) that sums to one."""
        distance = (self.centers - at[..., None]) * self.side
        return torch.softmax(-distance.square() / (2 * self.sigma**2), -1)
