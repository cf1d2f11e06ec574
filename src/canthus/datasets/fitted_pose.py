"""The head's pose as tags of a sample: stated by a fitted 3D model, or measured on the labelled points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from canthus.formats.mat import numbers
from canthus.morphable_models import fit_pose, measurable, sparse_model
from canthus.sample import Sample
from canthus.schemes import SCHEMES, Scheme

#: Tags of the head's angles, in degrees.
ANGLES = ("yaw", "pitch", "roll", "yaw_abs")


def pose_tags(content: dict[str, Any]) -> dict[str, float]:
    """Tags `pitch`, `yaw`, `roll` and `yaw_abs` in degrees of a 3DDFA fit's `Pose_Para`; none without it.

    ValueError where it holds no angles.
    """
    if "Pose_Para" not in content:
        return {}
    pose = np.degrees(numbers(content, "Pose_Para").ravel()[:3])
    if len(pose) < 3 or not np.isfinite(pose).all():
        raise ValueError(f"found Pose_Para {pose.tolist()}, expected pitch, yaw, roll and more, in radians")
    tags = dict(zip(("pitch", "yaw", "roll"), (float(angle) for angle in pose), strict=True))
    return {**tags, "yaw_abs": abs(tags["yaw"])}


def measure_angles(samples: Iterable[Sample], scheme: Scheme) -> list[Sample]:
    """The samples, each with the head's angles as tags: those that its dataset does not state are measured on
    its points, in degrees, with the sparse shape model; none where the model does not know the scheme."""
    out = list(samples)
    lacking = [i for i, sample in enumerate(out) if "yaw_abs" not in sample.tags and sample.presence != 0]
    if not lacking or not measurable(scheme):
        return out
    model = sparse_model()
    points = scheme.convert(np.stack([out[i].points for i in lacking]), SCHEMES[model.scheme])
    for i, angles in zip(lacking, fit_pose(model, points), strict=True):
        found = dict(zip(ANGLES, (*angles, abs(angles[0])), strict=True))
        measured = {name: float(value) for name, value in found.items() if np.isfinite(value)}
        out[i] = replace(out[i], tags={**measured, **out[i].tags})
    return out
