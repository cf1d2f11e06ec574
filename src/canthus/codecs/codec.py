"""A codec: what training teaches is what inference reads, encode and decode in one object.

Every codec may carry three attributes beside its points, each a field of the network's output:

    cholesky    (B, K, 3)  lower triangle (l11, l21, l22) of the covariance before `triangle`, share of the
                           crop side; a codec may state the covariance otherwise
    visibility  (B, K)     logit of P(visible)
    presence    (B,)       logit of P(the crop shows a face)
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from canthus.geometry import to_unit
from canthus.sample import Annotations
from canthus.schemes import Scheme

Outputs = dict[str, Tensor]
#: Outputs of a network that is supervised at several stages, first to last; the last is the prediction.
Stages = list[Outputs]
Attribute = Literal["covariance", "visibility", "presence"]
ATTRIBUTES: tuple[Attribute, ...] = ("covariance", "visibility", "presence")

#: One unit of the `cholesky` field, as a share of the crop side.
SPREAD = 0.02
#: The score of a point with covariance: chance that it lies within this share of the crop side.
SCORE_RADIUS = 0.05


class Target(NamedTuple):
    """What a field should be: `value`, the `weight` of each entry (broadcast from the left) and what the
    weighted sum is divided by, which the training loop sums over all processes."""

    value: Tensor
    weight: Tensor
    total: Tensor | None = None

    def mean(self, losses: Tensor) -> Tensor:
        """The weighted mean of `losses`, one per weight."""
        total = self.weight.sum() if self.total is None else self.total
        return (losses * self.weight).sum() / total.clamp(min=1e-8)


@dataclass(frozen=True)
class Decoded:
    """Points in crop px (B, K, 2), raw scores (B, K), and the attributes that the codec carries:
    covariance (B, K, 2, 2) px², visibility (B, K) and presence (B,) as probabilities; of codecs of a shape in
    space `points3d` (B, K, 3) crop px, z toward the viewer, and the network's `coefficients` (B, P)."""

    points: Tensor
    scores: Tensor
    covariance: Tensor | None = None
    visibility: Tensor | None = None
    presence: Tensor | None = None
    points3d: Tensor | None = None
    coefficients: Tensor | None = None


class Codec(nn.Module, ABC):
    """Points <-> network fields for crops of `size` px; a subclass does the points, this class the rest.

    `covariance_scale` multiplies predicted covariances; it is fitted on the validation slice.
    """

    covariance_scale: Tensor
    #: What decoding gives beside points, scores and attributes.
    further: ClassVar[tuple[str, ...]] = ()

    def __init__(self, scheme: Scheme, size: int, attributes: tuple[Attribute, ...] = ()) -> None:
        super().__init__()
        unknown = set(attributes) - set(ATTRIBUTES)
        if unknown:
            raise ValueError(
                f"codec attributes: found {sorted(unknown)}, expected some of {sorted(ATTRIBUTES)}"
            )
        self.scheme, self.size, self.attributes = scheme, size, tuple(attributes)
        self.register_buffer("covariance_scale", torch.ones(()))

    @property
    def fields(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape without the batch axis of every field that the network must give."""
        fields = self.point_fields()
        if "covariance" in self.attributes:
            fields |= self.covariance_fields()
        if "visibility" in self.attributes:
            fields |= {"visibility": (len(self.scheme),)}
        if "presence" in self.attributes:
            fields |= {"presence": ()}
        return fields

    @property
    def training_fields(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of fields that the network gives in training beside `fields`; none is decoded."""
        return {}

    def encode(self, annotations: Annotations) -> dict[str, Target]:
        """The targets of a batch; `points` (B, K, 2) as shares of the crop side is always among them."""
        weight = annotations.weight[:, None]
        known = torch.isfinite(annotations.points).all(-1)
        unit = to_unit(torch.nan_to_num(annotations.points), self.size)
        targets = {"points": Target(unit, known * weight), **self.encode_points(annotations)}
        if "visibility" in self.attributes:
            stated = torch.isfinite(annotations.visibility)
            targets["visibility"] = Target(torch.nan_to_num(annotations.visibility), stated * weight)
        if "presence" in self.attributes:
            stated = torch.isfinite(annotations.presence)
            targets["presence"] = Target(torch.nan_to_num(annotations.presence), stated * annotations.weight)
        return targets

    def decode(self, outputs: Outputs) -> Decoded:
        """Points in crop px and everything else that the outputs tell."""
        points, scores = self.decode_points(outputs)
        covariance = visibility = presence = None
        if "covariance" in self.attributes:
            covariance = self.covariance(outputs) * (self.size**2 * self.covariance_scale)
            variance = (covariance[..., 0, 0] + covariance[..., 1, 1]) / 2
            scores = 1 - torch.exp(-((SCORE_RADIUS * self.size) ** 2) / (2 * variance))
        if "visibility" in self.attributes:
            visibility = torch.sigmoid(outputs["visibility"])
        if "presence" in self.attributes:
            presence = torch.sigmoid(outputs["presence"])
        further = self.decode_further(outputs)
        return Decoded(points, scores, covariance, visibility, presence, **further)

    def decode_further(self, outputs: Outputs) -> dict[str, Tensor]:
        """What `further` names."""
        return {}

    def settle(self) -> None:
        """Bring what follows from other buffers in line with them, after they came from a published file."""

    def stored_options(self, options: dict[str, Any]) -> dict[str, Any]:
        """The recipe's options of this codec as kept beside the weights, which hold what files gave."""
        return options

    def facts(self) -> dict[str, str]:
        """What the weights file states about the codec's own data."""
        return {}

    def mirror(self, outputs: Outputs, scheme: Scheme) -> Outputs:
        """The outputs for a mirrored crop, in the frame of the unmirrored one."""
        order = torch.tensor(scheme.flip, device=next(iter(outputs.values())).device)
        mirrored = self.mirror_points(outputs, order)
        if "cholesky" in outputs:
            sign = torch.tensor([1.0, -1.0, 1.0], device=order.device)
            mirrored["cholesky"] = outputs["cholesky"][:, order] * sign
        if "visibility" in outputs:
            mirrored["visibility"] = outputs["visibility"][:, order]
        if "presence" in outputs:
            mirrored["presence"] = outputs["presence"]
        return mirrored

    def margin(self, outputs: Outputs) -> Tensor:
        """How far (B, K) each point's raw outputs are from a jump of the decoded point; codecs that take a
        maximum say by how much it wins, smooth ones are never near a jump."""
        return torch.full((len(next(iter(outputs.values()))), len(self.scheme)), math.inf)

    def covariance_fields(self) -> dict[str, tuple[int, ...]]:
        """The fields that hold the covariance."""
        return {"cholesky": (len(self.scheme), 3)}

    def covariance(self, outputs: Outputs) -> Tensor:
        """Covariances (B, K, 2, 2) before calibration, share of the crop side squared."""
        return covariance_of(outputs["cholesky"])

    @abstractmethod
    def point_fields(self) -> dict[str, tuple[int, ...]]:
        """The fields that hold the points."""

    @abstractmethod
    def encode_points(self, annotations: Annotations) -> dict[str, Target]:
        """Targets beside `points` itself."""

    @abstractmethod
    def decode_points(self, outputs: Outputs) -> tuple[Tensor, Tensor]:
        """Points (B, K, 2) crop px and scores (B, K)."""

    @abstractmethod
    def mirror_points(self, outputs: Outputs, order: Tensor) -> Outputs:
        """The point fields of `mirror`; `order` (K,) is the flip permutation."""


def prediction(outputs: Outputs | Stages) -> Outputs:
    """What is decoded: the outputs, or those of the last stage."""
    return outputs[-1] if isinstance(outputs, list) else outputs


def triangle(cholesky: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(l11, l21, l22), each (...,), with a positive diagonal, as shares of the crop side."""
    floor = 0.05
    l11 = SPREAD * (nn.functional.softplus(cholesky[..., 0]) + floor)
    l22 = SPREAD * (nn.functional.softplus(cholesky[..., 2]) + floor)
    return l11, SPREAD * cholesky[..., 1], l22


def covariance_of(cholesky: Tensor) -> Tensor:
    """Covariance L L^T (..., 2, 2), share of the crop side squared, of the field (..., 3)."""
    l11, l21, l22 = triangle(cholesky)
    first = torch.stack([l11 * l11, l11 * l21], -1)
    second = torch.stack([l11 * l21, l21 * l21 + l22 * l22], -1)
    return torch.stack([first, second], -2)
