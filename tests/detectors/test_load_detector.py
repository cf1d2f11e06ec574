"""Names and files of detectors."""

from pathlib import Path

import numpy as np
import pytest

from canthus.detectors import DETECTORS, BuiltinDetector, WholeImage, load


def test_names_and_files(tiny_detector_onnx: Path) -> None:
    assert isinstance(load("whole_image"), WholeImage)
    found = load(tiny_detector_onnx, working_size=96)
    assert isinstance(found, BuiltinDetector)
    assert found.working_size == 96
    assert set(DETECTORS) == {"builtin", "yunet", "whole_image"}


def test_whole_image_reaches_from_centre_to_centre() -> None:
    found = WholeImage()(np.zeros((30, 50, 3), np.uint8))
    np.testing.assert_array_equal(found.boxes, [[0, 0, 49, 29]])
    np.testing.assert_array_equal(found.scores, [1])


def test_whole_image_of_a_single_pixel_has_a_size() -> None:
    np.testing.assert_array_equal(WholeImage()(np.zeros((1, 1, 3), np.uint8)).boxes, [[-0.5, -0.5, 0.5, 0.5]])
    np.testing.assert_array_equal(WholeImage()(np.zeros((9, 1, 3), np.uint8)).boxes, [[-0.5, 0, 0.5, 8]])


@pytest.mark.parametrize(("name", "hint"), [("buildin", "did you mean builtin"), ("yunet", "needs its file")])
def test_unknown_names(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        load(name)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.onnx"):
        load(tmp_path / "none.onnx")
