"""Boxes from a file."""

import json
from pathlib import Path

import numpy as np
import pytest

from canthus.detectors import BoxFile
from canthus.faces import Faces
from canthus.formats import WRITERS, ImageFaces
from canthus.schemes import SCHEMES


def test_json_and_csv_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "boxes.json").write_text('{"a.jpg": [[1, 2, 3, 4], [5, 6, 7.5, 8]], "sub/b.jpg": []}')
    (tmp_path / "boxes.csv").write_text("file,x1,y1,x2,y2\na.jpg,1,2,3,4\n\na.jpg,5,6,7.5,8\n")
    for name in ("boxes.json", "boxes.csv"):
        boxes = BoxFile(tmp_path / name)("a.jpg")
        assert boxes is not None
        np.testing.assert_array_equal(boxes, [[1, 2, 3, 4], [5, 6, 7.5, 8]])


def test_pictures_are_found_by_the_end_of_their_path(tmp_path: Path) -> None:
    path = tmp_path / "boxes.json"
    path.write_text('{"b.jpg": [[0, 0, 1, 1]], "x/b.jpg": [], "./y/c.jpg": [[0, 0, 2, 2]]}')
    boxes = BoxFile(path)
    assert len(boxes) == 3
    assert np.shape(boxes("photos/x/b.jpg")) == (0, 4)  # the longest end wins
    assert np.shape(boxes(Path("photos/z/b.jpg"))) == (1, 4)
    assert np.shape(boxes("y/c.jpg")) == (1, 4)
    assert boxes("c.jpg") is None


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("b.json", "[1, 2", "not JSON"),
        ("b.json", "[1, 2]", "found a list, expected {file name"),
        ("b.json", '{"a": [[1, 2, 3]]}', "a: found"),
        ("b.json", '{"a": [[1, 2, 3, "x"]]}', "a: found"),
        ("b.json", '{"a": [[5, 2, 3, 4]]}', "x1 < x2"),
        ("b.json", '{"a": [[1, 2, NaN, 4]]}', "finite"),
        ("b.json", '{"images": [{"name": 1}]}', "neither a result file .*no field 'file'"),
        ("b.json", '{"images": [], "annotations": [{"bbox": [1, 2]}]}', "neither .*not enough values"),
        ("b.csv", "file,face,x1,y1,x2,y2\na.jpg,0,1,2,3\n", "line 2: found 5 columns, expected 6"),
        ("b.csv", "a.jpg,1,2,3\n", "line 1: found 4 columns"),
        ("b.csv", "a.jpg,1,2,3,z\n", "a.jpg: found"),
    ],
)
def test_errors_name_file_and_entry(tmp_path: Path, name: str, content: str, reason: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(ValueError, match=reason) as caught:
        BoxFile(path)
    assert str(path) in str(caught.value)


def test_every_result_file_of_predict_is_one_of_boxes(tmp_path: Path) -> None:
    boxes = np.array([[1, 2, 30, 40.5], [5, 6, 7.5, 8]], np.float32)
    faces = Faces(np.zeros((2, 5, 2)), np.ones((2, 5)), boxes, SCHEMES["five"])
    photos = tmp_path / "photos"
    for kind, name in (("json", "r.json"), ("csv", "r.csv"), ("coco", "c.json")):
        writer = WRITERS[kind](tmp_path / "results" / name, SCHEMES["five"], "tiny")
        writer.add(ImageFaces(str(photos / "a.jpg"), 99, 99, faces))
        writer.add(ImageFaces(str(photos / "none.jpg"), 99, 99, Faces.empty(SCHEMES["five"])))
        writer.close()
        read = BoxFile(tmp_path / "results" / name)
        np.testing.assert_allclose(read(photos / "a.jpg"), boxes)  # type: ignore[arg-type]
        if kind != "csv":
            assert np.shape(read(photos / "none.jpg")) == (0, 4)


def test_plain_coco_boxes(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    content = {
        "images": [{"id": 4, "file_name": "afw/a.jpg"}],
        "annotations": [{"image_id": 4, "bbox": [1, 2, 10, 20]}],
    }
    path.write_text(json.dumps(content))
    np.testing.assert_array_equal(BoxFile(path)("data/afw/a.jpg"), [[1, 2, 11, 22]])  # type: ignore[arg-type]


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"x\.json: no such file of boxes"):
        BoxFile(tmp_path / "x.json")
    (tmp_path / "photo.jpg").write_bytes(bytes([255, 216, 255]))
    with pytest.raises(ValueError, match=r"photo\.jpg: not a text file"):
        BoxFile(tmp_path / "photo.jpg")
