from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from canthus import checkpoints
from canthus.build import build_landmarker
from canthus.checkpoints import native
from canthus.commands.evaluate import _flips
from canthus.config import override, validate
from canthus.recipe import Recipe


def test_weights_and_recipe_come_back(tiny_recipe: Recipe, tmp_path: Path) -> None:
    landmarker, path = build_landmarker(tiny_recipe).eval(), tmp_path / "deep" / "tiny.safetensors"
    landmarker.codec.covariance_scale.fill_(2.5)
    native.save(path, landmarker, tiny_recipe, {"note": "x"})
    again, recipe = native.load(path)
    assert recipe == tiny_recipe
    assert not again.training
    assert again.codec.covariance_scale.item() == 2.5
    images = torch.randn(2, 3, 32, 32)
    for name, value in landmarker(images).items():
        torch.testing.assert_close(again(images)[name], value, rtol=0, atol=0)
    assert native.read_header(path)["note"] == "x"
    assert [file.name for file in path.parent.iterdir()] == ["tiny.safetensors"]


def test_wrong_files_say_what_is_wrong(tiny_recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such weights file"):
        native.load(tmp_path / "none.safetensors")
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"not this")
    with pytest.raises(ValueError, match="not a safetensors file"):
        native.load(bad)
    save_file({"x": torch.zeros(1)}, bad)
    with pytest.raises(ValueError, match="no recipe in the header"):
        native.load(bad)
    save_file({"x": torch.zeros(1)}, bad, metadata={"recipe": "{x"})
    with pytest.raises(ValueError, match=r"bad\.safetensors: the recipe in its header is no JSON"):
        native.load(bad)


def test_a_foreign_file_is_refused_in_one_short_line(tiny_recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"x": torch.zeros(1)}, path, metadata={"recipe": tiny_recipe.model_dump_json()})
    with pytest.raises(ValueError, match=r"do not fit the recipe: missing .*; and \d+ more$") as caught:
        native.load(path)
    assert len(str(caught.value)) < 500


def test_the_package_loads_a_landmarker(tiny_recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    native.save(path, build_landmarker(tiny_recipe), tiny_recipe)
    landmarker = checkpoints.load(path)
    images = torch.zeros(2, 3, 32, 32)
    assert landmarker.locate(images).points.shape == (2, 5, 2)
    torch.testing.assert_close(landmarker.locate(images).points, native.load(path)[0].locate(images).points)


def test_every_tensor_that_does_not_fit_is_listed(tiny_recipe: Recipe, tmp_path: Path) -> None:
    landmarker, path = build_landmarker(tiny_recipe), tmp_path / "tiny.safetensors"
    native.save(path, landmarker, tiny_recipe)
    state = load_file(path)
    lost, first = "neck.norm.0.bias", "backbone.stem.0.weight"
    del state[lost]
    state["extra"] = torch.zeros(1)
    state[first] = torch.zeros(1)
    with pytest.raises(
        ValueError, match=r"missing neck\.norm\.0\.bias; unknown extra; .*stem\.0\.weight has shape \(1,\)"
    ):
        native.restore(landmarker, state, "file")


def test_a_recipe_with_a_flip_test_is_scored_with_it(tiny_recipe: Recipe, tmp_path: Path) -> None:
    for flip in (True, False):
        recipe = Recipe.model_validate({**tiny_recipe.model_dump(), "test": {"flip": flip}})
        path = tmp_path / f"{flip}.safetensors"
        native.save(path, build_landmarker(recipe), recipe)
        assert _flips(str(path)) is flip
    assert not _flips("face68")


def test_the_same_weights_with_another_codec(tiny_recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "tiny.safetensors"
    heatmaps = override(
        tiny_recipe.model_dump(mode="json"),
        ["codec={name: heatmap, side: 8, sigma: 1.0}", "head={name: heatmap}", "losses=[{name: mse}]"],
    )
    recipe = validate(Recipe, heatmaps, "made")
    landmarker = build_landmarker(recipe).eval()
    native.save(path, landmarker, recipe)
    again, changed = native.load(path, ["codec={name: dark, side: 8, sigma: 1.0, kernel: 3}"])
    assert changed.codec.name == "dark" and changed.head == recipe.head
    images = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(again.predict(images)["heatmap"], landmarker.predict(images)["heatmap"])
    assert (again.locate(images).points - landmarker.locate(images).points).abs().max() > 1e-3
    with pytest.raises(ValueError, match="found 'size=64', expected codec"):
        native.load(path, ["size=64"])
