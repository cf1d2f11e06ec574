"""What holds for every row of DATASETS."""

from __future__ import annotations

from pathlib import Path

import dataset_trees
import numpy as np
import pytest

from canthus.datasets import DATASETS
from canthus.geometry import landmark_boxes
from canthus.schemes import SCHEMES

NAMES = sorted(DATASETS)


def test_every_row_is_tested_and_named_alike() -> None:
    assert set(dataset_trees.TREES) == set(DATASETS)
    assert all(reader.name == name for name, reader in DATASETS.items())


@pytest.mark.parametrize("name", NAMES)
def test_samples_keep_their_promises(name: str, tmp_path: Path) -> None:
    tree, split = dataset_trees.TREES[name]
    dataset = DATASETS[name](tree(tmp_path), split)
    k = len(dataset.scheme)
    assert dataset.split == split and len(dataset) > 0
    assert dataset.default_boxes in ("landmarks", "dataset")
    ids = set()
    for sample in dataset:
        image = sample.read()
        assert image.dtype == np.uint8 and image.shape == (dataset_trees.HEIGHT, dataset_trees.WIDTH, 3)
        assert sample.points.shape == (k, 2) and sample.points.dtype == np.float32
        assert sample.visibility.shape == (k,) and sample.visibility.dtype == np.float32
        assert set(np.unique(sample.visibility[~np.isnan(sample.visibility)])) <= {0.0, 1.0}
        assert sample.box.shape == (4,) and sample.box.dtype == np.float32
        assert sample.box[2] > sample.box[0] and sample.box[3] > sample.box[1]
        if sample.presence == 1:
            tight = landmark_boxes(sample.points)
            assert np.isfinite(tight).all()
        else:
            assert np.isnan(sample.points).all() and np.isnan(sample.visibility).all()
        assert sample.group and sample.id
        assert all(isinstance(value, float) for value in sample.tags.values())
        ids.add(sample.id)
    assert len(ids) == len(dataset)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_tree_names_itself_the_tree_and_the_source(name: str, tmp_path: Path) -> None:
    _, split = dataset_trees.TREES[name]
    with pytest.raises(FileNotFoundError) as caught:
        DATASETS[name](tmp_path / "nowhere", split)
    text = str(caught.value)
    assert "nowhere" in text and DATASETS[name].tree in text and DATASETS[name].source in text


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"coco", "tsv", "folder"}))
def test_an_unknown_split_names_the_known_ones(name: str, tmp_path: Path) -> None:
    tree, split = dataset_trees.TREES[name]
    with pytest.raises(ValueError, match=f"no split 'trian'.*{split}"):
        DATASETS[name](tree(tmp_path), "trian")


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"backgrounds"}))
def test_labels_are_not_read_as_another_scheme(name: str, tmp_path: Path) -> None:
    tree, split = dataset_trees.TREES[name]
    with pytest.raises(ValueError, match="five"):
        DATASETS[name](tree(tmp_path), split, scheme=SCHEMES["five"])


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"backgrounds"}))
def test_a_face_without_its_picture(name: str, tmp_path: Path) -> None:
    """An error that names it; `report` takes it and goes on."""
    tree, split = dataset_trees.TREES[name]
    tree(tmp_path)
    whole = len(DATASETS[name](tmp_path, split))
    victim = Path(str(DATASETS[name](tmp_path, split)[0].image))
    victim.unlink()
    with pytest.raises(FileNotFoundError, match=victim.stem):
        DATASETS[name](tmp_path, split)
    told: list[str] = []
    rest = DATASETS[name](tmp_path, split, report=told.append)
    assert len(rest) < whole and len(told) == whole - len(rest)
    assert all(victim.stem in line for line in told)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"backgrounds"}))
@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe\x00broken\x80", b"1 2 3\n4,5\n", b'{"a": 1}', b"null", b"[]", b"[[1]]"]
)
def test_a_broken_label_file_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    """Never another kind of error; `report` gets it too, or the whole file is refused."""
    tree, split = dataset_trees.TREES[name]
    tree(tmp_path)
    suffixes = (".pts", ".json", ".csv", ".tsv", ".txt", ".mat")
    victims = sorted(path for path in tmp_path.rglob("*") if path.suffix in suffixes)
    used = [
        path for path in victims if name not in ("300w", "wflw") or "test" in str(path.relative_to(tmp_path))
    ]
    victim = used[0]
    victim.write_bytes(content)
    told: list[str] = []
    for report in (None, told.append):
        try:
            dataset = DATASETS[name](tmp_path, split, report=report)
        except (ValueError, FileNotFoundError) as error:
            told.append(str(error))
        else:
            assert report is not None and len(dataset) < 4
    assert told and all(victim.name in line or "no labelled" in line for line in told), told
