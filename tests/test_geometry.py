"""The pixel convention, boxes and crops."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from canthus.geometry import (
    Crop,
    CropRule,
    apply_affine,
    box_iou,
    compose_affine,
    convert_boxes,
    from_unit,
    invert_affine,
    landmark_boxes,
    mirror_affine,
    resize_affine,
    to_unit,
)

number = st.floats(-500, 500, allow_nan=False, width=32)
points = arrays(np.float64, (5, 2), elements=number)
scale = st.floats(0.05, 8)


@st.composite
def affine(draw: st.DrawFn) -> np.ndarray:
    """A rotation, scale, mirror and shift."""
    angle, factor, sign = draw(st.floats(-3.1, 3.1)), draw(scale), draw(st.sampled_from([1, -1]))
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    shift = [[draw(number)], [draw(number)]]
    return np.hstack([rotation * factor * [sign, 1], shift])


@st.composite
def box(draw: st.DrawFn) -> np.ndarray:
    x, y = draw(number), draw(number)
    return np.array([x, y, x + draw(st.floats(1, 300)), y + draw(st.floats(1, 300))])


def test_face_box_by_hand() -> None:
    """The top of a box of height 80 goes up by 20."""
    np.testing.assert_allclose(convert_boxes([10, 40, 60, 120], "landmarks", "face"), [10, 20, 60, 120])
    np.testing.assert_allclose(convert_boxes([[10, 20, 60, 120]], "face", "landmarks"), [[10, 40, 60, 120]])
    for kinds in (("skull", "face"), ("face", "skull"), ("skull", "skull")):
        with pytest.raises(ValueError, match="box kinds are"):
            convert_boxes([0, 0, 1, 1], *kinds)  # type: ignore[arg-type]


@given(box())
def test_box_kinds_round_trip(value: np.ndarray) -> None:
    back = convert_boxes(convert_boxes(value, "landmarks", "face"), "face", "landmarks")
    np.testing.assert_allclose(back, value, atol=1e-9)


def test_landmark_box_passes_over_missing_points() -> None:
    given_points = [[[1, 5], [np.nan, np.nan], [4, 2]], [[np.nan, np.nan]] * 3]
    boxes = landmark_boxes(given_points)
    np.testing.assert_array_equal(boxes[0], [1, 2, 4, 5])
    assert np.isnan(boxes[1]).all()


def test_iou_by_hand() -> None:
    """Two squares of 4 that share 1: 1 / 7. Apart: 0. Without area: 0."""
    a = [[0, 0, 2, 2], [5, 5, 5, 5]]
    b = [[1, 1, 3, 3], [0, 0, 2, 2], [8, 8, 9, 9]]
    np.testing.assert_allclose(box_iou(a, b), [[1 / 7, 1, 0], [0, 0, 0]])


@given(affine(), affine(), points)
def test_compose_applies_the_second_argument_first(a: np.ndarray, b: np.ndarray, xy: np.ndarray) -> None:
    np.testing.assert_allclose(
        apply_affine(compose_affine(a, b), xy), apply_affine(a, apply_affine(b, xy)), rtol=1e-9, atol=1e-6
    )


@given(affine(), points)
def test_inverse(matrix: np.ndarray, xy: np.ndarray) -> None:
    np.testing.assert_allclose(apply_affine(invert_affine(matrix), apply_affine(matrix, xy)), xy, atol=1e-5)


@given(st.integers(1, 2000), points)
def test_mirror_is_its_own_inverse(width: int, xy: np.ndarray) -> None:
    twice = compose_affine(mirror_affine(width), mirror_affine(width))
    np.testing.assert_allclose(apply_affine(twice, xy), xy, atol=1e-9)
    assert apply_affine(mirror_affine(width), [0, 7]).tolist() == [width - 1, 7]


def test_mirror_as_numpy_flips() -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    moved = cv2.warpAffine(image, mirror_affine(9), (9, 6))
    np.testing.assert_array_equal(moved, image[:, ::-1])


@pytest.mark.parametrize("size", [(20, 40), (7, 33), (160, 60)], ids=["half", "odd", "mixed"])
def test_resize_convention_is_that_of_opencv(size: tuple[int, int]) -> None:
    """On a picture whose values are its coordinates, a resized pixel shows where it came from."""
    height, width = 40, 80
    y, x = np.mgrid[:height, :width].astype(np.float32)
    resized = cv2.resize(np.stack([x, y], axis=-1), size, interpolation=cv2.INTER_LINEAR)
    matrix = resize_affine(size[0] / width, size[1] / height)
    new_y, new_x = np.mgrid[: size[1], : size[0]]
    came_from = apply_affine(invert_affine(matrix), np.stack([new_x, new_y], axis=-1))
    expected = np.clip(came_from, 0, [width - 1, height - 1])  # borders repeat
    np.testing.assert_allclose(resized, expected, atol=1e-3)


def test_unit_shares_by_hand() -> None:
    """The picture spans -0.5 to size - 0.5."""
    np.testing.assert_allclose(to_unit(np.array([-0.5, 0, 99.5]), 100), [0, 0.005, 1])
    np.testing.assert_allclose(from_unit(to_unit(np.array([3.25, 7]), 64), 64), [3.25, 7])


@given(box(), st.sampled_from(["face", "landmarks"]), st.integers(8, 256), points)
def test_crop_round_trip(value: np.ndarray, kind: str, size: int, xy: np.ndarray) -> None:
    crop = CropRule(scale=1.3, offset=(0.1, -0.05)).crop(value, kind, size)  # type: ignore[arg-type]
    np.testing.assert_allclose(crop.to_image(crop.to_crop(xy)), xy, atol=1e-5)


def test_window_by_hand() -> None:
    """A landmark box 100 wide and 80 high is a face box of 100x100; 1.5 times that, moved by 10 % of 100."""
    rule = CropRule(scale=1.5, offset=(0.1, 0.0))
    np.testing.assert_allclose(rule.window([0, 20, 100, 100], "landmarks"), [-15, -25, 135, 125])


@pytest.mark.parametrize(
    ("side", "expected"), [("max", 200.0), ("min", 100.0), ("mean", 150.0), ("height", 200.0)]
)
def test_window_sides(side: str, expected: float) -> None:
    rule = CropRule.model_validate({"side": side, "scale": 1.0, "box_kind": "face"})
    x1, y1, x2, y2 = rule.window([0, 0, 100, 200], "face")
    assert (x2 - x1, y2 - y1) == (expected, expected)
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == (50, 100)


def test_aspect_and_rounding() -> None:
    np.testing.assert_allclose(
        CropRule(scale=1.0, aspect=0.5).window([0, 0, 100, 100], "face"), [25, 0, 75, 100]
    )
    rounded = CropRule(scale=1.0, rounding="integer").window([0.4, 0.4, 100.6, 100.6], "face")
    np.testing.assert_array_equal(rounded, [0, 0, 101, 101])


@given(box(), st.sampled_from(["corner", "pixel"]), st.integers(8, 256))
def test_where_the_centre_lands(value: np.ndarray, center: str, size: int) -> None:
    rule = CropRule.model_validate({"scale": 1.2, "center": center, "box_kind": "face"})
    crop = rule.crop(value, "face", size)
    middle = (size - 1) / 2 if center == "corner" else size / 2
    found = crop.to_crop([(value[0] + value[2]) / 2, (value[1] + value[3]) / 2])
    np.testing.assert_allclose(found, [middle, middle], atol=1e-6)


def test_warp_of_whole_pixels_is_a_cut_out() -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3), dtype=np.uint8)
    crop = Crop(np.array([[1.0, 0.0, -10.0], [0.0, 1.0, -45.0]]), 16)
    out = crop.warp(image)
    np.testing.assert_array_equal(out[:5], image[45:50, 10:26])
    assert not out[5:].any()  # black below the picture


@pytest.mark.parametrize("factor", [2, 4, 9])
def test_a_reduced_crop_shows_what_its_matrix_says(factor: int) -> None:
    """Brightness that grows along x and y is read back at the points the crop's pixels stand for."""
    y, x = np.mgrid[:220, :220]
    image = np.stack([x, y, x * 0], axis=-1).astype(np.uint8)
    crop = Crop(resize_affine(1 / factor, 1 / factor), 200 // factor)
    out = crop.warp(image)[2:-2, 2:-2]
    rows, columns = np.mgrid[2 : crop.size - 2, 2 : crop.size - 2]
    expected = crop.to_image(np.stack([columns, rows], axis=-1))
    np.testing.assert_allclose(out[..., :2], expected, atol=1.1)


def test_a_strong_reduction_averages() -> None:
    """Fine stripes become grey; without `antialias` they are hit or missed."""
    image = np.zeros((256, 256, 3), np.uint8)
    image[:, ::2] = 255
    matrix = resize_affine(1 / 8, 1 / 8)
    inner = Crop(matrix, 32).warp(image)[4:-4, 4:-4].astype(int)
    assert np.abs(inner - 127).max() < 25
    stripes = np.zeros_like(image)
    stripes[:, ::8] = 255
    assert Crop(matrix, 32, antialias=False).warp(stripes)[4:-4, 4:-4].std() == 0
    assert abs(Crop(matrix, 32).warp(stripes)[4:-4, 4:-4].mean() - 255 / 8) < 3


@given(affine())
def test_covariance_goes_back_as_the_points_do(matrix: np.ndarray) -> None:
    """The covariance of mapped draws is the mapped covariance."""
    crop = Crop(matrix, 64)
    draws = np.random.default_rng(0).normal(size=(50, 2)) @ np.array([[2.0, 0.3], [0.0, 1.0]])
    mapped = np.cov(crop.to_image(draws).T)
    np.testing.assert_allclose(crop.covariance_to_image(np.cov(draws.T)), mapped, rtol=1e-6, atol=1e-9)


def test_unknown_keys_of_a_rule_are_errors() -> None:
    with pytest.raises(ValueError, match="scales"):
        CropRule.model_validate({"scales": 1.2})
    rule = CropRule(scale=1.4, offset=(0, 0.1))
    assert CropRule.model_validate_json(rule.model_dump_json()) == rule


def test_edges_go_outward_to_whole_pixels_before_the_window() -> None:
    rule = CropRule(box_kind="landmarks", scale=2.0, rounding="outward")
    np.testing.assert_allclose(rule.window([0.4, 3.0, 9.2, 5.7], "landmarks"), [-5, -5.5, 15, 14.5])
    whole = [1234.0, 7.0, 1239.0, 12.0]
    np.testing.assert_allclose(rule.window(whole, "landmarks"), [1231.5, 4.5, 1241.5, 14.5])
    almost = [1234.0 + 2e-4, 7.0 - 2e-4, 1239.0 + 2e-4, 12.0 - 2e-4]  # to 1234, 6, 1240, 12
    np.testing.assert_allclose(rule.window(almost, "landmarks"), [1231, 3, 1243, 15])


@pytest.mark.parametrize("offset", [0.0, 1.0])
def test_no_listed_face_is_rounded_to_another_box(data: Path, offset: float) -> None:
    """Through float32 labels, shifted by a pixel and back, as 300-W's are: the edges of the numbers as the
    lists of WFLW have them. (A tolerance of 1e-3 px would give eleven of these faces another box.)"""
    rule = CropRule(box_kind="landmarks", scale=1.0, rounding="outward")
    lists = sorted((data / "wflw_annotations").rglob("*.txt"))
    assert lists
    for line in (line for path in lists for line in path.read_text().splitlines()):
        listed = np.array(line.split()[:196], np.float64).reshape(98, 2)
        labels = listed.astype(np.float32) - np.float32(offset)
        box = landmark_boxes(labels).astype(np.float32) + np.float32(offset)
        x1, y1, x2, y2 = rule.window(box, "landmarks")
        low, high = np.floor(listed.min(0)), np.ceil(listed.max(0))
        assert max(x2 - x1, y2 - y1) == (high - low).max()
        np.testing.assert_array_equal([(x1 + x2) / 2, (y1 + y2) / 2], (low + high) / 2)


@pytest.mark.parametrize(("name", "folder"), [("300w", "300w"), ("wflw", "wflw")])
def test_windows_are_those_of_the_published_annotations(data: Path, name: str, folder: str) -> None:
    """mmpose's `center` and `scale` of these sets were made from the landmarks."""
    rule = CropRule(box_kind="landmarks", scale=1.25, center="pixel", rounding="outward")
    files = list((data / "mmpose_samples" / folder).glob("*.json"))
    assert files
    for file in files:
        for item in json.loads(file.read_text())["annotations"]:
            points = np.array(item["keypoints"], np.float64).reshape(-1, 3)[:, :2]
            x1, y1, x2, y2 = rule.window(landmark_boxes(points), "landmarks")
            np.testing.assert_allclose([(x1 + x2) / 2, (y1 + y2) / 2], item["center"])
            assert x2 - x1 == pytest.approx(y2 - y1) == pytest.approx(1.25 * 200 * item["scale"])
            matrix = rule.crop(landmark_boxes(points), "landmarks", 256).matrix
            np.testing.assert_allclose(matrix @ [*item["center"], 1], [128, 128])
