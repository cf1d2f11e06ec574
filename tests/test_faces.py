"""The result type."""

import copy
import json
import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from canthus.faces import Faces
from canthus.schemes import FIVE, IBUG68


def faces(count: int = 3) -> Faces:
    points = np.arange(count * 10, dtype=np.float64).reshape(count, 5, 2)
    boxes = np.arange(count * 4).reshape(count, 4)
    return Faces(
        points,
        np.ones((count, 5)),
        boxes,
        FIVE,
        presence=np.linspace(0, 1, count),
        track_ids=np.arange(count) + 7,
    )


def test_arrays_are_float32_copies_that_cannot_be_written() -> None:
    source = np.zeros((1, 5, 2))
    found = Faces(source, np.ones((1, 5)), np.zeros((1, 4)), FIVE)
    source[:] = 9
    assert found.points.dtype == np.float32
    assert not found.points.any()
    with pytest.raises(ValueError, match="read-only"):
        found.points[0] = 1
    with pytest.raises(FrozenInstanceError):
        found.scores = found.scores  # type: ignore[misc]


def test_indexing_gives_faces() -> None:
    found = faces()
    for index, rows in ((1, [1]), (-1, [2]), (slice(1, None), [1, 2]), ([2, 0], [2, 0])):
        chosen = found[index]
        assert isinstance(chosen, Faces)
        np.testing.assert_array_equal(chosen.points, found.points[rows])
        assert chosen.presence is not None
        np.testing.assert_array_equal(chosen.presence, found.presence[rows])  # type: ignore[index]
        assert chosen.track_ids is not None
        assert chosen.track_ids.dtype == np.int64
    assert found.presence is not None
    assert len(found[found.presence > 0.4]) == 2
    assert len(found[found.presence > 2]) == 0
    assert found[0].covariance is None


@pytest.mark.parametrize(
    ("index", "rows"),
    [
        (np.int32(1), [1]),
        (np.array(2), [2]),
        (np.array([], dtype=np.float64), []),
        ([], []),
        ((0, 2), [0, 2]),
        (range(2), [0, 1]),
        (np.array([2, 0], np.uint8), [2, 0]),
        ([True, False, True], [0, 2]),
        (np.zeros(3, bool), []),
    ],
)
def test_every_plain_kind_of_index(index: object, rows: list[int]) -> None:
    chosen = faces()[index]  # type: ignore[index]
    assert isinstance(chosen, Faces)
    assert chosen.track_ids is not None
    assert chosen.track_ids.tolist() == [7 + row for row in rows]


@pytest.mark.parametrize("index", [None, ..., True, "0", 1.0, [[0, 1]], np.array([0.5]), np.bool_(True)])
def test_other_indices_are_errors(index: object) -> None:
    with pytest.raises(IndexError, match="expected an int, a slice, a mask or a list of ints"):
        faces()[index]  # type: ignore[index]


def test_a_mask_of_another_length_is_an_error() -> None:
    with pytest.raises(IndexError):
        faces()[np.array([True, False])]


def test_copies_and_pickles_cannot_be_written_either() -> None:
    found = faces()
    for other in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        np.testing.assert_array_equal(other.points, found.points)
        assert not other.points.flags.writeable
        assert other.scheme.name == "five"


def test_an_index_too_far() -> None:
    for index in (3, -4):
        with pytest.raises(IndexError, match=f"face {index} of 3"):
            faces()[index]


def test_iteration_goes_face_by_face() -> None:
    assert [len(face) for face in faces()] == [1, 1, 1]
    assert list(Faces.empty(IBUG68)) == []


def test_empty() -> None:
    none = Faces.empty(IBUG68)
    assert len(none) == 0
    assert none.points.shape == (0, 68, 2)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"points": np.zeros((1, 4, 2))}, "points"),
        ({"scores": np.zeros(5)}, "scores"),
        ({"boxes": np.zeros((2, 4))}, "points"),
        ({"presence": np.zeros((1, 1))}, "presence"),
        ({"covariance": np.zeros((1, 5, 2))}, "covariance"),
    ],
)
def test_shapes_are_checked(change: dict[str, np.ndarray], name: str) -> None:
    good = {"points": np.zeros((1, 5, 2)), "scores": np.zeros((1, 5)), "boxes": np.zeros((1, 4))}
    with pytest.raises(ValueError, match=rf"Faces\.{name}: found shape .* for five"):
        Faces(scheme=FIVE, **{**good, **change})  # type: ignore[arg-type]


def test_parts_by_name() -> None:
    np.testing.assert_array_equal(faces(1).part("mouth"), [[[6, 7], [8, 9]]])
    with pytest.raises(KeyError, match="no part 'jaw'; it has eyes, nose, mouth"):
        faces().part("jaw")


def test_to_dict_is_plain() -> None:
    content = json.loads(json.dumps(faces(2).to_dict()))
    assert content["scheme"] == "five"
    assert content["boxes"] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert content["track_ids"] == [7, 8]
    assert "covariance" not in content


def test_to_dict_writes_missing_numbers_as_null() -> None:
    points = np.full((1, 5, 2), 3.0)
    points[0, 1] = np.nan
    content = Faces(points, np.ones((1, 5)), np.zeros((1, 4)), FIVE).to_dict()
    assert json.loads(json.dumps(content, allow_nan=False))["points"][0][:3] == [[3, 3], [None, None], [3, 3]]


class Counted:
    """A pose that follows the first point, and how often it was asked for."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, found: Faces) -> np.ndarray:
        self.asked += 1
        return np.concatenate([found.points[:, 0], np.zeros((len(found), 1))], axis=1)


def test_a_pose_given_as_a_function_is_made_once_when_it_is_read() -> None:
    pose = Counted()
    found = replace(faces(), pose=pose)
    chosen, later = found[1:], found.moved(found.points + 1)
    assert pose.asked == 0
    assert found.pose is not None
    assert found.pose.dtype == np.float32
    np.testing.assert_array_equal(found.pose[:, :2], found.points[:, 0])
    assert found.pose is found.pose
    assert pose.asked == 1
    np.testing.assert_array_equal(chosen.pose, found.pose[1:])
    np.testing.assert_array_equal(later.pose[:, :2], found.points[:, 0] + 1)
    assert pose.asked == 3
    np.testing.assert_array_equal(found[2].pose, found.pose[2:])  # known already
    np.testing.assert_array_equal(found[2].moved(found.points[2:] + 1).pose[:, :2], found.points[2:, 0] + 1)
    assert pose.asked == 4
    with pytest.raises(ValueError, match="read-only"):
        found.pose[0] = 1
    with pytest.raises(FrozenInstanceError):
        found.pose = None  # type: ignore[misc]


def test_copies_and_pickles_hold_the_pose_itself() -> None:
    found = replace(faces(), pose=Counted())
    for copied in (copy.deepcopy(found), pickle.loads(pickle.dumps(found)), replace(found, presence=None)):
        assert "_pose_of" not in vars(copied)
        np.testing.assert_array_equal(copied.pose, found.pose)
    assert found.to_dict()["pose"] == found.pose.tolist()


def test_poses_of_other_shapes_and_none_are_told() -> None:
    assert replace(faces(), pose=lambda found: None).pose is None
    with pytest.raises(ValueError, match=r"Faces.pose: found shape \(1, 3\), expected \(3, 3\)"):
        _ = replace(faces(), pose=lambda found: np.zeros((1, 3))).pose
    given = replace(faces(), pose=np.ones((3, 3), np.float32))
    np.testing.assert_array_equal(given.moved(given.points + 1).pose, given.pose)
    assert given[0].pose.shape == (1, 3)


def test_joined_faces_are_those_of_all_parts() -> None:
    found = faces()
    both = Faces.joined([found[2], found[:2]])
    np.testing.assert_array_equal(both.points, found.points[[2, 0, 1]])
    np.testing.assert_array_equal(both.track_ids, [9, 7, 8])
    assert both.covariance is None
