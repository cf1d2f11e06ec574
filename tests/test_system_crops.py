"""The crops of the regression and stacked-hourglass rows against those of the published code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from canthus.geometry import landmark_boxes
from canthus.recipe import load_recipe


@pytest.fixture(scope="module")
def oracle(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "oracles" / "other_systems" / "preprocess" / "preprocess.npz") as file:
        return {name: file[name] for name in file.files}


def test_slpt(oracle: dict[str, np.ndarray]) -> None:
    rule = load_recipe("wflw-slpt6").crop
    for points, matrix in zip(oracle["landmarks98"], oracle["slpt.matrix"], strict=True):
        crop = rule.crop(landmark_boxes(points), "landmarks", 256)
        np.testing.assert_allclose(crop.matrix, matrix, rtol=1e-6, atol=1e-4)


def test_adnet_and_star(oracle: dict[str, np.ndarray]) -> None:
    rule = load_recipe("wflw-star").crop
    for box, matrix in zip(oracle["box_xyxy"], oracle["adnet.matrix"], strict=True):
        np.testing.assert_allclose(rule.crop(box, "landmarks", 256).matrix, matrix[:2], rtol=1e-5, atol=1e-3)


def test_pfld_within_its_rounding(oracle: dict[str, np.ndarray]) -> None:
    """Whole px are cut out there: the windows differ by less than a px of the picture."""
    rule = load_recipe("wflw-pfld_1x").crop
    for points, (x, y, side) in zip(oracle["landmarks98"], oracle["pfld.crop_x_y_side"], strict=True):
        window = rule.window(landmark_boxes(points) - rule.label_offset_px, "landmarks")
        published = np.array([x, y, x + side, y + side]) - 0.5
        assert np.abs(window - published).max() < 1.1


def test_fan_within_its_rounding(oracle: dict[str, np.ndarray]) -> None:
    rule = load_recipe("300w_lp-fan4").crop
    corners = zip(oracle["fan195.crop_upper_left"], oracle["fan195.crop_bottom_right"], strict=True)
    for box, (low, high) in zip(oracle["box_xyxy"], corners, strict=True):
        window = rule.window(box, "face")
        assert np.abs(window - np.concatenate([low, high])).max() < 2.5
    sides = [np.diff(rule.window(box, "face")[::2])[0] for box in oracle["box_xyxy"]]
    np.testing.assert_allclose(sides, 200 * oracle["fan195.scale"], rtol=1e-4)
