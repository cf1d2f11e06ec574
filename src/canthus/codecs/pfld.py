"""Coordinates, and for the training alone the head's pose and what is rare about a face (PFLD)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from canthus.codecs.codec import Outputs, Target
from canthus.codecs.coordinates import Coordinates
from canthus.geometry import FloatArray
from canthus.morphable_models import fit, sparse_model
from canthus.sample import Annotations
from canthus.schemes import SCHEMES, Scheme

#: Radians from which a head counts as turned to the side, and as raised or lowered.
SIDE, TILT = 0.52, 0.26
#: The dataset's flags that make a class each; faces without the tag are taken not to have it.
TAGS = ("subset/expression", "subset/occlusion")


class Pfld(Coordinates):
    """`points` as in `coordinates`, and the field `angles` (B, 3): pitch, yaw, roll in radians.

    The angles are those of the package's shape model fitted to the labels after the augmentation, with the
    signs of 300W-LP. Target `classes` (B, 6): profile, frontal, head up, head down (from the angles),
    expression, occlusion (from the dataset's tags). A face whose labels or scheme tell no pose counts as
    frontal.
    """

    def point_fields(self) -> dict[str, tuple[int, ...]]:
        """`points` (K, 2) and `angles` (3)."""
        return {**super().point_fields(), "angles": (3,)}

    def encode_points(self, annotations: Annotations) -> dict[str, Target]:
        """Points, angles and classes."""
        points = annotations.points
        angles = torch.from_numpy(head_angles(points.detach().cpu().numpy(), self.scheme)).to(points)
        known = torch.isfinite(angles).all(-1)
        angles = torch.nan_to_num(angles)
        side = angles[:, 1].abs() > SIDE
        columns = [side, ~side, angles[:, 0] > TILT, angles[:, 0] < -TILT]
        columns += [torch.nan_to_num(annotations.tags.get(tag, angles[:, 0] * 0)) > 0 for tag in TAGS]
        return {
            **super().encode_points(annotations),
            "angles": Target(angles, known * annotations.weight),
            "classes": Target(torch.stack(columns, 1).to(points), annotations.weight),
        }

    def mirror_points(self, outputs: Outputs, order: Tensor) -> Outputs:
        """Points as in `coordinates`; yaw and roll change their signs."""
        sign = outputs["angles"].new_tensor([1.0, -1.0, -1.0])
        return {**super().mirror_points(outputs, order), "angles": outputs["angles"] * sign}


def head_angles(points: FloatArray, scheme: Scheme) -> FloatArray:
    """Pitch, yaw, roll (N, 3) in radians of faces (N, K, 2); NaN where too few points are known, they all
    fall together, or the scheme has no conversion to the model's."""
    model = sparse_model()
    if model.scheme not in (scheme.name, *scheme.conversions):
        return np.full((len(points), 3), np.nan)
    target = SCHEMES[model.scheme]
    pose = np.radians(fit(model, scheme.convert(points, target)).pose)
    spread = np.nan_to_num(np.ptp(np.nan_to_num(points, nan=0.0), axis=1)).max(1)
    return np.where(spread[:, None] > 0, pose[:, [1, 0, 2]], np.nan)
