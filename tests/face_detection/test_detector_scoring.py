"""Recall at a bounded number of false positives, by hand; the pieces that compare two detectors."""

import numpy as np
import pytest

from canthus.detectors import Detections
from canthus.detectors.yunet import to_face_boxes
from canthus.face_detection.adjustment import apply_adjustment, best_matches, measure_adjustment
from canthus.face_detection.evaluation import figures_at, without_adjustment
from canthus.face_detection.report import model_card, results_page
from canthus.face_detection.scoring import Picture, face_scores, operating_threshold, recall
from canthus.face_detection.sources import HELD_OUT, afw_photos, helen_photos, negative_paths, parts


def found(*rows: tuple[float, float, float, float, float]) -> Detections:
    array = np.array(rows, np.float32).reshape(-1, 5)
    return Detections(array[:, :4], array[:, 4])


def test_operating_threshold_by_hand():
    negatives = [found((0, 0, 1, 1, 0.9), (0, 0, 1, 1, 0.2)), found(), found((0, 0, 1, 1, 0.5))]
    assert operating_threshold(negatives, 0) == pytest.approx(0.9)
    assert operating_threshold(negatives, 1) == pytest.approx(0.5)
    assert operating_threshold(negatives, 3) == 0.0


def test_face_scores_take_the_best_overlapping_detection():
    truth = np.array([[0.0, 0, 10, 10], [50, 50, 60, 60]])
    seen = found((0, 0, 10, 6, 0.3), (0, 0, 10, 4, 0.9), (0, 0, 10, 10, 0.2), (52, 52, 58, 58, 0.8))
    picture = Picture(seen, truth, 100, 100)  # IoU 0.6, 0.4, 1.0 with the first; 0.36 with the second
    np.testing.assert_allclose(face_scores(picture), [0.3, 0.0], atol=1e-6)
    assert recall([picture], 0.25) == 50.0 and recall([picture], 0.3001) == 0.0


def test_boxes_are_compared_as_far_as_they_show():
    picture = Picture(found((0, 0, 9, 9, 0.7)), np.array([[-20.0, -20, 9, 9]]), 100, 100)
    assert face_scores(picture)[0] == pytest.approx(0.7)


def test_adjustment_is_recovered():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 50, (20, 2))
    boxes = np.concatenate([low, low + rng.uniform(10, 60, (20, 2))], axis=1)
    shares = np.array([-0.02, 0.06, 0.01, -0.03])
    truth = apply_adjustment(boxes, shares)
    np.testing.assert_allclose(measure_adjustment(boxes, truth), shares, atol=1e-12)
    pair = best_matches(boxes[::-1], truth, 0.3)
    np.testing.assert_allclose(pair[0], boxes)
    with pytest.raises(ValueError, match="at least one"):
        measure_adjustment(np.zeros((0, 4)), np.zeros((0, 4)))


def test_yunets_own_boxes_come_back():
    own = np.array([[10.0, 20, 50, 80]], np.float32)
    adjusted = Detections(to_face_boxes(own).astype(np.float32), np.ones(1, np.float32))
    np.testing.assert_allclose(without_adjustment(adjusted).boxes, own, atol=1e-4)


def test_parts_do_not_overlap_and_are_complete(tmp_path):
    paths = [tmp_path / f"{i:03d}.jpg" for i in range(57)]
    split = parts(paths[::-1])
    assert split["test"] == paths[::HELD_OUT]
    assert sorted(path for rows in split.values() for path in rows) == paths
    assert len(parts(paths, held_out=False)["test"]) == 0


def test_training_never_opens_the_test_pictures(data):
    tests = {*afw_photos(data, "test"), *negative_paths(data, "test"), *helen_photos(data, "test")}
    for part in ("train", "validation"):
        used = {*afw_photos(data, part), *negative_paths(data, part), *helen_photos(data, part)}
        assert used and not used & tests
    assert len(afw_photos(data, "test")) == 37 and len(helen_photos(data, "test")) == 330
    assert len(negative_paths(data, "test")) == 131 + 100


def test_the_page_shows_the_figures():
    empty = [found((0, 0, 1, 1, 0.4))]
    pictures = [Picture(found((0, 0, 9, 9, 0.7)), np.array([[0.0, 0, 9, 9]]), 100, 100)]
    sets = dict.fromkeys(("helen_test", "afw_every_5th", "pasted_20_40px"), pictures)
    figures = figures_at(empty, sets, 0.3)
    assert figures["operating_point"]["recall"]["helen_test"] == 100.0
    assert figures["shipped"]["false_positives"] == 1
    result = {
        "command": "canthus evaluate-detector",
        "versions": {"canthus": "0", "onnxruntime": "1"},
        "model": {
            "bytes": 1_000_000,
            "parameters": 1234,
            "sha256": "abc",
            "metadata": {"score_threshold": "0.3", "nms_iou": "0.4", "training_data": "D", "licence": "L."},
        },
        "working_size": 640,
        "allowed": 5,
        "negatives": 231,
        "faces": dict.fromkeys(sets, 1),
        "figures": {"canthus": figures},
        "milliseconds": {"canthus": 1.5, "yunet": 2.0, "ratio": 0.75},
    }
    page, card = results_page(result), model_card(result)
    assert "| canthus face_detector | 0.000 | 1 | 100.0 | 100.0 | 100.0 |" in page
    assert "sha256 `abc`" in card and "median of the pairs: 0.75" in card
