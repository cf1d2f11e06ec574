from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from canthus.formats.pts import read_pts, write_pts


def test_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "a.pts"
    path.write_text("version: 1\r\nn_points: 2\r\n{\r\n1.0 1.0\r\n3.5 10\r\n}\r\n")
    np.testing.assert_array_equal(read_pts(path), [[0, 0], [2.5, 9]])
    path.write_text("1 1\n3.5 10\n")
    np.testing.assert_array_equal(read_pts(path, 2), [[0, 0], [2.5, 9]])


def test_round_trip(tmp_path: Path) -> None:
    points = np.random.default_rng(0).uniform(-5, 500, (68, 2))
    write_pts(tmp_path / "a.pts", points)
    np.testing.assert_allclose(read_pts(tmp_path / "a.pts", 68), points, atol=1e-4)
    assert [path.name for path in tmp_path.iterdir()] == ["a.pts"]


@pytest.mark.parametrize(
    "text", ["{1 2\n-3 4.5}", "\ufeffversion: 1\r\nn_points: 2\r\n{\r\n1 2\r\n-3 4.5\r\n}\r\n"]
)
def test_other_ways_to_write_the_same(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.pts").write_bytes(text.encode())
    np.testing.assert_array_equal(read_pts(tmp_path / "a.pts"), [[0, 1], [-4, 3.5]])


def test_a_missing_point_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.pts: found shape \(2, 2\) with points that have no position"):
        write_pts(tmp_path / "a.pts", [[1, 2], [np.nan, np.nan]])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found 0 points"),
        ("n_points: 3\n{\n1 2\n3 4\n}", "found 2 points, expected 3"),
        ("1 2\n3 4 5\n", "line 2: found '3 4 5'"),
        ("1 2\nx y\n", "line 2: found 'x y'"),
        ("1 nan\n", "line 1: found '1 nan'"),
        ("n_points\n1 2\n", "line 1: found 'n_points'"),
    ],
)
def test_wrong_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.pts"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"a\.pts: {message}"):
        read_pts(path)


def test_all_real_files_hold_68_points(data: Path) -> None:
    paths = list((data / "300w").rglob("*.pts"))
    assert len(paths) == 1537
    assert all(read_pts(path).shape == (68, 2) for path in paths)
