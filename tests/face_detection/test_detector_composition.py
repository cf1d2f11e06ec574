"""Composed pictures: labels follow the pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canthus.face_detection.composition import Composer, pad_labels
from canthus.face_detection.labels import Labels, join, labels_from_landmarks
from canthus.face_detection.layers import covered, place
from canthus.face_detection.pasting import SIZES, paste_faces
from canthus.face_detection.photometric import photometric
from canthus.face_detection.recipe import CompositionOptions
from canthus.face_detection.sources import five_points
from canthus.geometry import convert_boxes, landmark_boxes


def similarity(scale: float, degrees: float, mirror: bool, shift: tuple[float, float]) -> np.ndarray:
    c, s = scale * np.cos(np.radians(degrees)), scale * np.sin(np.radians(degrees))
    linear = np.array([[c, -s], [s, c]]) @ np.diag([-1.0 if mirror else 1.0, 1.0])
    return np.concatenate([linear, np.array(shift)[:, None]], axis=1)


@given(scale=st.floats(0.1, 4), degrees=st.floats(-30, 30), mirror=st.booleans(), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_moved_boxes_fit_the_moved_landmarks(scale, degrees, mirror, seed):
    landmarks = np.random.default_rng(seed).uniform(0, 100, (2, 68, 2))
    matrix = similarity(scale, degrees, mirror, (7.0, -3.0))
    moved = labels_from_landmarks(landmarks, five_points(landmarks)).moved(matrix)
    tight = convert_boxes(moved.boxes, "face", "landmarks")
    np.testing.assert_allclose(tight, landmark_boxes(landmarks @ matrix[:, :2].T + matrix[:, 2]), atol=1e-9)
    right_eye, left_eye = moved.five[:, 0], moved.five[:, 1]
    source = five_points(landmarks) @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(left_eye if mirror else right_eye, source[:, 0], atol=1e-9)


def test_a_box_without_landmarks_keeps_its_proportions():
    labels = Labels(
        np.array([[10.0, 20, 30, 60]]), np.zeros((1, 5, 2)), np.full((1, 68, 2), np.nan), np.array([False])
    )
    moved = labels.moved(similarity(0.5, 0, True, (100.0, 0.0)))
    np.testing.assert_allclose(moved.boxes, [[85, 10, 95, 30]])  # centre (20, 40) -> (90, 20)


def test_within_ignores_the_small_and_the_cut_and_drops_the_absent():
    boxes = np.array(
        [[0.0, 0, 40, 40], [0, 0, 8, 8], [-30, 10, 10, 50], [90, 90, 190, 190], [200, 0, 240, 40]]
    )
    n = len(boxes)
    labels = Labels(boxes, np.zeros((n, 5, 2)), np.full((n, 68, 2), np.nan), np.zeros(n, bool))
    shown = labels.within(101, 101, min_size=12, min_visible=0.5)
    np.testing.assert_array_equal(shown.boxes, boxes[:3])  # the fourth shows 1 %, the fifth nothing
    assert shown.ignore.tolist() == [False, True, True]


@pytest.fixture(scope="module")
def composer(material):
    return Composer(material.drawn_pools(), CompositionOptions(), 160)


def test_composition_is_a_function_of_its_seed(composer):
    first, second = (composer(np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1].boxes, second[1].boxes)


def test_boxes_and_landmarks_agree_in_composed_pictures(composer):
    taught = 0
    for seed in range(60):
        image, labels = composer(np.random.default_rng(seed))
        assert image.shape == (160, 160, 3) and image.dtype == np.uint8
        taught += int((~labels.ignore).sum())
        shown = labels.select(~labels.ignore)
        expected = convert_boxes(landmark_boxes(shown.landmarks), "landmarks", "face")
        np.testing.assert_allclose(shown.boxes, expected, atol=1e-9)
        assert (labels.sizes()[~labels.ignore] >= 12).all()
        edges = np.minimum(labels.boxes[:, 2:], 159) - np.maximum(labels.boxes[:, :2], 0)
        visible = np.prod(np.clip(edges, 0, None), axis=1) / labels.sizes() ** 2
        assert (visible[~labels.ignore] >= 0.55).all()
    assert taught > 60


def test_a_pasted_face_is_where_its_label_says(material):
    grounds = [np.zeros((200, 200, 3), np.uint8) for _ in range(3)]
    faces = [material.drawn_face(seed) for seed in range(6)]
    made = paste_faces(grounds, faces, seed=4, per_picture=2)
    assert len(made) == 3 and sum(len(labels) for _, labels in made) == 6
    for image, labels in made:
        longest = (labels.boxes[:, 2:] - labels.boxes[:, :2]).max(1)
        assert (longest >= SIZES[0]).all() and (longest <= SIZES[1]).all()
        for box in convert_boxes(labels.boxes, "face", "landmarks"):
            x, y = (int(value) for value in np.round((box[:2] + box[2:]) / 2))
            assert image[y, x].min() > 100  # the bright disc
    again = paste_faces(grounds, faces, seed=4, per_picture=2)
    np.testing.assert_array_equal(made[0][0], again[0][0])
    assert (grounds[0] == 0).all()


def test_pasting_needs_room(material):
    with pytest.raises(ValueError, match="no background"):
        paste_faces([np.zeros((60, 60, 3), np.uint8)], [material.drawn_face(0)], seed=0)


def test_a_layer_hides_by_the_share_of_the_face(material):
    face = material.drawn_face(0).labels.select([0])
    x1, y1, x2, y2 = face.boxes[0]
    left_half = (int(x1) - 5, int(y1) - 5, int((x1 + x2) / 2), int(y2) + 5)
    assert covered(face, left_half, 0.4) and not covered(face, left_half, 0.6)


def test_placement_takes_the_point_to_the_target(material):
    scene = material.drawn_face(1)
    layer = place(scene, np.array([30.0, 40.0]), np.array([70.0, 20.0]), 1.5, angle=25, mirror=True, size=30)
    np.testing.assert_allclose(layer.matrix @ [30, 40, 1], [70, 20])
    assert np.linalg.det(layer.matrix[:, :2]) == pytest.approx(-2.25)
    assert layer.extent(80) == (40, 0, 80, 51)


def test_padding_keeps_the_largest_faces():
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 30, 30], [0, 0, 20, 20]])
    labels = Labels(boxes, np.zeros((3, 5, 2)), np.full((3, 68, 2), np.nan), np.array([False, True, False]))
    out = pad_labels([labels, Labels.empty()], 2)
    np.testing.assert_array_equal(out["boxes"][0], boxes[[1, 2]])
    assert out["is_face"].tolist() == [[False, True], [False, False]]
    assert out["ignore"].tolist() == [[True, False], [False, False]]
    assert len(join([labels, labels])) == 6 and len(join([])) == 0


def test_photometric_changes_the_picture_and_nothing_else():
    image = np.full((40, 50, 3), 120, np.uint8)
    changed = photometric(image, np.random.default_rng(0))
    assert changed.shape == image.shape and changed.dtype == np.uint8 and (changed != image).any()
    assert (image == 120).all()
