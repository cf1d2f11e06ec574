"""COFW, AFLW, COCO-WholeBody-Face, and the JSON files of 300-W and WFLW: made trees and mmpose's samples."""

from __future__ import annotations

import json
from pathlib import Path

import dataset_trees
import h5py
import numpy as np
import pytest
from published_samples import SAMPLES, published
from scipy.io import loadmat, savemat

from canthus.datasets import DATASETS
from canthus.datasets.aflw import AFLW
from canthus.datasets.coco_wholebody_face import CocoWholeBodyFace
from canthus.datasets.cofw import COFW
from canthus.datasets.w300 import W300
from canthus.datasets.wflw import WFLW
from canthus.geometry import landmark_boxes
from canthus.recipe import load_recipe
from canthus.scoring import subsets


def test_cofw_reads_the_same_from_both_formats(tmp_path: Path) -> None:
    (tmp_path / "mat").mkdir()
    mat, json_ = (
        list(COFW(dataset_trees.cofw(tmp_path / "mat"), "test")),
        list(COFW(dataset_trees.cofw_json(tmp_path / "json"), "test")),
    )
    assert [s.id for s in mat] == [s.id for s in json_] == ["001346", "001347"]
    for number, (a, b) in enumerate(zip(mat, json_, strict=True)):
        np.testing.assert_allclose(a.points, dataset_trees.face(number, 29), atol=1e-5)
        np.testing.assert_allclose(a.points, b.points, atol=1e-5)
        np.testing.assert_array_equal(a.visibility, 1 - np.arange(29) % 2)
        np.testing.assert_array_equal(a.visibility, b.visibility)
        np.testing.assert_array_equal(a.box, b.box)
    np.testing.assert_array_equal(mat[0].box, [4, 5, 34, 43])
    np.testing.assert_array_equal(mat[1].box, [0, 6, 59, 26])  # clipped to the last pixels
    assert COFW(tmp_path / "mat", "train")[1].id == "000002"


def test_cofw_pictures_stay_in_their_file_until_read(tmp_path: Path) -> None:
    color, grey = COFW(dataset_trees.cofw(tmp_path), "test")
    image = color.read()
    assert image.shape == (dataset_trees.HEIGHT, dataset_trees.WIDTH, 3) and image.dtype == np.uint8
    assert (image == (200, 100, 50)).all() and (grey.read() == 200).all()


def test_cofw_negative_positions_become_zero(tmp_path: Path) -> None:
    dataset_trees.cofw(tmp_path)
    with h5py.File(tmp_path / "COFW_test_color.mat", "a") as file:
        file["phisT"][0, 0] = 0.25
    assert COFW(tmp_path, "test")[0].points[0, 0] == 0


def test_cofw_of_four_faces(tmp_path: Path) -> None:
    """A square table of boxes."""
    path = dataset_trees.cofw(tmp_path) / "COFW_test_color.mat"
    boxes = np.array([[1, 2, 30, 31], [3, 4, 32, 33], [5, 6, 34, 35], [7, 8, 36, 37]], float)
    with h5py.File(path, "a") as file:
        cells, labels = file["IsT"][...], file["phisT"][...]
        for name in ("IsT", "phisT", "bboxesT"):
            del file[name]
        file["IsT"], file["phisT"] = np.tile(cells, 2), np.tile(labels, 2)
        file["bboxesT"] = boxes.T
    expected = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], 1)
    np.testing.assert_array_equal([s.box for s in COFW(tmp_path, "test")], expected)


def test_cofw_flags_are_0_or_1_and_boxes_have_a_size(tmp_path: Path) -> None:
    path = dataset_trees.cofw(tmp_path) / "COFW_test_color.mat"
    with h5py.File(path, "a") as file:
        file["bboxesT"][:, 0] = [70, 5, 30, 38]  # right of the picture
    assert [s.id for s in COFW(tmp_path, "test")] == ["001347"]
    with h5py.File(path, "a") as file:
        file["phisT"][60, 1] = 2
    with pytest.raises(ValueError, match=r"IsT\[1\] of .*found the occlusion flag 2, expected 0 or 1"):
        COFW(tmp_path, "test")


def test_cofw_broken_files_are_named(tmp_path: Path) -> None:
    path = dataset_trees.cofw(tmp_path) / "COFW_test_color.mat"
    with h5py.File(path, "a") as file:
        labels = file["phisT"][...]
        del file["phisT"]
        with pytest.raises(ValueError, match=r"COFW_test_color\.mat: no variable phisT"):
            file.flush()
            COFW(tmp_path, "test")
        file["phisT"] = labels[:60]
    with pytest.raises(ValueError, match=r"COFW_test_color\.mat: .*found shape \(2, 60\), expected 87"):
        COFW(tmp_path, "test")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"COFW_test_color\.mat: not a readable MATLAB 7\.3 file"):
        COFW(tmp_path, "test")


@pytest.fixture(autouse=True)
def small_aflw(monkeypatch: pytest.MonkeyPatch) -> None:
    """A release of ten faces, seven of them for training."""
    monkeypatch.setattr("canthus.datasets.aflw.TRAINING", 7)


def test_aflw_splits_and_boxes(tmp_path: Path) -> None:
    dataset_trees.aflw(tmp_path, 10)
    full, frontal = list(AFLW(tmp_path, "full")), list(AFLW(tmp_path, "frontal"))
    assert [s.id for s in full] == ["2/image00004.jpg", "2/image00004.jpg#1", "0/image00002.jpg"]
    assert [s.tags["subset/frontal"] for s in full] == [1, 0, 1]
    np.testing.assert_array_equal([s.points for s in frontal], [full[0].points, full[2].points])
    for row, sample in zip((2, 1, 0), full, strict=True):
        np.testing.assert_allclose(sample.points, dataset_trees.face(row, 19), atol=1e-5)
        np.testing.assert_array_equal(sample.box, [3, 2, 43, 42])
        assert sample.box_kind == "face"
    assert full[1].visibility.sum() == 18 and full[1].visibility[7] == 0
    assert full[0].group == full[1].group == "image00004"
    train = AFLW(tmp_path, "train", allow_missing=True)
    assert len(train) == 0 and train.missing == ("data/flickr/0/none.jpg",) * 7


def test_aflw_faces_without_a_box_are_left_out(tmp_path: Path) -> None:
    path = dataset_trees.aflw(tmp_path, 10) / "AFLWinfo_release.mat"
    content = {name: value for name, value in loadmat(str(path)).items() if not name.startswith("_")}
    boxes = content["bbox"].astype(float)
    boxes[2] = (5, 5, 2, 42)  # the first of `full`
    savemat(str(path), {**content, "bbox": boxes})
    assert [s.id for s in AFLW(tmp_path, "full")] == ["2/image00004.jpg#1", "0/image00002.jpg"]


def test_aflw_reads_the_same_from_json(tmp_path: Path) -> None:
    (tmp_path / "mat").mkdir()
    mat = list(AFLW(dataset_trees.aflw(tmp_path / "mat", 10), "full"))
    made = list(AFLW(dataset_trees.aflw_json(tmp_path / "json"), "full"))
    for a, b in zip(mat, made, strict=True):
        np.testing.assert_allclose(a.points, b.points, atol=1e-4)
        np.testing.assert_array_equal(a.box, b.box)
        assert a.tags == b.tags and a.box_kind == b.box_kind and a.group == b.group
        assert np.isnan(b.visibility).all()
    assert len(AFLW(tmp_path / "json", "frontal")) == 2
    (tmp_path / "json/annotations/face_landmarks_aflw_test_frontal.json").unlink()
    assert AFLW(tmp_path / "json", "full")[0].tags == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ra": np.array([[1, 1]])}, "do not number the same faces"),
        ({"data": np.zeros((2, 36))}, r"found shape \(2, 36\), expected 38"),
        ({"mask_new": None}, "no variable mask_new"),
    ],
)
def test_aflw_wrong_files_are_named(tmp_path: Path, change: dict[str, object], message: str) -> None:
    content = {
        "nameList": np.array([["a.jpg"], ["b.jpg"]], object),
        "ra": np.array([[2, 1]]),
        "bbox": np.zeros((2, 4)),
        "data": np.zeros((2, 38)),
        "mask_new": np.ones((2, 19)),
    }
    whole = {key: value for key, value in {**content, **change}.items() if value is not None}
    savemat(str(tmp_path / "AFLWinfo_release.mat"), whole)
    with pytest.raises(ValueError, match=rf"AFLWinfo_release\.mat: .*{message}"):
        AFLW(tmp_path, "train")


def test_wholebody_faces_that_count(tmp_path: Path) -> None:
    samples = list(CocoWholeBodyFace(dataset_trees.coco_wholebody_face(tmp_path), "val"))
    assert [s.id for s in samples] == ["000000000001.jpg#10", "000000000001.jpg#11", "000000000002.jpg#12"]
    np.testing.assert_allclose(samples[0].points, dataset_trees.face(0), atol=1e-5)
    assert np.isnan(samples[1].points[36]).all() and not np.isnan(samples[1].points[[0, 67]]).any()
    np.testing.assert_array_equal(samples[0].box, [5, 6, 59, 36])
    assert all(np.isnan(s.visibility).all() and s.box_kind == "landmarks" for s in samples)


def test_300w_json_counts_from_one_like_the_folders(tmp_path: Path) -> None:
    full = W300(dataset_trees.w300_json(tmp_path / "json"), "full")
    folders = {s.id: s for s in W300(dataset_trees.w300(tmp_path / "pts"), "full")}
    assert full.missing == ("686 of 689 faces",)
    for number, sample in enumerate(full):
        twin = folders[sample.id]
        np.testing.assert_allclose(sample.points, dataset_trees.face(number), atol=1e-4)
        assert sample.tags == twin.tags and sample.group == twin.group
    assert len(W300(tmp_path / "json", "helen_test")) == len(W300(tmp_path / "json", "common")) == 2


def test_wflw_json_reads_like_the_lists(tmp_path: Path) -> None:
    made = list(WFLW(dataset_trees.wflw_json(tmp_path / "json"), "test"))
    lists = list(WFLW(dataset_trees.wflw(tmp_path / "txt"), "test"))
    for a, b in zip(made, lists, strict=True):
        np.testing.assert_allclose(a.points, b.points, atol=1e-5)
        np.testing.assert_allclose(a.box, landmark_boxes(a.points))
        assert a.id == b.id and a.group == b.group
    assert [s.tags for s in made] == [{"subset/largepose": flag} for flag in (0.0, 1.0, 0.0)]
    assert subsets(made)["subset/largepose"].tolist() == [False, True, False]
    (turned,) = WFLW(tmp_path / "json", "largepose")
    np.testing.assert_array_equal(turned.points, made[1].points)


#: Dataset -> its JSON tree, the file and the split.
JSON = {
    "300w": (dataset_trees.w300_json, "face_landmarks_300w_valid.json", "full"),
    "wflw": (dataset_trees.wflw_json, "face_landmarks_wflw_test.json", "test"),
    "cofw": (dataset_trees.cofw_json, "cofw_test.json", "test"),
    "aflw": (dataset_trees.aflw_json, "face_landmarks_aflw_test.json", "full"),
}


@pytest.mark.parametrize("name", JSON)
@pytest.mark.parametrize(
    "fields",
    [{"num_keypoints": 0}, {"iscrowd": 1}, {"bbox": [5, 5, 0, 0]}, {"keypoints": "zeros"}],
    ids=["none labelled", "crowd", "empty box", "zeros"],
)
def test_what_mmpose_leaves_out(name: str, fields: dict[str, object], tmp_path: Path) -> None:
    tree, file, split = JSON[name]
    whole = len(DATASETS[name](tree(tmp_path), split))
    path = tmp_path / "annotations" / file
    content = json.loads(path.read_text())
    first = content["annotations"][0]
    zeros = [0] * len(first["keypoints"])
    first.update({key: zeros if value == "zeros" else value for key, value in fields.items()})
    path.write_text(json.dumps(content))
    kept = DATASETS[name](tmp_path, split)
    assert len(kept) == whole - 1
    assert all(np.isfinite(sample.box).all() for sample in kept)


@pytest.mark.parametrize("name", JSON)
def test_labels_in_nested_lists_are_named(name: str, tmp_path: Path) -> None:
    tree, file, split = JSON[name]
    path = tree(tmp_path) / "annotations" / file
    content = json.loads(path.read_text())
    first = content["annotations"][0]
    first["keypoints"] = np.reshape(first["keypoints"], (-1, 3)).tolist()
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"annotation 10: found lists in keypoints, expected \d+ numbers"):
        DATASETS[name](tmp_path, split)


@pytest.mark.parametrize("name", ["300w", "cofw", "aflw", "wflw", "coco_wholebody_face"])
@pytest.mark.parametrize("content", ["{}", '{"images": [], "annotations": [{"face_valid": 1}]}'])
def test_json_files_of_another_kind_are_named(name: str, content: str, tmp_path: Path) -> None:
    files = {"coco_wholebody_face": "coco_wholebody_val_v1.0.json", "cofw": "cofw_test.json"}
    files |= {"300w": "face_landmarks_300w_test.json", "aflw": "face_landmarks_aflw_test.json"}
    files |= {"wflw": "face_landmarks_wflw_test.json"}
    path = tmp_path / "annotations" / files[name]
    path.parent.mkdir()
    path.write_text(content)
    split = {"aflw": "full", "coco_wholebody_face": "val"}.get(name, "test")
    with pytest.raises(ValueError, match=path.name):
        DATASETS[name](tmp_path, split)


@pytest.mark.parametrize("name", SAMPLES)
def test_rows_crop_real_samples_as_published(data: Path, tmp_path: Path, name: str) -> None:
    """Points are those of the file (300-W's less one); the row's crop of the reader's default box has the
    centre and side that the file states, in the file's own pixels."""
    offset = 1.0 if name == "300w" else 0.0
    recipe = load_recipe(f"{name}-hrnetv2_w18")
    assert recipe.crop.label_offset_px == -offset
    assert recipe.datasets[0].boxes == DATASETS[name].default_boxes
    for sample, item in published(data, tmp_path, name):
        field = "face_kpts" if name == "coco_wholebody_face" else "keypoints"
        rows = np.array(item[field]).reshape(-1, 3)
        np.testing.assert_allclose(sample.points, rows[:, :2] - offset, atol=1e-3)
        own = sample.box if recipe.datasets[0].boxes == "dataset" else landmark_boxes(sample.points)
        window = recipe.crop.window(own + offset, sample.box_kind)
        if "center" in item:
            center, side = np.array(item["center"]), 200 * float(item["scale"])
        else:
            box = np.array(item["face_box" if name == "coco_wholebody_face" else "bbox"])
            center, side = box[:2] + box[2:] / 2, box[2:].max()
        np.testing.assert_allclose((window[:2] + window[2:]) / 2, center, atol=1e-3)
        np.testing.assert_allclose(window[2:] - window[:2], 1.25 * side, atol=1e-2)
        assert sample.read().ndim == 3
