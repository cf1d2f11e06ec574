from __future__ import annotations

import math

import numpy as np
import pytest

from canthus.geometry import CropRule, apply_affine
from canthus.sample import Sample
from canthus.schemes import SCHEMES
from canthus.transforms import TRANSFORMS, Pipeline, Transform
from canthus.transforms.affine import Affine
from canthus.transforms.flip import Flip
from canthus.transforms.half_face import HalfFace, RandomWindow
from canthus.transforms.occlude import Occlude

SCHEME = SCHEMES["five"]
RULE = CropRule(box_kind="landmarks", scale=1.5)


def sample(*, presence: float = 1.0, seed: int = 0) -> Sample:
    """A dark picture with a bright 3x3 dot at each of five points."""
    rng = np.random.default_rng(seed)
    image = np.full((120, 160, 3), 20, np.uint8)
    points = np.array([[60, 40], [100, 42], [80, 62], [66, 85], [96, 86]], np.float32)
    for x, y in points.astype(int):
        image[y - 1 : y + 2, x - 1 : x + 2] = rng.integers(200, 256, 3)
    box = np.array([60, 40, 100, 86], np.float32)
    return Sample(image, points, np.ones(5, np.float32), box, "landmarks", "a", "a", presence=presence)


def build(name: str) -> Transform:
    """A transform that always acts."""
    kind = TRANSFORMS[name]
    options = {"probability": 1.0} if "probability" in kind.__init__.__code__.co_varnames else {}
    return kind(SCHEME, **options) if name == "flip" else kind(**options)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_keeps_types_and_is_seeded(name: str) -> None:
    source = sample(presence=0.0 if name == "random_window" else 1.0)
    original = source.image.copy()
    pipeline = Pipeline(RULE, 64, SCHEME, (build(name),))
    first, second = (pipeline(source, np.random.default_rng(5)) for _ in range(2))
    assert first.image.shape == (64, 64, 3)
    assert first.image.dtype == np.uint8
    assert np.array_equal(first.image, second.image)
    assert np.array_equal(first.points, second.points, equal_nan=True)
    assert np.array_equal(source.image, original)
    plain = Pipeline(RULE, 64, SCHEME)(source, np.random.default_rng(5))
    changed = not np.array_equal(first.image, plain.image) or not np.array_equal(first.points, plain.points)
    assert changed


@pytest.mark.parametrize("seed", range(6))
def test_points_stay_on_their_pixels(seed: int) -> None:
    transforms = (Flip(SCHEME), Affine(rotate=40, scale=(0.8, 1.2), shift=0.05, stretch=0.1))
    view = Pipeline(RULE, 96, SCHEME, transforms)(sample(), np.random.default_rng(seed))
    for x, y in view.points:
        if 2 < x < 93 and 2 < y < 93:
            patch = (
                view.image[round(y) - 4 : round(y) + 5, round(x) - 4 : round(x) + 5].mean(-1).clip(25) - 25
            )
            rows, columns = np.mgrid[-4:5, -4:5]
            total = patch.sum()
            assert total > 0
            assert abs((patch * columns).sum() / total + round(x) - x) < 0.35
            assert abs((patch * rows).sum() / total + round(y) - y) < 0.35


def test_the_matrix_agrees_with_the_points() -> None:
    view = Pipeline(RULE, 96, SCHEME, (Affine(rotate=30, shift=0.1),))(sample(), np.random.default_rng(0))
    np.testing.assert_allclose(apply_affine(view.matrix, sample().points), view.points, atol=1e-4)


def test_flip_reorders_left_and_right() -> None:
    plain = Pipeline(RULE, 64, SCHEME)(sample(), np.random.default_rng(0))
    flipped = Pipeline(RULE, 64, SCHEME, (Flip(SCHEME, probability=1.0),))(sample(), np.random.default_rng(0))
    expected = plain.points[[1, 0, 2, 4, 3]]
    expected[:, 0] = 63 - expected[:, 0]
    np.testing.assert_allclose(flipped.points, expected)
    np.testing.assert_array_equal(flipped.image, plain.image[:, ::-1])


def test_a_slid_crop_is_no_face_and_teaches_no_points() -> None:
    gone = HalfFace(probability=1.0, slide=(0.9, 0.95))
    view = Pipeline(RULE, 64, SCHEME, (gone,))(sample(), np.random.default_rng(1))
    assert view.presence == 0.0
    assert np.isnan(view.points).all()
    slight = HalfFace(probability=1.0, slide=(0.01, 0.02))
    view = Pipeline(RULE, 64, SCHEME, (slight,))(sample(), np.random.default_rng(1))
    assert view.presence == 1.0
    assert np.isfinite(view.points).all()
    unclear = HalfFace(probability=1.0, slide=(0.9, 0.95), absent=0.0, present=1.0)
    assert math.isnan(Pipeline(RULE, 64, SCHEME, (unclear,))(sample(), np.random.default_rng(1)).presence)


def test_windows_are_for_backgrounds_and_stay_inside() -> None:
    window = RandomWindow(scale=(2.0, 4.0))
    source = sample(presence=0.0)
    plain = Pipeline(RULE, 64, SCHEME)(source, np.random.default_rng(0))
    for seed in range(20):
        view = Pipeline(RULE, 64, SCHEME, (window,))(source, np.random.default_rng(seed))
        corners = apply_affine(
            np.linalg.inv(np.vstack([view.matrix, [0, 0, 1]]))[:2], [[-0.5, -0.5], [63.5, 63.5]]
        )
        inside = apply_affine(plain.matrix, corners)
        assert inside.min() >= -0.5 - 1e-6
        assert inside.max() <= 63.5 + 1e-6
    face = Pipeline(RULE, 64, SCHEME, (window,))(sample(), np.random.default_rng(0))
    np.testing.assert_array_equal(face.matrix, plain.matrix)


def test_occlusion_hides_covered_points_only() -> None:
    hidden = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        plain = Pipeline(RULE, 64, SCHEME)(sample(), rng)
        view = Pipeline(RULE, 64, SCHEME, (Occlude(probability=1.0),))(sample(), np.random.default_rng(seed))
        np.testing.assert_array_equal(view.points, plain.points)
        for (x, y), visible in zip(view.points, view.visibility, strict=True):
            changed = (view.image[round(y), round(x)] != plain.image[round(y), round(x)]).any()
            if changed:
                assert visible == 0
            hidden += visible == 0
    assert 5 < hidden < 120
