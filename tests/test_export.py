from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from staged_parts import staged

from canthus.build import build_landmarker
from canthus.checkpoints import native
from canthus.export import Graph as ExportGraph
from canthus.export import (
    ParityError,
    cached_export,
    check_parity,
    export,
    facts_of,
    random_crops,
    raw_allowance,
)
from canthus.geometry import CropRule
from canthus.models.landmarker import Landmarker
from canthus.recipe import Recipe
from canthus.runtime.landmarker import OnnxLandmarker
from canthus.session import Session

HEADS = {
    "integral": {"name": "integral", "side": 4, "attributes": ["covariance", "visibility", "presence"]},
    "coordinates": {"name": "coordinates", "attributes": ["covariance"]},
    "pip": {"name": "pip", "side": 4, "attributes": ["presence"]},
}


@pytest.fixture(params=HEADS)
def recipe(request: pytest.FixtureRequest, tiny_recipe: Recipe) -> Recipe:
    head = {"name": request.param, "width": 8, "hidden": 8}
    return Recipe.model_validate({**tiny_recipe.model_dump(), "head": head, "codec": HEADS[request.param]})


def random_landmarker(recipe: Recipe) -> Landmarker:
    torch.manual_seed(0)
    landmarker = build_landmarker(recipe).eval()
    for parameter in landmarker.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return landmarker


def test_the_file_computes_what_the_network_computes(recipe: Recipe, tmp_path: Path) -> None:
    landmarker, path = random_landmarker(recipe), tmp_path / "model.onnx"
    parity = export(landmarker, recipe, path, facts={"training_data": "none"})
    assert parity.raw < 1e-4
    assert parity.points < 1e-3
    session = Session(path, threads=1)
    assert session.inputs == ("images",)
    assert session.outputs == ("points", "scores", *landmarker.codec.attributes)
    for count in (1, 5):
        crops = random_crops(32, count, seed=count)
        with torch.no_grad():
            decoded = landmarker.locate(landmarker.normalize(torch.from_numpy(crops)))
        outputs = session.run(images=crops)
        np.testing.assert_allclose(outputs["points"], decoded.points.numpy(), atol=2e-3)
        assert outputs["scores"].min() >= 0
        assert outputs["scores"].max() <= 1
        for name in landmarker.codec.attributes:
            np.testing.assert_allclose(outputs[name], getattr(decoded, name).numpy(), rtol=1e-3, atol=1e-3)


def test_the_last_stage_is_what_is_exported(tiny_recipe: Recipe, tmp_path: Path) -> None:
    recipe = staged(tiny_recipe)
    landmarker, crops = random_landmarker(recipe), random_crops(32, 3)
    export(landmarker, recipe, tmp_path / "model.onnx")
    with torch.no_grad():
        first, last = landmarker(landmarker.normalize(torch.from_numpy(crops)))
    found = Session(tmp_path / "model.onnx").run(images=crops)["points"]
    np.testing.assert_allclose(found, landmarker.codec.decode(last).points.numpy(), atol=2e-3)
    assert np.abs(found - landmarker.codec.decode(first).points.numpy()).max() > 0.1


def test_metadata_tells_the_runtime_everything(tiny_recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    export(random_landmarker(tiny_recipe), tiny_recipe, path, facts={"training_data": "none at all"})
    metadata = Session(path).metadata
    assert metadata["scheme"] == "five"
    assert metadata["input_size"] == "32"
    assert CropRule.model_validate_json(metadata["crop_rule"]) == tiny_recipe.crop
    assert metadata["recipe"] == "tiny"
    assert Recipe.model_validate_json(metadata["recipe_content"]) == tiny_recipe
    assert metadata["training_data"] == "none at all"
    assert json.loads(metadata["card"])["licence"] == tiny_recipe.licence
    landmarker = OnnxLandmarker(path)
    faces = landmarker(np.zeros((60, 60, 3), np.uint8), [[10, 10, 40, 40]], "face")
    assert faces.points.shape == (1, 5, 2)
    assert faces.covariance is not None


def test_flip_test_puts_both_passes_into_the_graph(recipe: Recipe, tmp_path: Path) -> None:
    landmarker = random_landmarker(recipe)
    export(landmarker, recipe, tmp_path / "flip.onnx", flip_test=True)
    crops = random_crops(32, 2, seed=9)
    points = Session(tmp_path / "flip.onnx").run(images=crops)["points"]
    mirrored = Session(tmp_path / "flip.onnx").run(images=np.ascontiguousarray(crops[:, :, ::-1]))["points"]
    expected = mirrored[:, list(landmarker.codec.scheme.flip)]
    expected[..., 0] = 31 - expected[..., 0]
    np.testing.assert_allclose(points, expected, atol=5e-3)
    export(landmarker, recipe, tmp_path / "plain.onnx")
    assert np.abs(Session(tmp_path / "plain.onnx").run(images=crops)["points"] - points).max() > 0.01
    large = [
        sorted(
            np.prod(tensor.dims)
            for tensor in onnx.load(tmp_path / name).graph.initializer
            if len(tensor.dims) == 4 and np.prod(tensor.dims) > 20
        )
        for name in ("flip.onnx", "plain.onnx")
    ]
    assert large[0] == large[1], "both passes share their weights"


def test_another_network_fails_the_parity_check(tiny_recipe: Recipe, tmp_path: Path) -> None:
    landmarker, path = random_landmarker(tiny_recipe), tmp_path / "full.onnx"
    graph = ExportGraph(landmarker).eval()
    from canthus.export import _write_full

    _write_full(graph, tiny_recipe.size, path)
    crops = random_crops(tiny_recipe.size)
    check_parity(graph, path, crops)
    with torch.no_grad():
        landmarker.head.maps[1].weight[0].add_(0.01)
    with pytest.raises(ParityError, match="raw output raw_"):
        check_parity(graph, path, crops)


def test_what_a_raw_output_may_differ_by() -> None:
    assert raw_allowance(np.float32([-1, 1])) == pytest.approx(1e-4)
    flat = 0.5 + np.float32([-1e-5, 1e-5])
    assert raw_allowance(flat) == pytest.approx(16 * 2**-23 * 0.5, rel=1e-3)


def test_a_network_that_says_the_same_of_every_picture_is_exported(
    tiny_recipe: Recipe, tmp_path: Path
) -> None:
    landmarker = random_landmarker(tiny_recipe)
    with torch.no_grad():
        for parameter in landmarker.backbone.parameters():
            parameter.mul_(0.05)
    assert export(landmarker, tiny_recipe, tmp_path / "flat.onnx").points < 1e-3


def test_nothing_is_left_behind_when_the_export_fails(
    tiny_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise ParityError("no")

    monkeypatch.setattr("canthus.export.check_parity", fail)
    with pytest.raises(ParityError):
        export(random_landmarker(tiny_recipe), tiny_recipe, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_exports_are_cached_by_content(
    tiny_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANTHUS_CACHE", str(tmp_path / "cache"))
    weights = tmp_path / "tiny.safetensors"
    native.save(weights, random_landmarker(tiny_recipe), tiny_recipe, {"training_data": "x"})
    first = cached_export(weights)
    stamp = first.stat().st_mtime_ns
    assert cached_export(weights) == first
    assert first.stat().st_mtime_ns == stamp
    assert cached_export(weights, flip_test=True) != first
    assert facts_of(weights) == {"training_data": "x"}
    with pytest.raises(FileNotFoundError):
        cached_export(tmp_path / "none.safetensors")
