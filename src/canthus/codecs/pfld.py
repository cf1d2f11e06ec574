"""Coordinates, and for the training alone the head's pose and what is rare about a face (PFLD)."""

from __future__ import annotations

import numpy as np
import torch

from canthus.codecs.codec import Target
from canthus.codecs.coordinates import Coordinates
from canthus.formats.tsv import ATTRIBUTES
from canthus.geometry import FloatArray
from canthus.morphable_models import Perspective, euler_angles, measurable, sparse_model
from canthus.morphable_models.rigid_pose import rigid_rotations
from canthus.sample import Annotations
from canthus.schemes import Scheme

#: Radians from which a head counts as turned to the side, and as raised or lowered.
SIDE, TILT = 0.52, 0.26
#: Focal length of the camera in sides of the crop: a face that fills it is some 70 cm away.
FOCAL = 3.0
#: The dataset's attribute that says whether a head is turned, and the others, a class each.
TURNED, *OTHERS = (f"subset/{name}" for name in ATTRIBUTES)


class Pfld(Coordinates):
    """`points` as in `coordinates`, and in training the field `angles` (B, 3): pitch, yaw, roll in radians.

    The angles are those under which a pinhole camera (`FOCAL`, its axis through the middle of the crop) sees
    the rigid points of the labels after the augmentation, with the signs of 300W-LP; a face whose labels or
    scheme tell no pose has weight 0. Target `classes` (B, 9): profile, frontal, head up, head down, then
    expression, illumination, make-up, occlusion, blur. The latter are WFLW's attributes, which a face without
    the tag is taken not to have; profile is its attribute of large pose, or where that is not stated follows
    from the yaw. So every face is profile or frontal, and none has no weight; without a pose it is frontal.
    """

    @property
    def training_fields(self) -> dict[str, tuple[int, ...]]:
        """`angles` (3)."""
        return {"angles": (3,)}

    def encode_points(self, annotations: Annotations) -> dict[str, Target]:
        """Points, angles and classes."""
        points = annotations.points
        found = head_angles(points.detach().cpu().numpy(), self.scheme, self.size)
        angles = torch.from_numpy(found).to(points)
        known = torch.isfinite(angles).all(-1)
        angles = torch.nan_to_num(angles)
        tags = {tag: annotations.tags.get(tag, angles[:, 0] * torch.nan) for tag in (TURNED, *OTHERS)}
        stated = torch.isfinite(tags[TURNED])
        side = torch.where(stated, tags[TURNED] > 0, angles[:, 1].abs() > SIDE)
        columns = [side, ~side, angles[:, 0] > TILT, angles[:, 0] < -TILT]
        columns += [tags[tag] > 0 for tag in OTHERS]
        return {
            **super().encode_points(annotations),
            "angles": Target(angles, known * annotations.weight),
            "classes": Target(torch.stack(columns, 1).to(points), annotations.weight),
        }


def head_angles(points: FloatArray, scheme: Scheme, size: int) -> FloatArray:
    """Pitch, yaw, roll (N, 3) in radians of faces (N, K, 2) in px of a crop of `size` px; NaN where too few
    rigid points are known, they lie on a line, or the scheme has no conversion to that of the shape model."""
    if not measurable(scheme):
        return np.full((len(points), 3), np.nan)
    camera = Perspective(FOCAL * size, ((size - 1) / 2,) * 2)
    pose = euler_angles(rigid_rotations(scheme.convert(points, sparse_model().scheme), camera))
    return np.radians(pose[:, [1, 0, 2]])
