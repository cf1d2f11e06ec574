"""Angles and rotations, by hand and as inverses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canthus.morphable_models import euler_angles, rotation_matrix
from canthus.morphable_models.alignment import best_rotation, mean_shape, rotation_distance
from canthus.morphable_models.pose import exponential, small_rotation

NOSE = np.array([0.0, 0.0, 1.0])  # out of the face
LEFT = np.array([1.0, 0.0, 0.0])  # the person's left, right in the picture


def test_signs_by_hand() -> None:
    """Positive yaw: the nose to the left of the picture; pitch: up; roll: clockwise in the picture."""
    assert rotation_matrix([30.0, 0, 0]) @ NOSE == pytest.approx([-0.5, 0, np.sqrt(0.75)])
    assert rotation_matrix([0, 30.0, 0]) @ NOSE == pytest.approx([0, 0.5, np.sqrt(0.75)])
    assert rotation_matrix([0, 0, 30.0]) @ LEFT == pytest.approx([np.sqrt(0.75), -0.5, 0])


@given(st.tuples(st.floats(-89, 89), st.floats(-179, 179), st.floats(-179, 179)))
def test_angles_and_rotations_are_inverse(angles: tuple[float, float, float]) -> None:
    rotation = rotation_matrix(angles)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1)
    np.testing.assert_allclose(euler_angles(rotation), angles, atol=1e-6)


def test_exponential_turns_about_its_axis() -> None:
    quarter = exponential(np.array([[0, 0, np.pi / 2], [0, 0, 0]]))
    np.testing.assert_allclose(quarter[0] @ LEFT, [0, 1, 0], atol=1e-12)
    np.testing.assert_allclose(quarter[1], np.eye(3))


def test_small_rotations_agree_to_the_second_order() -> None:
    axis = np.random.default_rng(1).normal(size=(5, 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    for angle in (0.1, 0.05):  # tan instead of the angle: off by a twelfth of its cube
        distance = np.radians(rotation_distance(small_rotation(angle * axis), exponential(angle * axis)))
        np.testing.assert_allclose(distance, angle**3 / 12, rtol=0.01)


def test_alignment_finds_the_turn() -> None:
    random = np.random.default_rng(0)
    shape = random.normal(size=(20, 3))
    turns = rotation_matrix(random.uniform(-60, 60, (6, 3)))
    turned = shape @ turns.transpose(0, 2, 1) * 3 + 5
    found = best_rotation(np.broadcast_to(shape, turned.shape), turned)
    assert rotation_distance(found, turns).max() < 1e-5
    mean = mean_shape(turned, shape)
    centred = shape - shape.mean(0)
    np.testing.assert_allclose(mean, centred / np.linalg.norm(centred), atol=1e-9)
    assert rotation_distance(np.eye(3), rotation_matrix([25.0, 0, 0])) == pytest.approx(25)
