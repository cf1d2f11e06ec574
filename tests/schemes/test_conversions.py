"""Conversions between schemes: by hand, by their parts, and as properties."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from canthus import Predictor
from canthus.schemes import SCHEMES, Scheme

PAIRS = [(source, SCHEMES[name]) for source in SCHEMES.values() for name in source.conversions]


@pytest.mark.parametrize(("source", "to"), PAIRS, ids=[f"{a.name}-{b.name}" for a, b in PAIRS])
def test_every_conversion_commutes_with_the_mirror_and_with_turning(source: Scheme, to: Scheme) -> None:
    points = np.random.default_rng(0).uniform(0, 100, (len(source), 2))
    mirrored = (points * (-1, 1))[list(source.flip)]
    expected = (source.convert(points, to) * (-1, 1))[list(to.flip)]
    np.testing.assert_allclose(source.convert(mirrored, to), expected, atol=1e-10)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    turned = source.average(points @ turn.T + 7, to)
    np.testing.assert_allclose(turned, source.average(points, to) @ turn.T + 7, atol=1e-10)
    kept = [k for k in range(len(to)) if k not in source.abscissae.get(to.name, {})]
    np.testing.assert_array_equal(source.convert(points, to)[kept], source.average(points, to)[kept])


def test_every_scheme_has_five_points() -> None:
    assert all("five" in scheme.conversions for scheme in SCHEMES.values() if scheme.name != "five")


def test_98_to_68_by_hand() -> None:
    """Jin et al. 2021: every second point of the contour, brows at the x of their upper edge and at a height
    between their edges, eyes by thirds."""
    points = np.random.default_rng(1).uniform(0, 100, (98, 2))
    out = SCHEMES["wflw98"].convert(points, "ibug68")
    np.testing.assert_array_equal(out[:17], points[:33:2])
    np.testing.assert_allclose(out[17], points[33])
    right, left = ((34, 41), (35, 40), (36, 39), (37, 38)), ((42, 50), (43, 49), (44, 48), (45, 47))
    for k, (a, b) in enumerate((*right, *left), start=18):
        np.testing.assert_allclose(out[k], [points[a, 0], (points[a, 1] + points[b, 1]) / 2])
    points[41] = np.nan
    assert np.isnan(SCHEMES["wflw98"].convert(points, "ibug68")[18]).all()
    np.testing.assert_allclose(out[26], points[46])
    np.testing.assert_array_equal(out[27:36], points[51:60])
    for start, first in ((36, 60), (42, 68)):
        eye = points[first : first + 8]
        thirds = [(0, 0), (1, 2), (3, 2), (4, 4), (5, 6), (7, 6)]
        expected = [(2 * eye[a] + eye[b]) / 3 for a, b in thirds]
        np.testing.assert_allclose(out[start : start + 6], expected)
    np.testing.assert_array_equal(out[48:], points[76:96])


@pytest.mark.parametrize(("target", "jaw"), [("ibug68_3d", True), ("ibug68", False)])
def test_70_to_68(target: str, jaw: bool) -> None:
    """The pupils go; the jaw stays where the conventions are the same."""
    points = np.random.default_rng(2).uniform(0, 100, (70, 2))
    out = SCHEMES["face_synthetics70"].convert(points, target)
    np.testing.assert_array_equal(out[17:], points[17:68])
    np.testing.assert_array_equal(out[:17], points[:17] if jaw else np.full((17, 2), np.nan))


def test_106_to_68_on_real_faces(data: Path) -> None:
    """What is converted lies where the bundled model sees the 68 points, part by part; the contour and the
    lips within what two sets of labels differ by."""
    folder = data / "mmpose_samples" / "lapa"
    content = json.loads((folder / "test_lapa.json").read_text())
    names = {image["id"]: image["file_name"] for image in content["images"]}
    predictor, ibug68 = Predictor(), SCHEMES["ibug68"]
    for item in content["annotations"]:
        points = np.array(item["keypoints"], dtype=np.float64).reshape(106, 3)[:, :2]
        out = SCHEMES["lapa106"].convert(points, ibug68)
        x, y, width, height = item["bbox"]
        box = np.array([[x, y, x + width, y + height]])
        seen = predictor(folder / names[item["image_id"]], boxes=box, box_kind="landmarks").points[0]
        share = np.linalg.norm(out - seen, axis=1) / np.linalg.norm(out[36] - out[45])
        for name, part in ibug68.parts.items():
            limit = 0.15 if name in ("jaw", "outer_lip", "inner_lip") else 0.04
            assert share[list(part.indices)].mean() < limit, name
