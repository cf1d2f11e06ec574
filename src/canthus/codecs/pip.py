"""Pixel-in-pixel regression (Jin, Liao and Shao 2021): a coarse cell, and an offset inside it."""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Attribute, Codec, Outputs, Target
from canthus.geometry import from_unit, to_unit
from canthus.sample import Annotations
from canthus.schemes import Scheme


class Pip(Codec):
    """Fields `cells` (B, K, h, h), log-probabilities, and `offsets` (B, K, 2, h, h), shares of a cell.

    The point is the origin of the likeliest cell plus the offset predicted there; the neighbour branch of
    the paper is not part of it. The score is the cell's probability.
    """

    def __init__(
        self, scheme: Scheme, size: int, *, side: int = 8, attributes: tuple[Attribute, ...] = ()
    ) -> None:
        super().__init__(scheme, size, attributes)
        self.side = side

    def point_fields(self) -> dict[str, tuple[int, ...]]:
        """`cells` (K, side, side) and `offsets` (K, 2, side, side)."""
        k = len(self.scheme)
        return {"cells": (k, self.side, self.side), "offsets": (k, 2, self.side, self.side)}

    def encode_points(self, annotations: Annotations) -> dict[str, Target]:
        """One-hot cells (B, K, h, h), and offsets (B, K, 2, h, h) weighted at the true cell alone."""
        unit = to_unit(torch.nan_to_num(annotations.points), self.size) * self.side
        inside = ((unit >= 0) & (unit < self.side)).all(-1) & torch.isfinite(annotations.points).all(-1)
        cell = unit.floor().clamp(0, self.side - 1)
        flat = (cell[..., 1] * self.side + cell[..., 0]).long()
        one_hot = torch.nn.functional.one_hot(flat, self.side**2).to(unit)
        one_hot = one_hot.reshape(*flat.shape, self.side, self.side)
        weight = inside * annotations.weight[:, None]
        offsets = (unit - cell)[..., None, None].expand(-1, -1, -1, self.side, self.side)
        return {
            "cells": Target(one_hot, weight),
            "offsets": Target(offsets, (one_hot * weight[..., None, None])[:, :, None].expand_as(offsets)),
        }

    def decode_points(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """Likeliest cell plus its offset, in crop px."""
        best = outputs["cells"].flatten(2).max(-1)
        index = best.indices[..., None, None].expand(-1, -1, 2, 1)
        offset = outputs["offsets"].flatten(3).gather(-1, index)[..., 0]
        row = torch.div(best.indices, self.side, rounding_mode="floor")
        cell = torch.stack([best.indices - row * self.side, row], -1)
        return from_unit((cell + offset) / self.side, self.size), torch.exp(best.values)

    def margin(self, outputs: Outputs) -> Tensor:
        """Log-probability of the likeliest cell minus that of the second."""
        best = outputs["cells"].flatten(2).topk(2, dim=-1).values
        return best[..., 0] - best[..., 1]

    def mirror_points(self, outputs: Outputs, order: Tensor) -> Outputs:
        """Maps mirrored and reordered; the x offset becomes 1 - offset."""
        offsets = outputs["offsets"][:, order].flip(-1)
        return {
            "cells": outputs["cells"][:, order].flip(-1),
            "offsets": torch.stack([1 - offsets[:, :, 0], offsets[:, :, 1]], 2),
        }
