from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dataset_trees
import numpy as np
import pytest

from canthus.datasets.folder import Folder
from canthus.schemes import SCHEMES


def test_json_and_pts_beside_pictures(tmp_path: Path) -> None:
    one, _, last = Folder(dataset_trees.folder(tmp_path), "all")
    np.testing.assert_allclose(one.points, dataset_trees.face(0), atol=1e-5)
    np.testing.assert_allclose(last.points, dataset_trees.face(2), atol=1e-5)  # 1-based on disk
    assert (one.id, last.id, one.group) == ("a.jpg", "z.png", "a")


def test_all_that_a_json_label_can_say(tmp_path: Path) -> None:
    dataset_trees.picture(tmp_path / "val" / "a.jpg")
    points: list[Any] = [[1, 2], None, [3.5, 4], [5, 6], [7, 8]]
    label = {"points": points, "visibility": [1, 0, None, 1, 1], "box": [0, 1, 9, 10]}
    (tmp_path / "val" / "a.json").write_text(json.dumps([label, {"points": points}]))
    one, two = Folder(tmp_path, "val")  # five points: only one scheme has them
    np.testing.assert_array_equal(
        one.points, np.array([[1, 2], [np.nan] * 2, [3.5, 4], [5, 6], [7, 8]], np.float32)
    )
    np.testing.assert_array_equal(one.visibility, np.array([1, 0, np.nan, 1, 1], np.float32))
    np.testing.assert_array_equal(one.box, [0, 1, 9, 10])
    np.testing.assert_array_equal(two.box, [1, 2, 7, 8])
    assert np.isnan(two.visibility).all() and (one.id, two.id) == ("a.jpg#0", "a.jpg#1")


def test_one_labels_file(tmp_path: Path) -> None:
    dataset_trees.picture(tmp_path / "deep" / "a.jpg")
    content = {"scheme": "ibug68", "images": {"deep/a.jpg": {"points": dataset_trees.face(2).tolist()}}}
    (tmp_path / "labels.json").write_text(json.dumps(content))
    (sample,) = Folder(tmp_path, "all")
    np.testing.assert_allclose(sample.points, dataset_trees.face(2), atol=1e-5)


def test_68_points_are_of_ibug68_in_pts_files_and_have_to_say_so_in_json(tmp_path: Path) -> None:
    dataset_trees.picture(tmp_path / "b.jpg")
    dataset_trees.pts(tmp_path / "b.pts", dataset_trees.face(1))
    assert Folder(tmp_path, "all").scheme.name == "ibug68"
    assert Folder(tmp_path, "all", scheme=SCHEMES["ibug68_3d"]).scheme.name == "ibug68_3d"
    (tmp_path / "b.pts").unlink()
    (tmp_path / "b.json").write_text(json.dumps({"points": dataset_trees.face(1).tolist()}))
    with pytest.raises(ValueError, match=r"b\.json: 68 points fit ibug68, ibug68_3d; name the scheme"):
        Folder(tmp_path, "all")


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("{", "not a JSON file"),
        ("[1]", "expected an object"),
        ('{"points": [[1, 2]]}', "1 points fit no known scheme"),
        ('{"points": [[1, 2], [3], [4, 5], [6, 7], [8, 9]]}', "points: expected numbers of shape"),
        ('{"points": [null, null, null, null, null]}', "neither a point with a position nor a box"),
        ('{"points": [[1, 2], [3, 4], [4, 5], [6, 7], [8, 9]], "box": [1, 2, 3]}', "box: found shape"),
        ('{"points": [[1, 2], [3, 4], [4, 5], [6, 7], [8, 9]], "box": [9, 2, 3, 4]}', "x1 < x2"),
        ('{"points": [[1, 2], [3, 4], [4, 5], [6, 7], [8, 9]], "box": [0, 0, 3, null]}', "x1 < x2"),
        ('{"points": [[1, 2], [3, 4], [4, 5], [6, 7], [8, 9]], "scheme": "six"}', "unknown scheme 'six'"),
    ],
)
def test_wrong_labels_are_named(tmp_path: Path, label: str, message: str) -> None:
    dataset_trees.picture(tmp_path / "a.jpg")
    (tmp_path / "a.json").write_text(label)
    with pytest.raises(ValueError, match=rf"a\.json: .*{message}"):
        Folder(tmp_path, "all")


def test_reads_a_real_part(data: Path) -> None:
    assert len(Folder(data / "300w" / "afw", "all", scheme=SCHEMES["ibug68"])) == 337
