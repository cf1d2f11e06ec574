"""What a training keeps of a photo."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from canthus.geometry import CropRule
from canthus.images import read_image
from canthus.sample import Sample
from canthus.training.data import cut


@pytest.mark.parametrize("size", [24, 64, 256])
def test_a_cut_from_a_reduced_photo_is_that_from_the_whole(tmp_path: Path, size: int) -> None:
    rng = np.random.default_rng(0)
    photo = cv2.resize(rng.integers(0, 256, (30, 40, 3), np.uint8), (803, 601), interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(tmp_path / "photo.jpg"), photo)
    points = rng.uniform(200, 500, (5, 2)).astype(np.float32)
    box = np.array([150, 120, 560, 530], np.float32)
    sample = Sample(tmp_path / "photo.jpg", points, np.ones(5, np.float32), box, "face", "a", "a")
    whole = Sample(read_image(tmp_path / "photo.jpg"), points, sample.visibility, box, "face", "a", "a")
    found, expected = (cut(each, CropRule(), size, context=1.5) for each in (sample, whole))
    np.testing.assert_array_equal(found.points, expected.points)
    np.testing.assert_array_equal(found.box, expected.box)
    first, second = found.read().astype(float), expected.read().astype(float)
    assert first.shape == second.shape
    difference = np.abs(first - second).mean()
    assert difference < 5  # grey levels; the photo's own spread is about 70
    for a, b in ((first, second), (second, first)):
        assert np.abs(a[:, 1:] - b[:, :-1]).mean() > 5 * difference  # a pixel to either side
        assert np.abs(a[1:] - b[:-1]).mean() > 5 * difference
