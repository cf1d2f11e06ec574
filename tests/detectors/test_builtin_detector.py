"""The adapter of the bundled kind of detector, on a graph whose answers are known."""

from pathlib import Path

import numpy as np
import pytest

from canthus.detectors import BuiltinDetector, load


@pytest.fixture
def detector(tiny_detector_onnx: Path) -> BuiltinDetector:
    return BuiltinDetector(tiny_detector_onnx)


def test_settings_come_from_the_file(detector: BuiltinDetector, tiny_detector_onnx: Path) -> None:
    assert detector.score_threshold == 0.6
    assert detector.nms_iou == 0.3
    assert BuiltinDetector(tiny_detector_onnx, score_threshold=0.9).score_threshold == 0.9
    assert detector.card["licence"] == "none"


def test_a_bright_cell_is_found(detector: BuiltinDetector) -> None:
    image = np.zeros((70, 130, 3), np.uint8)
    image[32:64, 64:96] = 200
    found = detector(image)
    np.testing.assert_allclose(found.boxes, [[64, 32, 95, 63]], atol=1e-4)
    np.testing.assert_allclose(found.scores, [200 / 255], atol=1e-5)
    assert found.five_points is not None
    np.testing.assert_allclose(found.five_points, np.broadcast_to([79.5, 47.5], (1, 5, 2)), atol=1e-4)


def test_a_large_picture_is_searched_at_the_working_size(tiny_detector_onnx: Path) -> None:
    """At a quarter of the size the cell of 128 px becomes one of 32 px: x = (64 + 0.5) * 4 - 0.5, ..."""
    image = np.zeros((256, 512, 3), np.uint8)
    image[:128, 256:384] = 255
    found = BuiltinDetector(tiny_detector_onnx, working_size=128)(image)
    np.testing.assert_allclose(found.boxes, [[257.5, 1.5, 381.5, 125.5]], atol=1e-3)
    assert len(BuiltinDetector(tiny_detector_onnx, working_size=512)(image)) == 16


def test_no_face_and_a_tiny_picture(detector: BuiltinDetector) -> None:
    assert len(detector(np.zeros((40, 40, 3), np.uint8))) == 0
    assert len(detector(np.full((1, 1, 3), 255, np.uint8))) == 0
    assert len(detector(np.full((31, 32, 3), 255, np.uint8))) == 1  # padded to 32x32


def test_several_hundred_faces(detector: BuiltinDetector) -> None:
    assert len(detector(np.full((640, 640, 3), 255, np.uint8))) == 400


def test_another_kind_of_model_is_refused(tiny_landmark_onnx: Path) -> None:
    with pytest.raises(ValueError, match="not a face detector of this kind: found images -> points"):
        load(tiny_landmark_onnx)
