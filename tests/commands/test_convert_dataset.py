"""`canthus datasets convert`: what is written reads back as the same samples."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import dataset_trees
import numpy as np
import pytest
from typer.testing import CliRunner

from canthus.cli import app
from canthus.datasets import DATASETS
from canthus.sample import Sample
from canthus.schemes import SCHEMES

NAMES = sorted(set(dataset_trees.TREES) - {"backgrounds"})


def convert(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and what was printed."""
    out = CliRunner().invoke(app, ["datasets", "convert", *map(str, arguments)])
    return out.exit_code, out.stdout + out.stderr


def source(name: str, root: Path) -> tuple[list[Sample], list[str]]:
    """The samples of a dataset's small tree, and the options that name it."""
    tree, split = dataset_trees.TREES[name]
    root.mkdir()
    options = ["--dataset", name, "--root", str(tree(root)), "--split", split]
    return list(DATASETS[name](root, split)), options


def same(a: Sample, b: Sample) -> None:
    np.testing.assert_array_equal(a.points, b.points)
    np.testing.assert_array_equal(a.visibility, b.visibility)
    np.testing.assert_allclose(a.box, b.box, rtol=1e-6)
    rest = ("box_kind", "id", "group", "weight", "presence", "tags")
    assert [getattr(a, name) for name in rest] == [getattr(b, name) for name in rest]


@pytest.mark.parametrize(("reader", "ending"), [("coco", ".json"), ("tsv", ".tsv")])
@pytest.mark.parametrize("name", NAMES)
def test_every_dataset_reads_back_the_same(name: str, reader: str, ending: str, tmp_path: Path) -> None:
    samples, options = source(name, tmp_path / "data")
    out = tmp_path / "somewhere" / "else" / f"labels{ending}"
    code, text = convert(*options, out)
    assert code == 0, text
    assert f"{len(samples)} faces" in text
    back = DATASETS[reader](out.parent, "labels")
    assert back.scheme.name == DATASETS[name](tmp_path / "data", back_split(name)).scheme.name
    for before, after in zip(samples, back, strict=True):
        same(before, after)
        assert Path(str(after.image)).samefile(str(before.image))


def back_split(name: str) -> str:
    return dataset_trees.TREES[name][1]


@pytest.mark.parametrize(("reader", "ending"), [("coco", ".json"), ("tsv", ".tsv")])
def test_pictures_inside_a_larger_file_are_copied(reader: str, ending: str, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    root = dataset_trees.cofw(tmp_path)
    options = ["--dataset", "cofw", "--root", str(root), "--split", "test"]
    out = tmp_path / "out" / f"cofw{ending}"
    code, text = convert(*options, out)
    assert code == 2 and "is no file of its own; add --copy-images" in text and not out.parent.exists()
    assert convert(*options, out, "--copy-images")[0] == 0
    before, after = DATASETS["cofw"](root, "test"), DATASETS[reader](out.parent, "cofw")
    for a, b in zip(before, after, strict=True):
        same(a, b)
        np.testing.assert_array_equal(a.read(), b.read())
        assert Path(str(b.image)).parent == out.parent / "cofw_images"


def test_a_folder_of_pts_reads_back_the_same_points(tmp_path: Path) -> None:
    """Every face has its own copy of its picture; a face that lacks points is named and left out."""
    samples, options = source("wflw", tmp_path / "data")
    out = tmp_path / "new" / "faces"
    code, text = convert(*options, out, "--to-scheme", "ibug68")
    assert code == 0 and f"{len(samples)} faces in {len(samples)} pictures, scheme ibug68" in text, text
    assert (out / "000000.pts").read_text().startswith("version: 1\nn_points: 68\n{\n")
    back = DATASETS["folder"](out, "all")
    assert back.scheme.name == "ibug68"
    for before, after in zip(samples, back, strict=True):
        points = SCHEMES["wflw98"].convert(before.points, "ibug68")
        np.testing.assert_allclose(after.points, points, atol=1e-4)
        np.testing.assert_array_equal(before.read(), after.read())
    code, text = convert(*options, out)
    assert code == 2 and "is there already" in text
    samples, options = source("merl_rav", tmp_path / "more")
    code, text = convert(*options, tmp_path / "two")
    whole = [sample for sample in samples if np.isfinite(sample.points).all()]
    assert code == 1 and f"{len(whole)} faces" in text
    assert text.count("points have no position, which .pts files cannot say") == len(samples) - len(whole) > 0
    assert len(list((tmp_path / "two").glob("*"))) == 2 * len(whole) > 0


def test_pictures_of_a_larger_file_lie_beside_their_pts(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    root = dataset_trees.cofw(tmp_path)
    assert convert("--dataset", "cofw", "--root", root, "--split", "test", tmp_path / "out")[0] == 0
    back = DATASETS["folder"](tmp_path / "out", "all")
    for before, after in zip(DATASETS["cofw"](root, "test"), back, strict=True):
        np.testing.assert_allclose(after.points, before.points, atol=1e-4)
        np.testing.assert_array_equal(before.read(), after.read())
    assert back.scheme.name == "cofw29"


def test_what_a_coco_file_says(tmp_path: Path) -> None:
    """The fields that other programs read, of MERL-RAV's three states."""
    samples, options = source("merl_rav", tmp_path / "data")
    convert(*options, tmp_path / "out.json")
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["info"]["scheme"] == "ibug68" and content["info"]["v0"] == "self_occluded"
    assert content["categories"][0]["keypoints"] == list(SCHEMES["ibug68"].names)
    image = content["images"][1]
    assert image["file_name"].startswith("data/") and image["width"] == dataset_trees.WIDTH
    item = content["annotations"][1]
    rows = np.array(item["keypoints"]).reshape(68, 3)
    assert (rows[:3] == 0).all() and (rows[3:6, 2] == 1).all() and (rows[6:, 2] == 2).all()
    np.testing.assert_allclose(rows[3:, :2], samples[1].points[3:], rtol=1e-6)
    x, y, width, height = item["bbox"]
    np.testing.assert_allclose([x, y, x + width, y + height], samples[1].box, rtol=1e-6)
    assert item["num_keypoints"] == 65 and "visibility" not in item


def test_unstated_visibility_is_not_made_up(tmp_path: Path) -> None:
    """v = 2 would say visible: 300-W states nothing."""
    _, options = source("300w", tmp_path / "data")
    convert(*options, tmp_path / "out.json")
    content = json.loads((tmp_path / "out.json").read_text())
    assert "v0" not in content["info"] and {item["visibility"] for item in content["annotations"]} == {None}


def test_points_in_another_scheme(tmp_path: Path) -> None:
    samples, options = source("wflw", tmp_path / "data")
    code, _ = convert(*options, tmp_path / "out.tsv", "--to-scheme", "ibug68")
    back = DATASETS["tsv"](tmp_path, "out")
    assert code == 0 and back.scheme.name == "ibug68"
    for before, after in zip(samples, back, strict=True):
        points = SCHEMES["wflw98"].convert(before.points, "ibug68")
        same(replace(before, points=points, visibility=after.visibility), after)


def test_a_converted_point_is_as_visible_as_its_points(tmp_path: Path) -> None:
    dataset_trees.picture(tmp_path / "a.jpg")
    visibility: list[float | None] = [1.0] * 68
    visibility[36], visibility[42], visibility[30] = 0, None, 0
    label = {"points": dataset_trees.face(0).tolist(), "scheme": "ibug68", "visibility": visibility}
    (tmp_path / "a.json").write_text(json.dumps(label))
    convert("--dataset", "folder", "--root", tmp_path, tmp_path / "out.tsv", "--to-scheme", "five")
    np.testing.assert_array_equal(DATASETS["tsv"](tmp_path, "out")[0].visibility, [0, np.nan, 0, 1, 1])


def test_an_unusable_face_is_named_and_the_rest_written(tmp_path: Path) -> None:
    samples, options = source("300w", tmp_path / "data")
    Path(str(samples[0].image)).write_bytes(b"no picture")
    Path(str(samples[1].image)).with_suffix(".pts").write_text("1 2\n")
    code, text = convert(*options, tmp_path / "out.json")
    assert code == 1 and f"{len(samples) - 2} faces" in text
    assert Path(str(samples[0].image)).name in text and f"{Path(str(samples[1].image)).stem}.pts" in text
    assert len(DATASETS["coco"](tmp_path, "out")) == len(samples) - 2


def test_a_turned_picture_has_the_size_that_readers_see(tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(tmp_path / "a.jpg", exif=exif)
    (tmp_path / "a.json").write_text(
        json.dumps({"points": dataset_trees.face(0).tolist(), "scheme": "ibug68"})
    )
    convert("--dataset", "folder", "--root", tmp_path, tmp_path / "sub" / "out.json", "--copy-images")
    image = json.loads((tmp_path / "sub" / "out.json").read_text())["images"][0]
    assert (image["width"], image["height"]) == (30, 40)
    assert image["file_name"] == "out_images/000000.jpg"
    assert DATASETS["coco"](tmp_path / "sub", "out")[0].read().shape == (40, 30, 3)


@pytest.mark.parametrize(
    ("name", "out", "more", "reason"),
    [
        ("300w", "out.csv", (), "found the ending '.csv', expected .json, .tsv, or none for a folder"),
        ("300w", "out.tsv", ("--to-scheme", "ibug"), "no scheme 'ibug'; there are ibug68"),
        ("300w", "out.tsv", ("--to-scheme", "wflw98"), "no conversion from scheme ibug68 to wflw98"),
        ("300w", "out.tsv", ("--split", "trian"), "300w has no split 'trian'"),
        ("coco", "data/train.json", (), "is the file that is read"),
        ("tsv", "data/test.tsv", (), "is the file that is read"),
        ("backgrounds", "out.json", (), "pictures without faces"),
        ("300w", "data", (), "is there already, expected the name of a new folder"),
    ],
)
def test_wrong_use_is_one_line(
    name: str, out: str, more: tuple[str, ...], reason: str, tmp_path: Path
) -> None:
    _, options = source(name, tmp_path / "data")
    before = sorted(tmp_path.rglob("*"))
    code, text = convert(*options, tmp_path / out, *more)
    assert code == 2 and reason in text and len(text.splitlines()) == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"visibility": [1, 0]}, "found visibility .* expected 68 of 1, 0 and null"),
        ({"visibility": "x"}, "found visibility x"),
        ({"tags": {"a": "b"}}, "found tags .* expected an object of names with numbers"),
    ],
)
def test_fields_of_our_own_are_checked(change: dict[str, object], reason: str, tmp_path: Path) -> None:
    path = dataset_trees.coco(tmp_path) / "train.json"
    content = json.loads(path.read_text())
    content["annotations"][0] |= change
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=reason):
        DATASETS["coco"](tmp_path, "train")


def test_real_pictures_of_the_sets(data: Path, tmp_path: Path) -> None:
    """HELEN's test part as COCO: the points lie in the pictures whose sizes the file states."""
    root = data / "300w"
    code, _ = convert("--dataset", "300w", "--root", root, "--split", "helen_test", tmp_path / "helen.json")
    content = json.loads((tmp_path / "helen.json").read_text())
    assert code == 0 and len(content["annotations"]) == len(content["images"]) == 330
    image = content["images"][7]
    height, width = cv2.imread(str(tmp_path / image["file_name"])).shape[:2]
    assert (image["width"], image["height"]) == (width, height)
