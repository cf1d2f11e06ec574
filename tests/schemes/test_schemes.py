"""Every scheme of the table, and the numbers of the 68 points by hand."""

from itertools import pairwise

import numpy as np
import pytest

from canthus.schemes import IBUG68, SCHEMES, Part, Scheme

EACH = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))


@EACH
def test_flip_is_an_involution_over_distinct_names(scheme: Scheme) -> None:
    assert len(set(scheme.names)) == len(scheme) == len(scheme.flip)
    assert [scheme.flip[i] for i in scheme.flip] == list(range(len(scheme)))


@EACH
def test_mirrored_names_swap_left_and_right(scheme: Scheme) -> None:
    for name, other in zip(scheme.names, (scheme.names[i] for i in scheme.flip), strict=True):
        if name.startswith(("right_", "left_")):
            assert other.split("_")[0] == {"right": "left", "left": "right"}[name.split("_")[0]]


def edges(part: Part) -> set[frozenset[int]]:
    points = [*part.indices, part.indices[0]] if part.closed else list(part.indices)
    return {frozenset(pair) for pair in pairwise(points)}


@EACH
def test_parts_are_symmetric(scheme: Scheme) -> None:
    """The mirror of every edge is an edge."""
    drawn = set().union(*(edges(part) for part in scheme.parts.values()))
    mirrored = {frozenset(scheme.flip[i] for i in edge) for edge in drawn}
    assert mirrored == drawn
    assert all(0 <= i < len(scheme) for part in scheme.parts.values() for i in part.indices)


@EACH
def test_normalizers_do_not_change_in_a_mirror(scheme: Scheme) -> None:
    points = np.random.default_rng(0).uniform(0, 100, (3, len(scheme), 2))
    mirrored = (points * (-1, 1))[:, list(scheme.flip)]
    options = {"box": np.tile([0, 0, 30, 40], (3, 1)), "crop_size": 64.0}
    assert scheme.normalizer_names[0] == scheme.default_normalizer
    for name in scheme.normalizer_names:
        value = scheme.normalizer(name, points, **options)  # type: ignore[arg-type]
        assert value.shape == (3,)
        assert (value > 0).all()
        np.testing.assert_allclose(scheme.normalizer(name, mirrored, **options), value)  # type: ignore[arg-type]


@EACH
def test_conversions_name_known_points(scheme: Scheme) -> None:
    for name, sources in scheme.conversions.items():
        assert len(sources) == len(SCHEMES[name])
        assert all(0 <= i < len(scheme) for group in sources for i in group)
        assert any(sources)


def face68() -> np.ndarray:
    """Points without meaning but for the eyes' corners, 30 px apart, and the corners of the box."""
    points = np.full((68, 2), 50.0)
    points[36], points[45] = (30, 40), (60, 40)
    points[8], points[0] = (50, 90), (10, 50)
    return points


def test_normalizers_by_hand() -> None:
    points = face68()
    assert IBUG68.normalizer("inter_ocular", points) == 30
    right, left = np.array([(30 + 250) / 6, (40 + 250) / 6]), np.array([(60 + 250) / 6, (40 + 250) / 6])
    np.testing.assert_allclose(IBUG68.normalizer("inter_pupil", points), np.linalg.norm(right - left))
    np.testing.assert_allclose(IBUG68.normalizer("landmark_box_sqrt_wh", points), np.sqrt(50 * 50))
    np.testing.assert_allclose(IBUG68.normalizer("landmark_box_diagonal", points), np.hypot(50, 50))
    assert IBUG68.normalizer("annotation_box_max", points, np.array([0, 0, 30, 44])) == 44
    assert IBUG68.normalizer("crop_side", points, crop_size=112) == 112


def test_a_missing_eye_has_no_normalizer() -> None:
    points = face68()
    points[36] = np.nan
    assert np.isnan(IBUG68.normalizer("inter_ocular", points))
    np.testing.assert_allclose(IBUG68.normalizer("landmark_box_diagonal", points), np.hypot(50, 50))


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("annotation_box_max", "needs the annotation's box"),
        ("crop_side", "needs the side of the crop"),
        ("interocular", "no normaliser 'interocular'; it has inter_ocular"),
    ],
)
def test_normalizer_errors(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        IBUG68.normalizer(name, face68())


def test_five_points_by_hand() -> None:
    points = np.zeros((68, 2))
    points[36:42] = [[0, 0], [6, 0], [6, 0], [12, 0], [6, 6], [6, 6]]
    points[30], points[48], points[54] = (1, 2), (3, 4), (5, 6)
    five = IBUG68.convert(points, SCHEMES["five"])
    np.testing.assert_allclose(five, [[6, 2], [0, 0], [1, 2], [3, 4], [5, 6]])


def test_jaws_of_two_conventions_are_not_mixed() -> None:
    points = np.random.default_rng(0).normal(size=(2, 68, 2))
    out = IBUG68.convert(points, SCHEMES["ibug68_3d"])
    assert np.isnan(out[:, :17]).all()
    np.testing.assert_array_equal(out[:, 17:], points[:, 17:])
    same = IBUG68.convert(points, IBUG68)
    np.testing.assert_array_equal(same, points)
    assert same is not points


def test_a_target_may_be_named() -> None:
    points = np.random.default_rng(0).uniform(0, 99, (2, 68, 2))
    np.testing.assert_array_equal(IBUG68.convert(points, "five"), IBUG68.convert(points, SCHEMES["five"]))
    with pytest.raises(ValueError, match="no scheme 'fiv'; there are ibug68"):
        IBUG68.convert(points, "fiv")


def test_schemes_can_be_keys() -> None:
    assert {scheme: scheme.name for scheme in SCHEMES.values()}[IBUG68] == "ibug68"


def test_unknown_conversion() -> None:
    with pytest.raises(ValueError, match="no conversion from scheme five to ibug68"):
        SCHEMES["five"].convert(np.zeros((5, 2)), IBUG68)


def test_a_wrong_flip_is_refused() -> None:
    with pytest.raises(ValueError, match="not its own inverse"):
        Scheme("s", ("a", "b", "c"), (1, 2, 0), {}, {}, "crop_side")
    with pytest.raises(ValueError, match="3 names but 2 flip"):
        Scheme("s", ("a", "b", "c"), (1, 0), {}, {}, "crop_side")
