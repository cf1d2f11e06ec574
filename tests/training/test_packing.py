from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from canthus.build import build_sources
from canthus.recipe import Recipe
from canthus.training.data import cut_all
from canthus.training.loop import train
from canthus.training.packing import read_pack, write_pack


def test_a_pack_holds_the_cut_samples(tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path) -> None:
    sources = [cut_all(part, tiny_recipe.crop, 32, 1.8) for part in build_sources(tiny_recipe, tiny_data)]
    write_pack(tmp_path / "pack.npz", tiny_recipe, *sources)
    for before, after in zip(sources, read_pack(tmp_path / "pack.npz", tiny_recipe), strict=True):
        assert [source.part for source in before] == [source.part for source in after]
        for old, new in zip(before[0].samples, after[0].samples, strict=True):
            for name in ("id", "group", "box_kind", "weight", "presence", "tags"):
                assert getattr(old, name) == getattr(new, name)
            for name in ("points", "visibility", "box"):
                np.testing.assert_array_equal(getattr(old, name), getattr(new, name))
            assert np.abs(old.image.astype(int) - new.image).mean() < 12
    assert [file.name for file in tmp_path.glob("*.npz")] == ["pack.npz"]


def test_a_pack_for_another_recipe_is_refused(tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path) -> None:
    pack = tmp_path / "pack.npz"
    sources = [cut_all(part, tiny_recipe.crop, 32, 1.8) for part in build_sources(tiny_recipe, tiny_data)]
    write_pack(pack, tiny_recipe, *sources)
    faster = Recipe.model_validate({**tiny_recipe.model_dump(), "train": {"epochs": 1, "learning_rate": 0.1}})
    assert read_pack(pack, faster)
    larger = Recipe.model_validate({**tiny_recipe.model_dump(), "size": 48})
    with pytest.raises(ValueError, match="packed for other data, crop or size"):
        read_pack(pack, larger)
    pack.write_bytes(b"broken")
    with pytest.raises(ValueError, match="not a pack"):
        read_pack(pack, tiny_recipe)


def test_training_makes_the_pack_and_then_needs_no_data(
    tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path
) -> None:
    short = Recipe.model_validate(
        {**tiny_recipe.model_dump(), "train": {"epochs": 1, "batch": 8, "workers": 0}}
    )
    pack = tmp_path / "pack.npz"
    train(short, tiny_data, tmp_path / "one", pack=pack)
    assert train(short, tmp_path / "nowhere", tmp_path / "two", pack=pack).is_file()
