"""The head pose that a fitted 3D model states, as tags of a sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from canthus.formats.mat import numbers


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
