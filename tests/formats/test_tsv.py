"""The label files of ADNet and STAR, by hand and against the published preparation."""

from __future__ import annotations

from pathlib import Path

import dataset_trees
import numpy as np
import pytest

from canthus.datasets.tsv import Tsv
from canthus.formats.labels import LabelledFace
from canthus.formats.tsv import ATTRIBUTES, parse_line, read_tsv, write_tsv
from canthus.recipe import load_recipe
from canthus.sample import Sample
from canthus.schemes import SCHEMES

FIVE = SCHEMES["five"]


def sample(points: np.ndarray, box: list[float] | np.ndarray, **tags: float) -> Sample:
    points = np.asarray(points, np.float32)
    unknown = np.full(len(points), np.nan, np.float32)
    return Sample(Path("a.jpg"), points, unknown, np.float32(box), "landmarks", "a", "a", tags=tags)


def columns(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text().splitlines()]


def test_a_line_by_hand(tmp_path: Path) -> None:
    points = np.array([[1.5, 2], [3, 4], [5, 6], [7.25, 8], [np.nan, np.nan]])
    tags = {f"subset/{name}": float(name == "makeup") for name in ATTRIBUTES}
    face = LabelledFace(sample(points, [10, 20, 110, 80], **tags), "pictures/a.jpg", 640, 480)
    write_tsv(tmp_path / "a.tsv", FIVE, "somewhere", [face])
    head, line = columns(tmp_path / "a.tsv")
    assert head[:3] == ["image_path", "landmarks_5pts", "landmarks_5pts"]
    assert head[3:] == ["scale", "center_w", "center_h", "tags", "canthus"]
    assert line[:2] == ["pictures/a.jpg", "1.5,2.0,3.0,4.0,5.0,6.0,7.25,8.0,nan,nan"]
    assert line[2] == line[1]
    assert [float(cell) for cell in line[3:6]] == [0.315, 60, 50]  # 60 px * 1.05 / 200; middle of the box
    assert line[6] == "0,0,0,1,0,0"
    count, lines = read_tsv(tmp_path / "a.tsv")
    row = parse_line("a", lines[1], count)
    np.testing.assert_array_equal(row.points, points.astype(np.float32))
    np.testing.assert_allclose(row.window, [28.5, 18.5, 91.5, 81.5])


def test_the_published_preparation(shared: Path, tmp_path: Path) -> None:
    """Scale and centre as ADNet and STAR state them, and the crop that follows from the file."""
    with np.load(shared / "oracles" / "other_systems" / "preprocess" / "preprocess.npz") as oracle:
        boxes, points = oracle["box_xyxy"], oracle["landmarks98"]
        scale, center, matrix = oracle["adnet.scale"], oracle["adnet.center"], oracle["adnet.matrix"]
    faces = [LabelledFace(sample(p, b), "a.jpg", 400, 400) for p, b in zip(points, boxes, strict=True)]
    write_tsv(tmp_path / "test.tsv", SCHEMES["wflw98"], "synthetic", faces)
    dataset_trees.picture(tmp_path / "a.jpg")
    rows = columns(tmp_path / "test.tsv")
    assert rows[0][2] == "landmarks_98pts"
    np.testing.assert_allclose([float(row[3]) for row in rows[1:]], scale, rtol=1e-6)
    np.testing.assert_allclose([[float(v) for v in row[4:6]] for row in rows[1:]], center, rtol=1e-6)
    published = "\n".join("\t".join(row[:6]) for row in rows)  # without the columns of our own
    (tmp_path / "test.tsv").write_text(published)
    rule = load_recipe("wflw-adnet").crop
    for found, expected in zip(Tsv(tmp_path, "test"), matrix, strict=True):
        crop = rule.crop(found.box, found.box_kind, 256)
        np.testing.assert_allclose(crop.matrix, expected[:2], rtol=1e-5, atol=1e-3)


def test_published_columns(tmp_path: Path) -> None:
    one, two, three = Tsv(dataset_trees.tsv(tmp_path), "test")
    np.testing.assert_allclose(two.points, dataset_trees.face(1), atol=1e-5)
    np.testing.assert_allclose(two.box, [1, 1, 41, 41])  # 42 px / 1.05 about (21, 21)
    assert np.isnan(two.visibility).all()
    assert (one.id, two.id, three.id) == ("a.jpg", "b/c.png", "b/c.png#1")
    assert two.group == three.group == "c" and two.image == tmp_path / "images" / "b" / "c.png"
    assert {name for name, value in two.tags.items() if value} == {"subset/expression", "subset/blur"}


def test_which_scheme(tmp_path: Path) -> None:
    dataset_trees.tsv(tmp_path)
    assert Tsv(tmp_path, "test").scheme.name == "ibug68"
    assert Tsv(tmp_path, "test", scheme=SCHEMES["ibug68_3d"]).scheme.name == "ibug68_3d"


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        (2, "1,2", "line 3: found 2 numbers in landmarks_68pts, expected 136"),
        (2, "1,x", "line 3: landmarks_68pts: could not convert string to float: 'x'"),
        (3, "0", "line 3: found scale and centre .* expected a scale above 0"),
        (4, "", "line 3: center_w: could not convert"),
        (6, "1,0", "line 3: found 2 numbers in tags, expected 6"),
        (6, "0,0,0,0,0,0\t{", "line 3: canthus: not JSON"),
        (6, "0,0,0,0,0,0\t[]", r"line 3: found canthus '\[\]', expected a JSON object"),
        (6, '0,0,0,0,0,0\t{"tags": {"a": "b"}}', "line 3: canthus: found tags .*, expected names"),
        (6, '0,0,0,0,0,0\t{"box": [1, 2]}', r"line 3: found box of shape \(2,\), expected 4 numbers"),
        (6, '0,0,0,0,0,0\t{"box": [3, 2, 1, 4]}', "line 3: found box .* expected x1 < x2"),
        (6, '0,0,0,0,0,0\t{"visibility": [1]}', r"line 3: found visibility of shape \(1,\)"),
        (6, "0\t1\t2", "line 3: found 9 columns, expected 6, 7 with tags or 8"),
    ],
)
def test_a_wrong_line_is_told(column: int, cell: str, reason: str, tmp_path: Path) -> None:
    path = dataset_trees.tsv(tmp_path) / "test.tsv"
    rows = columns(path)
    rows[2][column] = cell
    path.write_text("\n".join("\t".join(row) for row in rows))
    with pytest.raises(ValueError, match=reason):
        Tsv(tmp_path, "test")
    told: list[str] = []
    assert len(Tsv(tmp_path, "test", report=told.append)) == 2 and len(told) == 1


@pytest.mark.parametrize("before", ["./rawImages/", "//store/share/wflw/rawImages/"])
def test_pictures_named_by_the_folders_of_their_makers(before: str, tmp_path: Path) -> None:
    path = dataset_trees.tsv(tmp_path) / "test.tsv"
    rows = columns(path)
    rows[2][0] = before + rows[2][0]
    path.write_text("\n".join("\t".join(row) for row in rows))
    assert Tsv(tmp_path, "test")[1].image == tmp_path / "images" / "b" / "c.png"


def test_a_file_of_wrong_lines_tells_them_all(tmp_path: Path) -> None:
    path = dataset_trees.tsv(tmp_path) / "test.tsv"
    rows = columns(path)
    path.write_text("\n".join("\t".join(row) for row in [rows[0], *([*row[:3], "x"] for row in rows[1:])]))
    told: list[str] = []
    found = Tsv(tmp_path, "test", report=told.append)
    assert len(found) == 0 and found.scheme.name == "ibug68"
    assert len(told) == 3 and "line 2: found 4 columns" in told[0]


def test_an_empty_cell_of_tags_states_none(tmp_path: Path) -> None:
    path = dataset_trees.tsv(tmp_path) / "test.tsv"
    rows = columns(path)
    rows[2][6] = ""
    path.write_text("\n".join("\t".join(row) for row in rows))
    assert Tsv(tmp_path, "test")[1].tags == {}


def test_a_name_that_the_format_cannot_hold(tmp_path: Path) -> None:
    face = LabelledFace(sample(np.ones((5, 2)), [0, 0, 1, 1]), "a\tb.jpg", 9, 9)
    with pytest.raises(ValueError, match="has a tab or a line break"):
        write_tsv(tmp_path / "a.tsv", FIVE, "", [face])
    assert not list(tmp_path.iterdir())
