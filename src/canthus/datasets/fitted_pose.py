"""The head pose that a fitted 3D model states, as tags of a sample."""

from __future__ import annotations

from typing import Any

import numpy as np


def pose_tags(content: dict[str, Any]) -> dict[str, float]:
    """Tags `pitch`, `yaw`, `roll` and `yaw_abs` in degrees of a 3DDFA fit's `Pose_Para`; none without it."""
    pose = np.degrees(np.asarray(content.get("Pose_Para", ()), dtype=np.float64).ravel()[:3])
    if len(pose) < 3:
        return {}
    tags = dict(zip(("pitch", "yaw", "roll"), (float(angle) for angle in pose), strict=True))
    return {**tags, "yaw_abs": abs(tags["yaw"])}
