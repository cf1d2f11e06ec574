"""JSON, CSV, COCO and Parquet files hold what was found."""

import csv
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from canthus.faces import Faces
from canthus.formats import WRITERS, ImageFaces, aside, check_writable, image_dict, read_json
from canthus.schemes import FIVE, SCHEMES

POINTS = np.array([[[10, 20], [30, 20.5], [20, 31.25], [12, 40], [28, 41]]], np.float32)


def faces(count: int = 1) -> Faces:
    """Faces of five points; face i is moved by (100 i, 0)."""
    points = np.concatenate([POINTS + np.array([100 * i, 0]) for i in range(count)])
    return Faces(
        points,
        np.full((count, 5), 0.5),
        np.array([[5 + 100 * i, 10, 35 + 100 * i, 45] for i in range(count)]),
        FIVE,
        presence=np.linspace(1, 0.25, count),
        visibility=np.tile([1, 0.75, 0.5, 0.25, 0], (count, 1)),
        covariance=np.tile([[2.0, 0.5], [0.5, 1.0]], (count, 5, 1, 1)),
    )


PICTURES = [
    ImageFaces("a.jpg", 640, 480, faces(2)),
    ImageFaces("none.jpg", 10, 20, Faces.empty(FIVE)),
    ImageFaces("sub/b,c.jpg", 320, 240, faces(1)),
]


def write(kind: str, path: Path) -> Path:
    writer = WRITERS[kind](path, FIVE, "tiny")
    for picture in PICTURES:
        writer.add(picture)
    assert not path.exists()  # nothing half-written is ever seen
    writer.close()
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    return path


def test_json_round_trip(tmp_path: Path) -> None:
    path = write("json", tmp_path / "new" / "out.json")
    content = json.loads(path.read_text())
    assert (content["scheme"], content["model"]) == ("five", "tiny")
    found = read_json(path)
    assert [(p.file, p.width, p.height, len(p.faces)) for p in found] == [
        ("a.jpg", 640, 480, 2),
        ("none.jpg", 10, 20, 0),
        ("sub/b,c.jpg", 320, 240, 1),
    ]
    for name in ("points", "scores", "boxes", "presence", "visibility", "covariance"):
        expected = getattr(PICTURES[0].faces, name)
        np.testing.assert_allclose(getattr(found[0].faces, name), expected, atol=1e-3)


def test_json_without_pictures(tmp_path: Path) -> None:
    writer = WRITERS["json"](tmp_path / "a.json", FIVE, "tiny")
    writer.close()
    assert read_json(tmp_path / "a.json") == []


def test_missing_numbers_are_null() -> None:
    points = POINTS.copy()
    points[0, 2] = np.nan
    plain = Faces(points, np.ones((1, 5)), np.zeros((1, 4)), FIVE)
    row = image_dict(ImageFaces("a", 1, 1, plain))["faces"][0]
    assert row["points"][2] == [None, None]
    assert row["points"][0] == [10, 20]
    assert "presence" not in row


@pytest.mark.parametrize("content", ["", "[]", '{"images": []}', '{"scheme": "x", "images": []}'])
def test_read_json_names_the_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"bad\.json: not a result file"):
        read_json(path)


def test_csv_rows(tmp_path: Path) -> None:
    with write("csv", tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file"], row["face"]) for row in rows] == [
        ("a.jpg", "0"),
        ("a.jpg", "1"),
        ("sub/b,c.jpg", "0"),
    ]
    second = rows[1]
    assert [float(second[name]) for name in ("x1", "y1", "x2", "y2")] == [105, 10, 135, 45]
    assert float(second["presence"]) == 0.25
    assert [float(second[f"nose_tip_{what}"]) for what in ("x", "y", "score", "visibility")] == [
        120,
        31.25,
        0.5,
        0.5,
    ]


def test_csv_leaves_unknown_cells_empty(tmp_path: Path) -> None:
    plain = Faces(POINTS, np.ones((1, 5)), np.zeros((1, 4)), FIVE)
    writer = WRITERS["csv"](tmp_path / "a.csv", FIVE, "tiny")
    writer.add(ImageFaces("a.jpg", 9, 9, plain))
    writer.close()
    with (tmp_path / "a.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert (row["presence"], row["nose_tip_visibility"]) == ("", "")


def test_coco_by_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = json.loads(write("coco", Path("results/out.json")).read_text())
    assert [row["file_name"] for row in content["images"]] == ["../a.jpg", "../none.jpg", "../sub/b,c.jpg"]
    assert [row["image_id"] for row in content["annotations"]] == [1, 1, 3]
    first = content["annotations"][0]
    assert first["keypoints"] == [10, 20, 2, 30, 20.5, 2, 20, 31.25, 2, 12, 40, 1, 28, 41, 1]
    assert first["bbox"] == [10, 20, 20, 21]
    assert first["area"] == 420
    assert first["face_bbox"] == [5, 10, 30, 35]
    assert first["score"] == 0.5
    category = content["categories"][0]
    assert category["keypoints"] == list(FIVE.names)
    assert category["skeleton"] == [[1, 2], [4, 5]]
    assert content["info"]["scheme"] == "five"


def test_points_without_position(tmp_path: Path) -> None:
    points = POINTS.copy()
    points[0, 4] = np.nan
    found = Faces(points, np.ones((1, 5), np.float32), np.array([[5, 10, 35, 45]], np.float32), FIVE)
    for kind, suffix in (("coco", "json"), ("csv", "csv")):
        writer = WRITERS[kind](tmp_path / f"a.{suffix}", FIVE, "tiny")
        writer.add(ImageFaces("a.jpg", 99, 99, found))
        writer.close()
    annotation = json.loads((tmp_path / "a.json").read_text())["annotations"][0]
    assert annotation["keypoints"][-3:] == [0, 0, 0]
    assert annotation["num_keypoints"] == 4
    assert annotation["bbox"] == [10, 20, 20, 20]
    with (tmp_path / "a.csv").open(newline="") as file:
        row = next(csv.DictReader(file))
    assert (row["left_mouth_corner_x"], row["nose_tip_x"]) == ("", "20.000")


@pytest.mark.parametrize("kind", ["json", "csv", "coco"])
def test_a_folder_is_no_result_file(kind: str, tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder, expected the name of a file"):
        WRITERS[kind](tmp_path, FIVE, "tiny")


def test_coco_skeleton_closes_closed_parts(tmp_path: Path) -> None:
    scheme = SCHEMES["ibug68"]
    WRITERS["coco"](tmp_path / "a.json", scheme, "tiny").close()
    edges = json.loads((tmp_path / "a.json").read_text())["categories"][0]["skeleton"]
    assert [42, 37] in edges  # the right eye ends where it began
    assert len(edges) == 16 + 4 + 4 + 3 + 4 + 6 + 6 + 12 + 8


def test_parquet_table(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(write("parquet", tmp_path / "out.parquet"))
    assert table.schema.metadata[b"scheme"] == b"five"
    rows = table.to_pylist()
    assert [(row["file"], row["face"]) for row in rows] == [("a.jpg", 0), ("a.jpg", 1), ("sub/b,c.jpg", 0)]
    np.testing.assert_allclose(np.reshape(rows[0]["points"], (5, 2)), POINTS[0])
    assert rows[1]["presence"] == 0.25


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"canthus\[tables\]"):
        WRITERS["parquet"](tmp_path / "a.parquet", FIVE, "tiny")


@pytest.mark.skipif(os.name == "nt", reason="needs named pipes")
@pytest.mark.parametrize("kind", ["json", "csv", "coco"])
def test_a_pipe_is_left_alone(kind: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="pipe: is a device or a pipe, expected the name of a file"):
        WRITERS[kind](pipe, FIVE, "tiny")
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_links_are_followed(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "link.json").symlink_to(tmp_path / "deep" / "real.json")
    WRITERS["json"](tmp_path / "link.json", FIVE, "tiny").close()
    assert (tmp_path / "link.json").is_symlink()
    assert read_json(tmp_path / "deep" / "real.json") == []
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["real.json"]


def test_checking_a_place_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text("old")
    check_writable(None, tmp_path / "old.json", tmp_path / "new" / "a.json")
    assert (tmp_path / "old.json").read_text() == "old"
    assert not list((tmp_path / "new").iterdir())
    with pytest.raises(NotADirectoryError, match=r"old\.json: is a file, expected a folder"):
        check_writable(tmp_path / "old.json" / "deep" / "a.json")


def test_aside_keeps_the_old_file_when_the_block_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt), aside(path) as part:
        part.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "old"
    with aside(path) as part:
        part.write_text("new")
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
