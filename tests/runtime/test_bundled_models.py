"""The models that come with the package, on the sample pictures."""

from pathlib import Path

import numpy as np
import pytest

from canthus import SCHEMES, Predictor
from canthus.geometry import box_iou

SAMPLES = Path(__file__).parents[2] / "samples"
#: By hand, px: right eye, left eye, nose tip, right and left corner of the mouth; and the `face` box.
BY_HAND = {
    "astronaut.jpg": ([[204, 102], [247, 104], [225, 128], [203, 140], [247, 142]], [180, 65, 272, 179]),
    "grace_hopper.jpg": ([[225, 193], [307, 190], [268, 237], [233, 280], [307, 278]], [178, 128, 352, 336]),
}


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(threads=1)


@pytest.mark.parametrize("name", BY_HAND)
def test_the_face_is_where_it_is(predictor: Predictor, name: str) -> None:
    points, box = BY_HAND[name]
    faces = predictor(SAMPLES / name)
    assert len(faces) == 1
    assert box_iou(faces.boxes, [box])[0, 0] > 0.6
    five = faces.scheme.convert(faces.points[0], SCHEMES["five"])
    eyes = np.linalg.norm(np.subtract(points[0], points[1]))
    assert np.linalg.norm(five - points, axis=1).max() < 0.12 * eyes
    assert faces.presence is not None
    assert faces.presence[0] > 0.9
    assert faces.covariance is not None
    deviation = np.sqrt(np.linalg.eigvalsh(faces.covariance[0]))
    assert deviation.min() > 0
    assert np.median(deviation) < 0.15 * eyes


def test_a_cat_has_no_face_of_a_person(predictor: Predictor) -> None:
    faces = predictor(SAMPLES / "cat.jpg")
    assert len(faces) == 0 or (faces.presence is not None and faces.presence.max() < 0.5)


def test_detector_boxes_do_as_well_as_boxes_by_hand(predictor: Predictor) -> None:
    for name, (points, box) in BY_HAND.items():
        eyes = np.linalg.norm(np.subtract(points[0], points[1]))
        detected, by_hand = predictor(SAMPLES / name), predictor(SAMPLES / name, [box])
        assert np.abs(detected.points - by_hand.points).max() < 0.2 * eyes


def test_the_card_tells_terms_and_data(predictor: Predictor) -> None:
    text = str(predictor.card).lower()
    assert "research" in text
    assert "helen" in text
