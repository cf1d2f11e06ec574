"""Boxes to landmarks with a model that finds a bright spot."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
import tiny_models

from canthus.runtime import landmarker as module
from canthus.runtime.landmarker import OnnxLandmarker, check_boxes


@pytest.fixture(scope="module")
def landmarker(tiny_landmark_onnx: Path) -> OnnxLandmarker:
    return OnnxLandmarker(tiny_landmark_onnx, threads=1)


def spot(x: int, y: int, height: int = 300, width: int = 400) -> np.ndarray:
    """A black picture with a white spot of 5x5 px around (x, y)."""
    image = np.zeros((height, width, 3), np.uint8)
    image[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3] = 255
    return image


def test_states_what_the_file_states(landmarker: OnnxLandmarker) -> None:
    assert landmarker.scheme.name == "ibug68"
    assert landmarker.input_size == 64
    assert landmarker.crop_rule == tiny_models.RULE
    assert landmarker.card["data"] == "nothing"
    assert landmarker.card["licence"] == "none"


def test_the_card_holds_the_digest_and_the_page_beside_the_file(
    tiny_landmark_onnx: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.onnx"
    path.write_bytes(tiny_landmark_onnx.read_bytes())
    assert "text" not in OnnxLandmarker(path).card
    (tmp_path / "mine.md").write_text("# Model card: mine\n")
    card = OnnxLandmarker(path).card
    assert card["text"] == "# Model card: mine\n"
    assert card["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("key", "value"), [("input_size", "x"), ("crop_rule", "{"), ("crop_rule", '{"scal": 1}'), ("card", "{")]
)
def test_broken_metadata_names_the_file(
    tiny_landmark_onnx: Path, tmp_path: Path, key: str, value: str
) -> None:
    model = onnx.load(tiny_landmark_onnx)
    kept = {item.key: item.value for item in model.metadata_props} | {key: value}
    onnx.helper.set_model_props(model, kept)
    onnx.save(model, tmp_path / "odd.onnx")
    with pytest.raises(ValueError, match=r"odd\.onnx: unusable metadata"):
        OnnxLandmarker(tmp_path / "odd.onnx")


def test_an_unknown_kind_of_box_is_an_error_even_without_boxes(landmarker: OnnxLandmarker) -> None:
    for boxes in ([], [[0, 0, 9, 9]]):
        with pytest.raises(ValueError, match="found 'nose'"):
            landmarker(spot(9, 9), boxes, "nose")  # type: ignore[arg-type]


@pytest.mark.parametrize("side", [32, 64, 128, 250], ids=["enlarged", "same", "half", "reduced"])
def test_a_spot_is_found_where_it_is(landmarker: OnnxLandmarker, side: int) -> None:
    box = [120, 60, 120 + side, 60 + side]
    x, y = 120 + side // 2 + 3, 60 + side // 2 - 5
    rows, columns = np.mgrid[:400, :500]
    blob = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * (side / 16) ** 2))
    image = np.repeat(np.rint(255 * blob).astype(np.uint8)[..., None], 3, axis=2)
    faces = landmarker(image, [box], "face")
    np.testing.assert_allclose(faces.points[0, 0], [x, y], atol=0.003 * side)
    np.testing.assert_allclose(faces.points[0, 10] - faces.points[0, 0], [side / 64, 0], atol=1e-3)
    np.testing.assert_allclose(faces.boxes, [box])
    assert faces.covariance is not None
    assert faces.visibility is not None
    np.testing.assert_allclose(
        faces.covariance[0, 5], np.diag([4, 1]) * (side / 64) ** 2, rtol=1e-4, atol=1e-6
    )
    np.testing.assert_allclose(faces.visibility[0, :4], [0, 1, 1, 0], atol=1e-4)


def test_landmark_boxes_are_raised_to_face_boxes(landmarker: OnnxLandmarker) -> None:
    faces = landmarker(spot(150, 150), [[100, 100, 200, 200]], "landmarks")
    np.testing.assert_allclose(faces.boxes, [[100, 75, 200, 200]])


def test_many_faces_keep_their_order_over_chunks(
    landmarker: OnnxLandmarker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """300 boxes, each around its own spot, in chunks of 128; the same with chunks of 7."""
    image = np.zeros((640, 960, 3), np.uint8)
    ys, xs = np.mgrid[16:640:32, 16:960:32]
    centers = np.stack([xs.ravel(), ys.ravel()], axis=1)[:300]
    for x, y in centers:
        image[y - 1 : y + 2, x - 1 : x + 2] = 255
    boxes = np.concatenate([centers - 12, centers + 12], axis=1)
    faces = landmarker(image, boxes, "face")
    assert len(faces) == 300
    np.testing.assert_allclose(faces.points[:, 0], centers, atol=0.05)
    monkeypatch.setattr(module, "CHUNK", 7)
    np.testing.assert_array_equal(landmarker(image, boxes, "face").points, faces.points)


def test_faces_cut_by_the_border_and_outside(landmarker: OnnxLandmarker) -> None:
    image = spot(3, 3, 100, 100)
    faces = landmarker(image, [[-40, -40, 24, 24], [300, 300, 340, 340]], "face")
    np.testing.assert_allclose(faces.points[0, 0], [3, 3], atol=0.05)
    assert np.isfinite(faces.points).all()
    assert faces.presence is not None
    assert faces.presence[1] == 0  # nothing but black


def test_a_tiny_face(landmarker: OnnxLandmarker) -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    image[9, 11] = 255
    faces = landmarker(image, [[8, 6, 14, 12]], "face")
    np.testing.assert_allclose(faces.points[0, 0], [11, 9], atol=0.05)


def test_a_panorama_wider_than_opencv_warps(landmarker: OnnxLandmarker) -> None:
    image = spot(39950, 30, 60, 40000)
    boxes = [[39930, 10, 39970, 50], [20, 10, 60, 50], [50000, 10, 50040, 50]]
    faces = landmarker(image, boxes, "face")
    np.testing.assert_allclose(faces.points[0, 0], [39950, 30], atol=0.05)
    assert faces.presence is not None
    np.testing.assert_array_equal(faces.presence[1:], [0, 0])
    narrow = landmarker(image[:, 39900:39999], np.array(boxes[:1]) - [39900, 0, 39900, 0], "face")
    np.testing.assert_allclose(narrow.points[0] + [39900, 0], faces.points[0], atol=0.01)


def test_no_boxes(landmarker: OnnxLandmarker) -> None:
    for boxes in ([], np.zeros((0, 4))):
        faces = landmarker(spot(5, 5), boxes, "face")
        assert len(faces) == 0
        assert faces.points.shape == (0, 68, 2)


def test_boxes_are_checked() -> None:
    assert check_boxes([1, 2, 3, 4]).shape == (1, 4)
    with pytest.raises(ValueError, match=r"found shape \(2, 3\)"):
        check_boxes([[1, 2, 3], [1, 2, 3]])
    for bad in ([3, 0, 3, 9], [0, 0, np.nan, 4], [0, 5, 4, 4], [0, 0, np.inf, 4]):
        with pytest.raises(ValueError, match="number 1 is"):
            check_boxes([[0, 0, 1, 1], bad])


def test_files_that_are_no_landmark_models(tmp_path: Path, tiny_detector_onnx: Path) -> None:
    with pytest.raises(ValueError, match="metadata lacks scheme, input_size, crop_rule"):
        OnnxLandmarker(tiny_detector_onnx)
    stated = {"scheme": "ibug69", "input_size": "64", "crop_rule": "{}"}
    with pytest.raises(ValueError, match="unknown scheme 'ibug69'; known: ibug68"):
        OnnxLandmarker(tiny_models.landmark(tmp_path / "a.onnx", 64, stated))


def test_shifted_labels_move_the_crop_there_and_the_points_back(
    landmarker: OnnxLandmarker, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, box = spot(123, 98), np.array([[80.0, 60.0, 160.0, 150.0]])
    there = landmarker(image, box + 1, "face").points
    rule = landmarker.crop_rule.model_copy(update={"label_offset_px": -1.0})
    monkeypatch.setattr(landmarker, "crop_rule", rule)
    np.testing.assert_allclose(landmarker(image, box, "face").points, there - 1, atol=1e-4)
