from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dataset_trees
import numpy as np
import pytest

from canthus.datasets.coco import Coco
from canthus.schemes import SCHEMES


def edited(root: Path, change: Any) -> Path:
    path = root / "train.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return root


def test_states_of_a_point(tmp_path: Path) -> None:
    sample = Coco(dataset_trees.coco(tmp_path), "train")[0]
    points = dataset_trees.face(0)
    np.testing.assert_allclose(sample.points[0::3], points[0::3], atol=1e-5)
    np.testing.assert_allclose(sample.points[1::3], points[1::3], atol=1e-5)
    assert np.isnan(sample.points[2::3]).all()
    assert (sample.visibility[0::3] == 1).all() and (sample.visibility[1::3] == 0).all()
    assert np.isnan(sample.visibility[2::3]).all()


def test_unlabelled_points_may_be_hidden_by_the_head(tmp_path: Path) -> None:
    sample = Coco(dataset_trees.coco(tmp_path, info={"v0": "self_occluded"}), "train")[0]
    assert np.isnan(sample.points[2::3]).all() and (sample.visibility[2::3] == 0).all()


def test_boxes_pictures_names_and_tags(tmp_path: Path) -> None:
    one, two, three = Coco(dataset_trees.coco(tmp_path), "train")
    np.testing.assert_allclose(one.box, [1, 2, 31, 42])  # x, y, w, h of the annotation
    labelled = two.points[~np.isnan(two.points).any(-1)]
    np.testing.assert_allclose(two.box, [*labelled.min(0), *labelled.max(0)])  # no bbox: the points'
    assert (
        one.image == tmp_path / "image00007.jpg" and two.image == three.image == tmp_path / "images" / "b.png"
    )
    assert (one.id, two.id, three.id) == ("image00007.jpg", "b.png#1", "b.png#2")
    assert one.group == "image00007" and two.group == three.group
    assert one.tags == {"yaw_abs": 0.0} and three.tags == {"yaw_abs": 40.0}


def test_the_scheme_is_found(tmp_path: Path) -> None:
    assert Coco(dataset_trees.coco(tmp_path), "train").scheme.name == "ibug68"  # info.scheme
    edited(tmp_path, lambda content: content["info"].pop("scheme"))
    with pytest.raises(ValueError, match="68 points fit ibug68, ibug68_3d; name the scheme"):
        Coco(tmp_path, "train")
    assert Coco(tmp_path, "train", scheme=SCHEMES["ibug68_3d"]).scheme.name == "ibug68_3d"
    names = list(SCHEMES["wflw98"].names)
    other = dataset_trees.coco(tmp_path, count=98, info={"scheme": ""}, split="other")
    assert Coco(other, "other").scheme.name == "wflw98"  # the only one with 98
    edited(tmp_path, lambda content: content["categories"][0].update(keypoints=names))
    with pytest.raises(ValueError, match="found 68 points, expected 98"):
        Coco(tmp_path, "train")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: c["annotations"][1]["keypoints"].pop(),
            "annotation 1: found 203 numbers in keypoints, expected 204",
        ),
        (
            lambda c: c["annotations"][1]["keypoints"].__setitem__(2, 5),
            "annotation 1: .*v is 0, 1 or 2; found 5",
        ),
        (
            lambda c: c["annotations"][1]["keypoints"].__setitem__(2, None),
            "annotation 1: .*v is 0, 1 or 2; found nan",
        ),
        (
            lambda c: c["annotations"][1]["keypoints"].__setitem__(slice(3, 6), [None, 3, 2]),
            "annotation 1: keypoint 1 has v = 2 but no position",
        ),
        (lambda c: c["annotations"][1].update(keypoints=None), "annotation 1: found keypoints None"),
        (lambda c: c["images"][1].update(file_name=None), "annotation 1: its image has the file_name None"),
        (lambda c: [a.update(iscrowd=1) for a in c["annotations"]], "no annotation of a single face"),
        (lambda c: c["annotations"][1].update(image_id=9), "annotation 1: no image with id 9"),
        (lambda c: c["annotations"][1].pop("keypoints"), "annotation 1: no field 'keypoints'"),
        (
            lambda c: c["annotations"][1].update(keypoints=[0] * 204),
            "annotation 1: neither a labelled keypoint nor",
        ),
        (lambda c: c.update(annotations=[]), "no annotations"),
        (lambda c: c.pop("images"), "no list of objects 'images'"),
        (lambda c: c.update(info="mine"), "found info 'mine', expected an object"),
        (lambda c: c.update(categories=["face"]), "found categories .*, expected a list of objects"),
        (lambda c: c["annotations"][1].update(image_id=[1]), r"found the image id \[1\], expected a number"),
        (
            lambda c: c["annotations"][1].update(tags={"yaw": float("nan")}),
            "annotation 1: found tags .*expected an object of names with numbers",
        ),
    ],
)
def test_wrong_files_are_named(tmp_path: Path, change: Any, message: str) -> None:
    edited(dataset_trees.coco(tmp_path), change)
    with pytest.raises(ValueError, match=rf"train\.json: .*{message}"):
        Coco(tmp_path, "train")


def test_null_where_nothing_is_stated(tmp_path: Path) -> None:
    def blank(content: Any) -> None:
        for item in content["annotations"]:
            item["keypoints"][:3] = [None, None, 0]
            item |= {"bbox": [None, 1, 2, 3], "yaw_abs": None, "area": None, "roll": float("nan")}

    edited(dataset_trees.coco(tmp_path), blank)
    for sample in Coco(tmp_path, "train"):
        placed = sample.points[~np.isnan(sample.points).any(-1)]
        assert np.isnan(sample.points[0]).all() and len(placed) >= 1
        np.testing.assert_allclose(sample.box, [*placed.min(0), *placed.max(0)])
        assert not {"yaw_abs", "roll"} & set(sample.tags)


def test_broken_json_and_unknown_split(tmp_path: Path) -> None:
    dataset_trees.coco(tmp_path)
    with pytest.raises(FileNotFoundError, match="splits there: train"):
        Coco(tmp_path, "valid")
    (tmp_path / "train.json").write_text("{")
    with pytest.raises(ValueError, match="not a JSON file"):
        Coco(tmp_path, "train")


def test_absent_pictures_may_be_left_out(tmp_path: Path) -> None:
    dataset_trees.coco(tmp_path)
    (tmp_path / "images" / "b.png").unlink()
    dataset = Coco(tmp_path, "train", allow_missing=True)
    assert len(dataset) == 1 and dataset.missing == ("b.png", "b.png")


@pytest.mark.parametrize(
    ("folder", "split", "count"),
    [
        ("aflw2000_merlrav", "train", 992),
        ("aflw2000_merlrav", "test", 150),
        ("aflw2000_merlrav", "train_3d", 1369),
        ("mtfl80_merlrav", "train", 1911),
    ],
)
def test_real_files(data: Path, folder: str, split: str, count: int) -> None:
    dataset = Coco(data / folder, split)
    assert len(dataset) == count
    assert dataset.scheme.name == ("ibug68_3d" if split.endswith("3d") else "ibug68")
    assert all(sample.group.startswith("image") and len(sample.group) == 10 for sample in dataset)
    visibility = np.stack([sample.visibility for sample in dataset])
    assert not np.isnan(visibility).any()


def test_real_yaw_bins(data: Path) -> None:
    yaw = np.array([sample.tags["yaw_abs"] for sample in Coco(data / "aflw2000_merlrav", "test")])
    assert np.histogram(yaw, [0, 30, 60, 180])[0].tolist() == [60, 45, 45]
