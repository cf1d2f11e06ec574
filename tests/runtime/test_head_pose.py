"""Head poses of the landmarker's points."""

import numpy as np
import pytest

from canthus.morphable_models import rotation_matrix, sparse_model
from canthus.runtime.head_pose import fit_heads, head_pose
from canthus.schemes import SCHEMES

ANGLES = np.array([[20.0, -5.0, 10.0], [-25.0, 8.0, -15.0]])


def shown() -> np.ndarray:
    """The mean face in two poses (2, 68, 2), image px."""
    inside = sparse_model().mean @ rotation_matrix(ANGLES).transpose(0, 2, 1)
    return inside[..., :2] * (60.0, -60.0) + 200.0


@pytest.mark.parametrize(
    "name", ["ibug68_3d", "ibug68", "cofw29", "aflw19", "wflw98", "lapa106", "face_synthetics70"]
)
def test_pose_in_every_scheme(name: str) -> None:
    """Points of a scheme that convert to these 68 give the pose back."""
    scheme, points = SCHEMES[name], shown()
    if name != "ibug68_3d":
        sources = scheme.conversions["ibug68_3d"]
        given = np.full((2, len(scheme), 2), np.nan)
        for k, source in enumerate(sources):
            for index in source:
                given[:, index] = points[:, k]
        points = given
    pose = head_pose(points, scheme)
    assert pose is not None
    np.testing.assert_allclose(pose, ANGLES, atol=2.5)


def test_hidden_points_do_not_count() -> None:
    points = shown()
    visibility = np.ones((2, 68), np.float32)
    visibility[:, 40] = 0
    points[:, 40] += 300.0
    trusted = head_pose(points, SCHEMES["ibug68_3d"], visibility)
    assert trusted is not None
    np.testing.assert_allclose(trusted, ANGLES, atol=0.5)


def test_five_points_have_no_pose() -> None:
    assert fit_heads(np.zeros((1, 5, 2)), SCHEMES["five"]) is None
    assert head_pose(np.zeros((0, 68, 2)), SCHEMES["ibug68_3d"]).shape == (0, 3)
