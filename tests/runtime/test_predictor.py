"""Pictures to faces."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from canthus import Predictor
from canthus.detectors import Detections
from canthus.images import ImageError


@pytest.fixture(scope="module")
def predictor(tiny_landmark_onnx: Path, tiny_detector_onnx: Path) -> Predictor:
    return Predictor(tiny_landmark_onnx, tiny_detector_onnx, threads=1)


def two_cells() -> np.ndarray:
    image = np.zeros((96, 160, 3), np.uint8)
    image[0:32, 32:64] = 255
    image[64:96, 128:160] = 200
    return image


def test_detected_faces_best_first(predictor: Predictor) -> None:
    faces = predictor(two_cells())
    np.testing.assert_allclose(faces.boxes, [[32, 0, 63, 31], [128, 64, 159, 95]], atol=1e-4)
    np.testing.assert_allclose(faces.points[:, 0], [[47.5, 15.5], [143.5, 79.5]], atol=0.3)
    assert predictor.scheme.name == "ibug68"
    assert predictor.card["data"] == "nothing"


def test_every_kind_of_source(predictor: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(two_cells()).save(path)
    expected = predictor(two_cells()).points
    for source in (path, str(path), path.read_bytes(), Image.open(path), two_cells()[..., 0]):
        np.testing.assert_array_equal(predictor(source).points, expected)


def test_boxes_replace_the_detector(tiny_landmark_onnx: Path) -> None:
    def forbidden(image: np.ndarray) -> Detections:
        raise AssertionError("the detector was asked")

    predictor = Predictor(tiny_landmark_onnx, forbidden)
    faces = predictor(two_cells(), boxes=[[30, 0, 70, 40]])
    np.testing.assert_allclose(faces.boxes, [[30, 0, 70, 40]])
    np.testing.assert_allclose(
        predictor(two_cells(), [[30, 0, 70, 40]], "landmarks").boxes, [[30, -10, 70, 40]]
    )
    assert len(predictor(two_cells(), boxes=[])) == 0


def test_no_face(predictor: Predictor) -> None:
    assert len(predictor(np.zeros((50, 50, 3), np.uint8))) == 0


def test_stream_equals_single_calls(predictor: Predictor) -> None:
    images = [np.roll(two_cells(), 32 * i, axis=1) for i in range(5)] + [np.zeros((8, 8, 3), np.uint8)]
    streamed = list(predictor.stream(iter(images)))
    assert [len(faces) for faces in streamed] == [2, 2, 2, 2, 2, 0]
    for image, faces in zip(images, streamed, strict=True):
        np.testing.assert_array_equal(faces.points, predictor(image).points)


def test_stream_tells_of_a_broken_picture(predictor: Predictor) -> None:
    with pytest.raises(ImageError, match=r"none\.jpg"):
        list(predictor.stream([two_cells(), "none.jpg"]))


def test_a_picture_of_108_megapixels(predictor: Predictor) -> None:
    """12000x9000: searched at 800 px, the landmarks cut from the full picture."""
    image = np.zeros((9000, 12000, 3), np.uint8)
    image[2880:3360, 6240:6720] = 255  # one cell of 32 px at the working size: 800 / 12000 = 1 / 15
    faces = predictor(image)
    assert len(faces) == 1
    np.testing.assert_allclose(faces.boxes[0], [6247.0, 2887.0, 6712.0, 3352.0], atol=0.01)
    np.testing.assert_allclose(faces.points[0, 0], [6479.5, 3119.5], atol=3)


def test_threads_share_a_predictor(predictor: Predictor) -> None:
    images = [np.roll(two_cells(), 32 * i, axis=1) for i in range(4)] * 4
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(predictor, images))
    for image, faces in zip(images, together, strict=True):
        np.testing.assert_array_equal(faces.points, predictor(image).points)
