"""SynergyNet's losses (Wu et al. 2021, section 3.3)."""

from __future__ import annotations

from torch import Tensor

from canthus.codecs.codec import Outputs, Target
from canthus.losses.loss import Loss
from canthus.losses.wing import wing
from canthus.morphable_models.tddfa import POSE


class SynergyNetLoss(Loss):
    """The weighted sum of five terms; a network in evaluation mode, or one without the branches of training,
    has the first alone of each kind.

    `landmarks` and `refined`: Wing loss (`width`, `curvature` in crop px) of points in space, before and
    after the refinement. `parameters` and `recovered`: distance of the parameters regressed from the image,
    and of those read back from the refined points, to the true ones. `consistency`: of the two from each
    other. A distance is the root of the mean squares of the pose plus that of the coefficients. The public
    code compares `recovered` with entries shifted by twelve; here every entry meets its own.
    """

    def __init__(
        self,
        *,
        landmarks: float = 0.05,
        parameters: float = 0.02,
        refined: float = 0.05,
        recovered: float = 0.02,
        consistency: float = 0.001,
        width: float = 10.0,
        curvature: float = 2.0,
    ) -> None:
        super().__init__()
        self.factors = {"points3d": landmarks, "refined": refined}
        self.parameters_factor, self.recovered_factor = parameters, recovered
        self.consistency, self.width, self.curvature = consistency, width, curvature

    def forward(self, outputs: Outputs, targets: dict[str, Target]) -> Tensor:
        """A scalar."""
        points, parameters = targets["points3d"], targets["parameters"]
        found = outputs["parameters"].float()
        total = self.parameters_factor * parameters.mean(distance(found, parameters.value))
        for name, factor in self.factors.items():
            if name in outputs:
                errors = wing(outputs[name].float() - points.value, self.width, self.curvature)
                total = total + factor * points.mean(errors.mean(-1))
        if "recovered" in outputs:
            recovered = outputs["recovered"].float()
            total = total + self.recovered_factor * parameters.mean(distance(recovered, parameters.value))
            total = total + self.consistency * parameters.mean(distance(recovered, found))
        return total


def distance(first: Tensor, second: Tensor) -> Tensor:
    """(B, P), (B, P) -> (B,)."""
    squares = (first - second).square()
    return (squares[:, :POSE].mean(1) + squares[:, POSE:].mean(1) + 1e-12).sqrt()
