"""Published checkpoints: reading files, converting names, `canthus convert`."""

from __future__ import annotations

import hashlib
import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import heatmap_rows
import numpy as np
import published_graphs
import pytest
import torch
import yaml
from published_graphs import Published
from safetensors.torch import load_file
from torch import Tensor
from typer.testing import CliRunner

from canthus import checkpoints
from canthus.build import build_landmarker
from canthus.checkpoints import (
    CONVERTERS,
    Conversion,
    architecture,
    convert_checkpoint,
    load_official,
    native,
)
from canthus.checkpoints.official import Converter, read_state
from canthus.cli import app
from canthus.commands.convert import convert
from canthus.config import ConfigError
from canthus.models.backbones import BACKBONES
from canthus.models.heads import HEADS
from canthus.models.landmarker import Landmarker
from canthus.recipe import Recipe

HOURGLASS = {
    "backbone": {"name": "hourglass", "stem": 4, "widths": [4, 6], "depths": [1, 2]},
    "head": {"name": "heatmap"},
}


def published_hourglass() -> tuple[Published, Tensor, Tensor]:
    """A small checkpoint, an input and its maps."""
    published, images = Published(), torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    return published, images, published_graphs.hourglass(published, images, 4, [4, 6], [1, 2], 19)


def small_recipe() -> Recipe:
    return heatmap_rows.recipe_of(19, HOURGLASS, side=8, size=32)


@pytest.mark.parametrize("layout", ["0x", "1x"])
@pytest.mark.parametrize("name", heatmap_rows.ARCHITECTURES)
def test_every_tensor_finds_its_place(name: str, layout: str, shared: Path) -> None:
    oracle = heatmap_rows.Oracle(shared / "oracles" / "heatmap_zoo")
    landmarker = heatmap_rows.without_memory(name)
    converter = CONVERTERS[heatmap_rows.architecture(name).backbone.name]
    own = heatmap_rows.own_tensors(landmarker)
    state = {key: torch.empty(s, device="meta") for key, s in oracle.shapes(name, layout).items()}
    conversion = converter.convert(state, own, name)
    assert set(conversion.state) == set(own)
    dead = {key for key in state if key.startswith("backbone.inters.")}
    assert set(conversion.dropped) == dead and len(dead) == (12 if name.startswith("hourglass") else 0)


@pytest.mark.parametrize("name", heatmap_rows.ARCHITECTURES)
def test_both_layouts_are_one_network(name: str, shared: Path) -> None:
    oracle = heatmap_rows.Oracle(shared / "oracles" / "heatmap_zoo")
    converter = CONVERTERS[heatmap_rows.architecture(name).backbone.name]
    for old, new in oracle.renamed(name).items():
        assert converter.name(old) == converter.name(new)
    assert all(
        converter.name(converter.name(key)) == converter.name(key) for key in oracle.shapes(name, "1x")
    )


def test_the_layout_of_the_first_authors(shared: Path) -> None:
    oracle = heatmap_rows.Oracle(shared / "oracles" / "heatmap_zoo")
    for key in oracle.shapes("hrnetv2_w18_98", "0x"):
        theirs = key.removeprefix("backbone.").replace("keypoint_head.final_layer.", "head.")
        assert CONVERTERS["hrnetv2"].name(theirs) == CONVERTERS["hrnetv2"].name(key)


def test_converters_belong_to_networks() -> None:
    assert set(CONVERTERS) <= set(BACKBONES) | set(HEADS)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"state_dict": state, "meta": {"epoch": 60, "best": np.float64(0.5)}, "optimizer": {}},
        lambda state: {"model": OrderedDict(state)},
        lambda state: {"state_dict": OrderedDict((f"module.{name}", v) for name, v in state.items())},
        lambda state: {f"module.{name}": value for name, value in state.items()},
        lambda state: {**state, "data_preprocessor.mean": torch.zeros(3, 1, 1)},
    ],
    ids=["bare", "wrapped", "model", "parallel", "bare-parallel", "preprocessor"],
)
def test_ways_of_wrapping(wrap: Any, tmp_path: Path) -> None:
    published, images, expected = published_hourglass()
    path = tmp_path / "official.pth"
    torch.save(wrap(dict(published)), path)
    landmarker, conversion = load_official(path, small_recipe())
    assert not landmarker.training
    with torch.no_grad():
        torch.testing.assert_close(landmarker(images)["heatmap"], expected, rtol=1e-4, atol=1e-4)
    assert sum(name.startswith("backbone.inters.0.") for name in conversion.dropped) == 12


def test_the_old_file_format(tmp_path: Path) -> None:
    path = tmp_path / "old.pth"
    torch.save({"state_dict": {"a": torch.ones(2)}}, path, _use_new_zipfile_serialization=False)
    assert read_state(path)["a"].tolist() == [1.0, 1.0]


class Trap:
    """What an unsafe loader would run."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("trapped"),))


def test_bad_files_say_what_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "official.pth"
    with pytest.raises(FileNotFoundError, match="no such checkpoint"):
        read_state(path)
    torch.save({"a": torch.zeros(5000)}, path)
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(ValueError, match="is the download whole"):
        read_state(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is on its way out
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), str(path))
    with pytest.raises(ValueError, match=r"found a TorchScript archive.*state_dict\(\)"):
        read_state(path)
    for content in (b"", b"<html>not found</html>"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="not readable as a PyTorch checkpoint"):
            read_state(path)
    torch.save({"state_dict": {"a": torch.zeros(1)}, "meta": Trap()}, path)
    with pytest.raises(ValueError, match=r"found getattr beside the weights, expected tensors"):
        read_state(path)
    assert not (tmp_path / "trapped").exists()
    torch.save([torch.zeros(1)], path)
    with pytest.raises(ValueError, match="found list, expected names and tensors"):
        read_state(path)
    torch.save({"weights": {"a": torch.zeros(1)}, "epoch": 3}, path)
    with pytest.raises(ValueError, match="found no tensors at weights, epoch"):
        read_state(path)


def test_everything_that_does_not_fit_is_listed() -> None:
    published, _, _ = published_hourglass()
    own = heatmap_rows.own_tensors(build_landmarker(small_recipe()))
    state = dict(published)
    del state["backbone.stem.1.0.bn2.bias"], state["keypoint_head.multi_final_layers.0.weight"]
    state["backbone.extra.weight"] = state["fc.bias"] = torch.zeros(1)
    state["backbone.stem.0.conv.weight"] = torch.zeros(4, 3, 3, 3)
    state["head.multi_final_layers.0.bias"] = torch.zeros(19)
    with pytest.raises(ValueError) as caught:
        CONVERTERS["hourglass"].convert(state, own, "file")
    assert str(caught.value) == (
        "file: these are not the weights of that network (2 unknown, 2 missing, 2 wrong); "
        "unknown: backbone.extra.weight, fc.bias; "
        "missing: backbone.stem.1.layers.1.1.bias, head.last.weight; "
        "wrong: backbone.stem.0.conv.weight has shape (4, 3, 3, 3), expected (4, 3, 7, 7), "
        "head.multi_final_layers.0.bias stands for head.last.bias a second time"
    )


def official_hrnet(stages: int, k: int) -> dict[str, Tensor]:
    """KeyPosS's checkpoint: every stage, four stem convolutions of one norm, a layer that nothing uses."""
    maximal = heatmap_rows.recipe_of(
        k,
        {
            "backbone": {"name": "hrnetv2", "width": 4, "strides": [2] * 4},
            "neck": {"name": "concat"},
            "head": {"name": "heatmap", "convolutions": [4 * (2**stages - 1)]},
        },
    )
    state: dict[str, Tensor] = {}
    converter, landmarker = CONVERTERS["hrnetv2"], build_landmarker(maximal)
    own = heatmap_rows.own_tensors(landmarker)
    width = 4 * (2**stages - 1)
    own["head.layers.0.weight"] = torch.rand(width, width, 1, 1)
    for name in official_names():
        ours = converter.name(name)
        if ours in own:
            state[name] = torch.rand_like(own[ours].float())
    state["keypoint_head.downscale_layer.0.weight"] = torch.zeros(3)
    assert len(state) == len(own) - 2 * 5 + 1, "all but two norms of the stem"
    return state


def official_names() -> list[str]:
    """The 0.x names of HRNetV2 with four stem convolutions."""
    norm = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]

    def pair(convolution: str, of: str) -> list[str]:
        return [f"{convolution}.weight", *(f"{of}.{entry}" for entry in norm)]

    names = [*pair("conv1", "bn1"), *pair("conv2", "bn2"), "conv3.weight", "conv4.weight"]
    for i in range(4):
        names += [n for c in (1, 2, 3) for n in pair(f"layer1.{i}.conv{c}", f"layer1.{i}.bn{c}")]
    names += pair("layer1.0.downsample.0", "layer1.0.downsample.1")
    for at in ("transition1.0", "transition1.1.0", "transition2.2.0", "transition3.3.0"):
        names += pair(f"{at}.0", f"{at}.1")
    for stage, modules in ((2, 1), (3, 4), (4, 3)):
        for at in (f"stage{stage}.{m}" for m in range(modules)):
            for branch in range(stage):
                for block in (f"{at}.branches.{branch}.{i}" for i in range(4)):
                    names += [n for c in (1, 2) for n in pair(f"{block}.conv{c}", f"{block}.bn{c}")]
                for j in range(branch + 1, stage):
                    names += pair(f"{at}.fuse_layers.{branch}.{j}.0", f"{at}.fuse_layers.{branch}.{j}.1")
                for j in range(branch):
                    for step in (f"{at}.fuse_layers.{branch}.{j}.{s}" for s in range(branch - j)):
                        names += pair(f"{step}.0", f"{step}.1")
    head = [*pair("final_layer.0", "final_layer.1"), "final_layer.0.bias", "final_layer.3.weight"]
    head += ["final_layer.3.bias"]
    return [f"backbone.{name}" for name in names] + [f"keypoint_head.{name}" for name in head]


@pytest.mark.parametrize("side", heatmap_rows.LOW_RESOLUTION)
def test_keyposs_checkpoints(side: int) -> None:
    strides, exchanges, _ = heatmap_rows.LOW_RESOLUTION[side]
    stages = len(exchanges) + 1
    state = official_hrnet(stages, 19)
    network = {
        "backbone": {"name": "hrnetv2", "width": 4, "strides": strides, "exchanges": exchanges},
        "neck": {"name": "concat"},
        "head": {"name": "heatmap", "convolutions": [4 * (2**stages - 1)]},
    }
    own = heatmap_rows.own_tensors(build_landmarker(heatmap_rows.recipe_of(19, network, side=side)))
    conversion = CONVERTERS["hrnetv2"].convert(state, own, "file")
    assert set(conversion.state) == set(own)
    for extra in range(2, len(strides)):
        shared_norm = conversion.state[f"backbone.stem.{extra}.1.running_mean"]
        assert shared_norm is state["backbone.bn2.running_mean"]
        assert (
            conversion.state[f"backbone.stem.{extra}.0.weight"] is state[f"backbone.conv{extra + 1}.weight"]
        )
    kinds = {name.split(".")[1] for name in conversion.dropped}
    unused = {2: {"conv3", "conv4"}, 3: {"conv4"}, 4: set()}[len(strides)]
    dropped_stages = {
        4: set(),
        3: {"stage4", "transition3"},
        2: {"stage3", "stage4", "transition2", "transition3"},
    }
    assert kinds == unused | dropped_stages[stages] | {"downscale_layer"}
    state["backbone.stage2.1.branches.0.0.conv1.weight"] = torch.zeros(1)
    with pytest.raises(ValueError, match=r"1 unknown\); unknown: backbone\.stage2\.1"):
        CONVERTERS["hrnetv2"].convert(state, own, "file")


def test_a_converter_of_ones_own() -> None:
    converter = Converter(renames=((r"^net\.", ""), (r"\.w$", ".weight")), dead=(r"net\.unused",))
    state = {"net.a.w": torch.ones(1), "net.unused.b": torch.zeros(1)}
    conversion = converter.convert(state, {"a.weight": torch.zeros(1)}, "file")
    assert conversion.state == {"a.weight": state["net.a.w"]} and conversion.dropped == ("net.unused.b",)


def test_a_backbone_without_published_weights(tiny_recipe: Recipe, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"recipe tiny: no published weights .* 'thin_resnet'; .*hrnetv2"):
        load_official(tmp_path / "any.pth", tiny_recipe)


def test_convert_writes_a_file_that_loads(tmp_path: Path) -> None:
    published, images, expected = published_hourglass()
    official, out, recipe = tmp_path / "official.pth", tmp_path / "out.safetensors", tmp_path / "row.yaml"
    torch.save({"state_dict": dict(published), "meta": {}}, official)
    recipe.write_text(yaml.safe_dump(small_recipe().model_dump(mode="json")))
    arguments = ["convert", str(official), str(out), "--recipe", str(recipe)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert (
        "dropped 12 tensors that the published network never uses: backbone.inters.0.conv1" in result.stdout
    )
    landmarker, loaded = native.load(out)
    assert loaded == small_recipe()
    with torch.no_grad():
        torch.testing.assert_close(landmarker(images)["heatmap"], expected, rtol=1e-4, atol=1e-4)
    assert not [name for name in load_file(out) if "inters" in name]
    header = native.read_header(out)
    assert header["source"] == "official.pth" and len(header["source_sha256"]) == 64
    assert header["training_data"] == "folder train"
    again = CliRunner().invoke(app, [*arguments[:2], str(tmp_path / "out.onnx"), *arguments[3:]])
    assert again.exit_code == 2 and "ends in .safetensors" in again.stderr
    wrong = CliRunner().invoke(app, ["convert", str(recipe), str(out), "--recipe", str(recipe)])
    assert wrong.exit_code == 2 and len(wrong.stderr.strip().splitlines()) == 1


def test_another_architecture_is_named(tmp_path: Path) -> None:
    published, _, _ = published_hourglass()
    path = tmp_path / "official.pth"
    torch.save(dict(published), path)
    scnet = {"backbone": {"name": "scnet", "width": 8}, "head": {"name": "heatmap"}}
    with pytest.raises(
        ValueError,
        match=r"found the weights of the network hourglass, expected scnet, which row has; ch",
    ):
        load_official(path, heatmap_rows.recipe_of(19, scnet, side=4, size=128))


@pytest.mark.parametrize("name", heatmap_rows.ARCHITECTURES)
def test_every_architecture_is_told_from_the_others(name: str, shared: Path) -> None:
    oracle = heatmap_rows.Oracle(shared / "oracles" / "heatmap_zoo")
    backbone = heatmap_rows.architecture(name).backbone.name
    assert architecture(oracle.shapes(name, "0x")) == architecture(oracle.shapes(name, "1x")) == backbone
    assert architecture(["conv1.weight", "fc.bias"]) is None


def test_a_name_promises_its_content(tmp_path: Path) -> None:
    published, _, _ = published_hourglass()
    file, out = tmp_path / "file.pth", tmp_path / "out.safetensors"
    torch.save(dict(published), file)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    named = file.rename(tmp_path / f"hourglass-{digest[:8]}_20210909.pth")
    convert_checkpoint(named, small_recipe(), out)
    assert native.read_header(out)["source_sha256"] == digest
    wrong = named.rename(tmp_path / "hourglass-6994cf2e_20210909.pth")
    with pytest.raises(ValueError, match=rf"begins with {digest[:8]}, expected 6994cf2e as its name says"):
        convert_checkpoint(wrong, small_recipe(), out)


def test_a_file_of_another_row_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def written(*_: object, mean_face: Path | None) -> tuple[Landmarker, Conversion]:
        return build_landmarker(small_recipe()), Conversion({}, ())

    monkeypatch.setattr(checkpoints, "convert_checkpoint", written)
    name = "hrnetv2_w18_wflw_256x256-2bf032a6_20210125.pth"
    for row, said in (("wflw-hrnetv2_w18", ""), ("wflw-hrnetv2_w18-dark", "published as wflw-hrnetv2_w18,")):
        assert convert(tmp_path / name, tmp_path / "out.safetensors", row) == 0
        assert (said in capsys.readouterr().err) and bool(said) == (row.endswith("dark"))
