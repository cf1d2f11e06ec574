"""PFLD's loss: distances weighed by the error of the head pose and by rare attributes (Guo et al. 2019)."""

from __future__ import annotations

import torch
from torch import Tensor

from canthus.codecs.codec import Outputs, Target
from canthus.losses.loss import Loss


class PfldLoss(Loss):
    """Sum over points of |p - g|², times (`floor` + sum over angles of 1 - cos(error)), times the sum of
    the weights of the sample's classes; the mean over samples.

    Reads `points` and `angles`, which are in radians, and the target `classes` (B, C) of zeros and ones; the
    error of the pose counts as none where the network gives no angles, as outside of training.
    The weight of a class is one over its share of the batch of one process, or given by `class_weights`. The
    paper has no `floor`: then a perfect pose leaves the points untaught.
    """

    def __init__(self, *, floor: float = 1.0, class_weights: tuple[float, ...] = ()) -> None:
        super().__init__()
        self.floor, self.class_weights = floor, class_weights

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """A scalar."""
        points, angles, classes = (targets[name] for name in ("points", "angles", "classes"))
        found = outputs.get("angles", angles.value)
        turned = (1 - torch.cos(found.float() - angles.value)).sum(-1)
        pose = self.floor + turned * (angles.weight > 0)
        flags = classes.value.float()
        factor = pose * (flags * self.weights(flags)).sum(-1)
        squares = (outputs["points"].float() - points.value).square().sum(-1)
        return points.mean(squares * factor[:, None]) * squares.shape[1]

    def weights(self, classes: Tensor) -> Tensor:
        """The weights (C,) of the classes of a batch (B, C); a class that nothing has weighs nothing."""
        if self.class_weights:
            if len(self.class_weights) != classes.shape[1]:
                raise ValueError(
                    f"class_weights: found {len(self.class_weights)}, expected {classes.shape[1]}"
                )
            return classes.new_tensor(self.class_weights)
        share = classes.mean(0)
        return torch.where(share > 0, 1 / share.clamp(min=1e-6), 0)
