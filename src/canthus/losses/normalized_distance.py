"""The NME itself: distances over the distance of the eyes (SLPT, Xia et al. 2022)."""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Outputs, Target
from canthus.losses.loss import Loss
from canthus.schemes import Scheme


class NormalizedDistance(Loss):
    """|p - g| over the scheme's `normalizer` of g, its default one where none is named.

    Only those made of two groups of landmarks; a sample in which one of these is missing does not count.
    """

    def __init__(self, scheme: Scheme, *, field: str = "points", normalizer: str | None = None) -> None:
        super().__init__()
        name = normalizer or scheme.default_normalizer
        if name not in scheme.normalizers:
            raise ValueError(
                f"normalizer: found {name!r}, expected one of {', '.join(scheme.normalizers) or 'none'}"
            )
        self.field, self.groups = field, scheme.normalizers[name]

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """The weighted mean over labelled points."""
        target = targets[self.field]
        first, second = (target.value[:, list(group)].mean(1) for group in self.groups)
        length = torch.linalg.vector_norm(first - second, dim=-1)
        members = [point for group in self.groups for point in group]
        complete = (target.weight[:, members] > 0).all(1) & (length > 0)
        error = torch.linalg.vector_norm(outputs[self.field].float() - target.value, dim=-1)
        return target.mean(error * torch.where(complete, 1 / length.clamp(min=1e-6), 0)[:, None])
