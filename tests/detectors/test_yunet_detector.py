"""YuNet files: decoding by hand, and the same faces as OpenCV's own reader of the same file."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from canthus.detectors import YuNetDetector, load
from canthus.detectors.yunet import STRIDES, decode, to_face_boxes
from canthus.geometry import box_iou
from canthus.images import read_image


def test_decode_one_anchor_by_hand() -> None:
    """Stride 16 of a 32x64 picture has 2x4 cells; cell row 1, column 2 is number 6."""
    outputs = {}
    for stride in STRIDES:
        cells = (32 // stride) * (64 // stride)
        for kind, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
            outputs[f"{kind}_{stride}"] = np.zeros((1, cells, width), np.float32)
    outputs["cls_16"][0, 6], outputs["obj_16"][0, 6] = 0.81, 1.3  # clamped to 1
    outputs["bbox_16"][0, 6] = [0.5, 0.25, np.log(2), np.log(3)]
    outputs["kps_16"][0, 6, :2] = [0.5, -0.5]
    boxes, scores, points = decode(outputs, (32, 64))
    number = 4 * 8 + 6
    assert len(boxes) == 32 + 8 + 2
    np.testing.assert_allclose(scores[number], 0.9, atol=1e-6)
    assert np.count_nonzero(scores) == 1
    center, size = np.array([2.5, 1.25]) * 16, np.array([32, 48])
    np.testing.assert_allclose(boxes[number], [*(center - size / 2), *(center + size / 2)], atol=1e-4)
    np.testing.assert_allclose(points[number, 0], [40, 8])
    np.testing.assert_allclose(points[number, 1], [32, 16])


def test_face_kind_by_hand() -> None:
    np.testing.assert_allclose(
        to_face_boxes(np.array([[100, 200, 200, 400]], np.float32)), [[98.5, 211.2, 201.5, 400]], rtol=1e-6
    )


def test_other_models_are_refused(tiny_landmark_onnx: Path) -> None:
    with pytest.raises(ValueError, match="not a YuNet file: no outputs bbox_16"):
        YuNetDetector(tiny_landmark_onnx)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return read_image(Path(__file__).parents[2] / "samples" / "astronaut.jpg")


@pytest.mark.parametrize("name", ["yunet_n_dynamic.onnx", "yunet_n_640_640.onnx"])
def test_one_face_in_the_sample(shared: Path, picture: np.ndarray, name: str) -> None:
    detector = load(shared / "peers" / name, threads=1)
    assert isinstance(detector, YuNetDetector)
    found = detector(picture)
    assert len(found) == 1
    assert found.scores[0] > 0.8
    assert box_iou(found.boxes, [[177, 75, 272, 200]])[0, 0] > 0.7
    assert found.five_points is not None
    right_eye, left_eye, nose, *mouth = found.five_points[0]
    assert right_eye[0] < nose[0] < left_eye[0]  # the person's right is on the left of the picture
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(point[1] for point in mouth)


def test_the_same_boxes_as_opencv(shared: Path, picture: np.ndarray) -> None:
    if not hasattr(cv2, "FaceDetectorYN"):
        pytest.skip("this OpenCV has no FaceDetectorYN")
    path = shared / "peers" / "yunet_n_640_640.onnx"
    padded = np.zeros((640, 640, 3), np.uint8)
    padded[: picture.shape[0], : picture.shape[1]] = picture
    theirs = cv2.FaceDetectorYN.create(str(path), "", (640, 640), 0.5, 0.45).detect(padded[..., ::-1].copy())[
        1
    ]
    found = YuNetDetector(path, threads=1)(padded)
    x, y, width, height = theirs[0, :4]
    expected = to_face_boxes(np.array([[x, y, x + width, y + height]], np.float32))
    np.testing.assert_allclose(found.boxes[:1], expected, atol=0.5)
    assert found.five_points is not None
    np.testing.assert_allclose(found.five_points[0].ravel(), theirs[0, 4:14], atol=0.5)
