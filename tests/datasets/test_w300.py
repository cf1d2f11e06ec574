from __future__ import annotations

from pathlib import Path

import dataset_trees
import numpy as np
import pytest

from canthus.datasets.w300 import SPLITS, W300


def test_splits_hold_their_parts(tmp_path: Path) -> None:
    dataset_trees.w300(tmp_path)
    counts = {split: len(W300(tmp_path, split)) for split in SPLITS}
    assert counts == {"helen_test": 2, "train": 5, "common": 3, "challenge": 1, "full": 4, "test": 2}


def test_files_count_from_one_with_and_without_header(tmp_path: Path) -> None:
    dataset_trees.w300(tmp_path)
    samples = list(W300(tmp_path, "helen_test"))
    for number, sample in enumerate(samples):
        np.testing.assert_allclose(sample.points, dataset_trees.face(number), atol=1e-5)
        points = dataset_trees.face(number)
        np.testing.assert_allclose(sample.box, [*points.min(0), *points.max(0)], atol=1e-5)
        assert sample.box_kind == "landmarks" and np.isnan(sample.visibility).all()


def test_groups_are_photos(tmp_path: Path) -> None:
    dataset_trees.w300(tmp_path)
    groups = {sample.id: sample.group for sample in W300(tmp_path, "train")}
    assert groups["afw/111_1"] == groups["afw/111_2"] == "afw/111"
    assert groups["lfpw/trainset/image_0001"] != groups["lfpw/trainset/image_0002"]


def test_subsets_are_tagged(tmp_path: Path) -> None:
    dataset_trees.w300(tmp_path)
    tags = {sample.id: set(sample.tags) for sample in W300(tmp_path, "full")}
    assert tags["ibug/image_003_1"] == {"subset/ibug", "subset/challenge"}
    assert tags["helen/testset/333_1"] == {"subset/helen/testset", "subset/common"}


def test_an_absent_part_needs_allow_missing(tmp_path: Path) -> None:
    dataset_trees.w300(tmp_path)
    (tmp_path / "lfpw").rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match="lfpw/trainset"):
        W300(tmp_path, "train")
    dataset = W300(tmp_path, "train", allow_missing=True)
    assert len(dataset) == 3
    assert dataset.missing == ("afw: 335 of 337 faces", "helen/trainset: 1999 of 2000 faces", "lfpw/trainset")


def test_a_flat_test_folder_and_mirrored_copies(tmp_path: Path) -> None:
    dataset_trees.picture(tmp_path / "Test" / "indoor_001.png")
    dataset_trees.picture(tmp_path / "Test" / "indoor_001_mirror.png")
    for name in ("indoor_001", "indoor_001_mirror"):
        dataset_trees.pts(tmp_path / "Test" / f"{name}.pts", dataset_trees.face())
    assert [sample.id for sample in W300(tmp_path, "test")] == ["Test/indoor_001"]


def test_a_wrong_count_names_the_file(tmp_path: Path) -> None:
    dataset_trees.w300(tmp_path)
    dataset_trees.pts(tmp_path / "ibug" / "image_003_1.pts", dataset_trees.face(0, 51))
    with pytest.raises(ValueError, match=r"image_003_1\.pts: found 51 points, expected 68"):
        W300(tmp_path, "challenge")


@pytest.mark.parametrize(("split", "count", "groups"), [("helen_test", 330, 298), ("train", 1207, 968)])
def test_real_files(data: Path, split: str, count: int, groups: int) -> None:
    dataset = W300(data / "300w", split, allow_missing=True)
    assert len(dataset) == count
    assert len({sample.group for sample in dataset}) == groups
    sizes = np.array([sample.box[2:] - sample.box[:2] for sample in dataset])
    assert sizes.min() > 20


def test_real_parts(data: Path) -> None:
    tags = [tag for sample in W300(data / "300w", "train", allow_missing=True) for tag in sample.tags]
    assert tags.count("subset/afw") == 337 and tags.count("subset/helen/trainset") == 870
