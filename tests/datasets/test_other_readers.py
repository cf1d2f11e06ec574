"""YouTube Faces, WFLW, AFLW2000-3D, FaceSynthetics, backgrounds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import dataset_trees
import numpy as np
import pytest
from scipy.io import savemat

from canthus.datasets.aflw2000_3d import Aflw2000In3d
from canthus.datasets.backgrounds import Backgrounds
from canthus.datasets.face_synthetics import FaceSynthetics
from canthus.datasets.wflw import WFLW
from canthus.datasets.youtube_faces import YoutubeFaces
from canthus.formats.tsv import ATTRIBUTES
from canthus.geometry import landmark_boxes
from canthus.schemes import SCHEMES

POINTS = np.ones((3, 68))


def test_youtube_rows_and_persons(tmp_path: Path) -> None:
    samples = list(YoutubeFaces(dataset_trees.youtube_faces(tmp_path), "train"))
    for number, sample in enumerate(samples):
        np.testing.assert_allclose(sample.points, dataset_trees.face(number), atol=1e-5)
    assert [sample.group for sample in samples] == ["Ann_Lee", "Ann_Lee", "Bo_Z"]


def test_youtube_short_row(tmp_path: Path) -> None:
    path = dataset_trees.youtube_faces(tmp_path) / "training_frames_keypoints.csv"
    path.write_text(path.read_text().rstrip().rpartition(",")[0] + "\n")
    with pytest.raises(ValueError, match=r"row Bo_Z_00\.jpg: found 135 numbers, expected 136"):
        YoutubeFaces(tmp_path, "train")


def test_youtube_real(data: Path) -> None:
    dataset = YoutubeFaces(data / "youtube_faces", "train")
    assert len(dataset) == 1388 and len({sample.group for sample in dataset}) == 347


def test_wflw_lists(tmp_path: Path) -> None:
    dataset_trees.wflw(tmp_path)
    first, second, third = WFLW(tmp_path, "test")
    np.testing.assert_allclose(second.points, dataset_trees.face(1, 98), atol=1e-5)
    np.testing.assert_allclose(first.box, [1, 2, 50, 45])
    flags = dict.fromkeys((f"subset/{name}" for name in ATTRIBUTES), 0.0)
    assert first.tags == {**flags, "subset/occlusion": 1.0}
    assert second.tags == {**flags, "subset/largepose": 1.0, "subset/occlusion": 1.0}
    assert first.group == second.group != third.group and first.id != second.id
    (blurred,) = WFLW(tmp_path, "blur")  # a list without boxes
    points = dataset_trees.face(5, 98)
    np.testing.assert_allclose(blurred.box, [*points.min(0), *points.max(0)], atol=1e-5)


def test_wflw_rectangles_without_size_and_words_for_numbers(tmp_path: Path) -> None:
    dataset_trees.wflw(tmp_path)
    path = tmp_path / "WFLW_annotations/list_98pt_rect_attr_train_test/list_98pt_rect_attr_test.txt"
    columns = path.read_text().splitlines()[0].split()
    path.write_text(" ".join([*columns[:196], "5", "5", "5", "9", *columns[200:]]))
    (sample,) = WFLW(tmp_path, "test")
    np.testing.assert_array_equal(sample.box, landmark_boxes(sample.points))
    path.write_text(" ".join(["nan", *columns[1:]]))
    with pytest.raises(ValueError, match="line 1: found a coordinate or flag that is no number"):
        WFLW(tmp_path, "test")


@pytest.mark.parametrize(("split", "count"), [("largepose", 326), ("blur", 773), ("makeup", 206)])
def test_wflw_real_lists(data: Path, split: str, count: int) -> None:
    dataset = WFLW(data / "wflw_annotations", split, allow_missing=True)
    assert len(dataset.missing) == count and len(dataset) == 0


def test_aflw2000_3d_pose(tmp_path: Path) -> None:
    (sample,) = Aflw2000In3d(dataset_trees.aflw2000_3d(tmp_path), "test")
    np.testing.assert_allclose(sample.points, dataset_trees.face(0), atol=1e-5)
    assert sample.tags["yaw"] == pytest.approx(-45) and sample.tags["yaw_abs"] == pytest.approx(45)


def test_aflw2000_3d_broken_file(tmp_path: Path) -> None:
    dataset_trees.aflw2000_3d(tmp_path)
    (tmp_path / "image00002.mat").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"image00002\.mat: not a readable \.mat file"):
        Aflw2000In3d(tmp_path, "test")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"pt3d_68": np.full((3, 68), np.nan)}, "shape (3, 68) with values that are no numbers, expected"),
        ({"pt3d_68": np.array(["a", "b"])}, "found a pt3d_68 of texts or cells, expected numbers"),
        ({"pt3d_68": POINTS, "Pose_Para": np.full((1, 7), np.nan)}, "found Pose_Para [nan, nan, nan]"),
        ({"pt3d_68": POINTS, "Pose_Para": np.zeros((1, 2))}, "found Pose_Para [0.0, 0.0], expected"),
    ],
)
def test_aflw2000_3d_values_that_are_none(content: dict[str, Any], said: str, tmp_path: Path) -> None:
    dataset_trees.aflw2000_3d(tmp_path)
    path = next(tmp_path.glob("*.mat"))
    savemat(str(path), content)
    with pytest.raises(ValueError, match=f"^{re.escape(str(path))}: .*{re.escape(said)}"):
        Aflw2000In3d(tmp_path, "test")


def test_aflw2000_3d_real(data: Path) -> None:
    dataset = Aflw2000In3d(data / "aflw2000_3d_original", "test")
    assert len(dataset) == 10
    for sample in dataset:
        assert (sample.points > 0).all() and (sample.points < 450).all()


def test_face_synthetics(tmp_path: Path) -> None:
    dataset = FaceSynthetics(dataset_trees.face_synthetics(tmp_path), "all")
    np.testing.assert_allclose(dataset[1].points, dataset_trees.face(1, 70), atol=1e-5)
    for text, said in (
        ("1 2\n3\n", "found a line of 1 numbers, expected 70 lines"),
        ("1 x\n", "expected lines `x y` .could not convert"),
        ("nan 2\n" * 70, "with values that are no numbers, expected 70 lines"),
        ("", "expected 70 lines"),
    ):
        (tmp_path / "000001_ldmks.txt").write_text(text)
        with pytest.raises(ValueError, match=rf"000001_ldmks\.txt: .*{said}"):
            FaceSynthetics(tmp_path, "all")


def test_face_synthetics_real(data: Path) -> None:
    """The pupils lie between the corners of their eyes: the order of the points is as the scheme says."""
    dataset = FaceSynthetics(data / "face_synthetics", "all")
    assert len(dataset) == 12
    for sample in dataset:
        for pupil, eye in ((68, slice(36, 42)), (69, slice(42, 48))):
            center = sample.points[eye].mean(0)
            width = np.linalg.norm(np.ptp(sample.points[eye], axis=0))
            assert np.linalg.norm(sample.points[pupil] - center) < width


def test_backgrounds_hold_out_every_fifth(tmp_path: Path) -> None:
    dataset_trees.backgrounds(tmp_path)
    test, train = Backgrounds(tmp_path, "test"), Backgrounds(tmp_path, "train")
    assert [sample.id for sample in test] == ["0.jpg", "5.jpg", "gray/g0.jpg", "gray/g5.jpg"]
    assert len(train) == 9 and not {s.id for s in test} & {s.id for s in train}
    assert len(Backgrounds(tmp_path, "all")) == 13
    sample = test[0]
    np.testing.assert_allclose(sample.box, [5.5, -0.5, 53.5, 47.5])  # 48 px, in the middle of 60
    assert sample.presence == 0 and sample.box_kind == "face"
    assert Backgrounds(tmp_path, "test", scheme=SCHEMES["wflw98"])[0].points.shape == (98, 2)


def test_backgrounds_real(data: Path) -> None:
    counts = [len(Backgrounds(data / "negatives", split)) for split in ("test", "train", "all")]
    assert counts == [231, 924, 1155]
