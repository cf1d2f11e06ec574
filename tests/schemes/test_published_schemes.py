"""The 98, 29 and 19 point schemes against facts of their data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from canthus.schemes import SCHEMES


@pytest.mark.parametrize(("name", "centred"), [("wflw98", 10), ("cofw29", 7), ("aflw19", 3)])
def test_points_on_the_mirror_axis(name: str, centred: int) -> None:
    flip = SCHEMES[name].flip
    assert sum(flip[i] == i for i in range(len(flip))) == centred


@pytest.mark.parametrize("target", ["ibug68", "ibug68_3d", "five"])
def test_conversion_and_mirror_commute(target: str) -> None:
    source, to = SCHEMES["wflw98"], SCHEMES[target]
    points = np.random.default_rng(0).uniform(0, 100, (98, 2))
    mirrored = (points * (-1, 1))[list(source.flip)]
    np.testing.assert_allclose(
        source.convert(mirrored, to), (source.convert(points, to) * (-1, 1))[list(to.flip)], atol=1e-12
    )


def test_a_converted_eye_by_hand() -> None:
    points = np.zeros((98, 2))
    points[61], points[62] = (3, 0), (6, 3)
    np.testing.assert_allclose(SCHEMES["wflw98"].convert(points, SCHEMES["ibug68"])[37], (4, 1))


def test_real_wflw_faces_are_near_symmetric(data: Path) -> None:
    """After mirroring with the flip permutation and a similarity fit, the mean shape lies on itself."""
    text = (data / "wflw_annotations/WFLW_annotations/list_98pt_test/list_98pt_test_makeup.txt").read_text()
    rows = [line.split()[:196] for line in text.splitlines()]
    shapes = np.array(rows, dtype=np.float64).reshape(-1, 98, 2)
    shapes -= shapes.mean(1, keepdims=True)
    shapes /= np.linalg.norm(shapes, axis=(1, 2), keepdims=True)
    mean = shapes.mean(0)
    flipped = (mean * (-1, 1))[list(SCHEMES["wflw98"].flip)]
    a, b = (points @ (1, 1j) for points in (flipped, mean))
    fitted = a * (np.vdot(a, b) / np.vdot(a, a))
    eyes = abs(b[60] - b[72])
    assert np.abs(fitted - b).max() < 0.08 * eyes
    left_of = mean[60:68, 0].mean() < mean[68:76, 0].mean()
    assert left_of  # the person's right eye comes first: on the left of the picture
