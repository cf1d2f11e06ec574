from __future__ import annotations

import numpy as np
import pytest

from canthus.sample import Sample
from canthus.transforms import TRANSFORMS
from canthus.transforms.normal_affine import NormalAffine
from canthus.transforms.texture import BoxBlur, Gamma, Gray, NoiseBlend, Rectangle
from canthus.transforms.transform import View

SIZE = 64


def view(grey: int = 100) -> View:
    points = np.stack(np.meshgrid(np.arange(2, 64, 6), np.arange(2, 64, 6)), -1).reshape(-1, 2).astype(float)
    image = np.full((SIZE, SIZE, 3), grey, np.uint8)
    image[..., 1] //= 2
    missing = np.full(len(points), np.nan, np.float32)
    box = np.array([0, 0, 63, 63], np.float32)
    sample = Sample(image, points.astype(np.float32), missing, box, "landmarks", "a", "a")
    return View(sample, SIZE, 31.5, np.eye(2, 3), points, np.ones(len(points)), 1.0, image)


def test_a_rectangle_hides_what_it_covers() -> None:
    shares = []
    for seed in range(40):
        seen = view()
        Rectangle(probability=1.0, size=(0.2, 0.4)).paint(seen, np.random.default_rng(seed))
        black = (seen.image == 0).all(-1)
        rows, columns = np.flatnonzero(black.any(1)), np.flatnonzero(black.any(0))
        assert black[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        at = seen.points.astype(int)
        assert ((seen.visibility == 0) == black[at[:, 1], at[:, 0]]).all()
        shares.append(len(rows) / SIZE)
    assert 0.2 < max(shares) <= 0.4 + 2 / SIZE
    plain = view()
    Rectangle(probability=0.0).paint(plain, np.random.default_rng(0))
    assert (plain.image == view().image).all()
    coloured = view()
    Rectangle(probability=1.0, color=True, size=(0.9, 0.9)).paint(coloured, np.random.default_rng(3))
    assert len(np.unique(coloured.image.reshape(-1, 3), axis=0)) == 2


def test_gamma_by_hand() -> None:
    powers = []
    for seed in range(200):
        seen = view(100)
        Gamma(probability=1.0).paint(seen, np.random.default_rng(seed))
        powers.append(np.log((seen.image[0, 0, 0] + 0.5) / 255) / np.log(100 / 255))
    assert 0.24 < min(powers) < 0.3 and 3.6 < max(powers) < 4.1
    assert 0.4 < np.mean(np.array(powers) < 1) < 0.6


def test_blur_noise_and_gray() -> None:
    step = view()
    step.image = np.zeros((SIZE, SIZE, 3), np.uint8)
    step.image[:, 32:] = 200
    for seed in range(20):
        BoxBlur(probability=1.0, strength=0.1).paint(step, np.random.default_rng(seed))
    assert 0 < step.image[32, 31, 0] < 200 and step.image[32, 0, 0] == 0
    means = []
    for seed in range(30):
        noisy = view(0)
        NoiseBlend(probability=1.0).paint(noisy, np.random.default_rng(seed))
        means.append(noisy.image.mean())
    assert max(means) < 0.5 * 128 and np.mean(means) == pytest.approx(0.25 * 127, rel=0.3)
    gray = view(100)
    Gray(probability=1.0).paint(gray, np.random.default_rng(0))
    assert (gray.image == round(0.299 * 100 + 0.587 * 50 + 0.114 * 100)).all()


def test_normal_affine_has_the_stated_deviations() -> None:
    found = []
    for seed in range(600):
        seen = view()
        NormalAffine(rotate=18, scale=0.1, shift=0.05).move(seen, np.random.default_rng(seed))
        (a, b, _), (c, d, _) = seen.matrix
        assert a == pytest.approx(d) and b == pytest.approx(-c)
        moved = seen.matrix @ [31.5, 31.5, 1]
        found.append([np.degrees(np.arctan2(c, a)), np.hypot(a, c), *((moved - 31.5) / SIZE)])
    spread, mean = np.std(found, axis=0), np.mean(found, axis=0)
    np.testing.assert_allclose(spread, [18, 0.1, 0.05, 0.05], rtol=0.12)
    assert (np.abs(mean - [0, 1, 0, 0]) < [2.5, 0.015, 0.008, 0.008]).all()
    cut = []
    for seed in range(100):
        seen = view()
        NormalAffine(rotate=15, most=30, scale=0, shift=0).move(seen, np.random.default_rng(seed))
        cut.append(np.degrees(np.arctan2(seen.matrix[1, 0], seen.matrix[0, 0])))
    assert max(np.abs(cut)) <= 30 + 1e-9


def test_all_are_rows() -> None:
    assert {"box_blur", "gamma", "gray", "noise_blend", "normal_affine", "rectangle"} <= set(TRANSFORMS)
