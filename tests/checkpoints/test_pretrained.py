"""Backbones that start from a published classifier, in the layouts of the usual files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import published_graphs
import pytest
import torch
from file_server import serving
from published_graphs import Published
from safetensors.torch import load_file
from torch import Tensor, nn
from typer.testing import CliRunner

from canthus.build import construct
from canthus.checkpoints import CONVERTERS, load_pretrained, native
from canthus.cli import app
from canthus.models.backbones import BACKBONES
from canthus.models.residual import Residual
from canthus.recipe import Part, Recipe

NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
SMALL: dict[str, dict[str, Any]] = {
    "resnet": {"name": "resnet", "width": 8, "depths": [1, 1]},
    "resnet_basic": {"name": "resnet", "width": 8, "depths": [1, 1], "block": "basic"},
    "hrnetv2": {"name": "hrnetv2", "width": 4, "exchanges": [1]},
    "keyposs": {"name": "hrnetv2", "width": 4, "strides": [4, 4, 2, 2], "exchanges": [1]},
    "mobilenetv2": {"name": "mobilenetv2"},
    "scnet": {"name": "scnet", "width": 8, "depths": [1, 1, 1, 1]},
}


def backbone(name: str) -> nn.Module:
    made: nn.Module = construct(Part(**SMALL[name]), BACKBONES, "backbone")
    return made


def torchvision_resnet(name: str = "resnet") -> dict[str, Tensor]:
    """A ResNet of one block a stage under torchvision's names, with its classifier."""
    network = backbone(name)

    def layer(module: nn.Module, convolution: str, norm: str) -> dict[str, Tensor]:
        assert isinstance(module, nn.Sequential)
        entries = {f"{convolution}.weight": module[0].weight}
        return entries | {f"{norm}.{entry}": value for entry, value in module[1].state_dict().items()}

    state = layer(network.stem[0], "conv1", "bn1")
    for number, stage in enumerate(network.stages, start=1):
        assert isinstance(stage, nn.Sequential) and isinstance(stage[0], Residual)
        for i, part in enumerate(stage[0].layers, start=1):
            state |= layer(part, f"layer{number}.0.conv{i}", f"layer{number}.0.bn{i}")
        if not isinstance(stage[0].shortcut, nn.Identity):
            at = f"layer{number}.0.downsample"
            state |= layer(stage[0].shortcut, f"{at}.0", f"{at}.1")
    state |= {"fc.weight": torch.zeros(10, 64), "fc.bias": torch.zeros(10)}
    return {name: torch.rand_like(value.float()) for name, value in state.items()}


def pair(convolution: str, norm: str, shape: tuple[int, ...]) -> dict[str, Tensor]:
    values = {f"{norm}.{entry}": torch.rand(shape[0]) for entry in NORM[:-1]}
    return {f"{convolution}.weight": torch.rand(shape), **values, f"{norm}.{NORM[-1]}": torch.tensor(7)}


def third_party_hrnet() -> dict[str, Tensor]:
    """The first two stages of an HRNet classifier of width 4 with its own head, no prefix."""
    state = pair("conv1", "bn1", (64, 3, 3, 3)) | pair("conv2", "bn2", (64, 64, 3, 3))
    for i in range(4):
        at = f"layer1.{i}"
        state |= pair(f"{at}.conv1", f"{at}.bn1", (64, 256 if i else 64, 1, 1))
        state |= pair(f"{at}.conv2", f"{at}.bn2", (64, 64, 3, 3))
        state |= pair(f"{at}.conv3", f"{at}.bn3", (256, 64, 1, 1))
    state |= pair("layer1.0.downsample.0", "layer1.0.downsample.1", (256, 64, 1, 1))
    state |= pair("transition1.0.0", "transition1.0.1", (4, 256, 3, 3))
    state |= pair("transition1.1.0.0", "transition1.1.0.1", (8, 256, 3, 3))
    for branch, width in ((0, 4), (1, 8)):
        for at in (f"stage2.0.branches.{branch}.{i}" for i in range(4)):
            for c in (1, 2):
                state |= pair(f"{at}.conv{c}", f"{at}.bn{c}", (width, width, 3, 3))
    state |= pair("stage2.0.fuse_layers.0.1.0", "stage2.0.fuse_layers.0.1.1", (4, 8, 1, 1))
    state |= pair("stage2.0.fuse_layers.1.0.0.0", "stage2.0.fuse_layers.1.0.0.1", (8, 4, 3, 3))
    state |= pair("stage4.0.branches.0.0.conv1", "stage4.0.branches.0.0.bn1", (4, 4, 3, 3))
    return state | pair("incre_modules.0.0.conv1", "incre_modules.0.0.bn1", (128, 4, 1, 1)) | classifier()


def classifier() -> dict[str, Tensor]:
    return {"classifier.weight": torch.zeros(10, 8), "classifier.bias": torch.zeros(10)}


def mmcls_mobilenet() -> dict[str, Tensor]:
    """Below `backbone.`, beside `head.fc`; in a `state_dict` with a record."""
    state: dict[str, Tensor] = {}

    def unit(at: str, shape: tuple[int, ...]) -> None:
        state.update(pair(f"{at}.conv", f"{at}.bn", shape))

    unit("backbone.conv1", (32, 3, 3, 3))
    inputs = 32
    rows = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))
    for number, (expansion, width, count) in enumerate(rows, start=1):
        for i in range(count):
            at, hidden = f"backbone.layer{number}.{i}.conv", inputs * expansion
            shapes = [(hidden, 1, 3, 3), (width, hidden, 1, 1)]
            for j, shape in enumerate([(hidden, inputs, 1, 1), *shapes] if expansion > 1 else shapes):
                unit(f"{at}.{j}", shape)
            inputs = width
    unit("backbone.conv2", (1280, 320, 1, 1))
    return state | {"head.fc.weight": torch.zeros(10, 1280), "head.fc.bias": torch.zeros(10)}


def third_party_scnet() -> dict[str, Tensor]:
    published = Published()
    published_graphs.scnet(published, torch.zeros(1, 3, 128, 128), 8, [1, 1, 1, 1], 4, 5)
    body = {k.removeprefix("backbone."): v for k, v in published.items() if k.startswith("backbone.")}
    return body | {"fc.weight": torch.zeros(10, 256), "fc.bias": torch.zeros(10)}


#: Backbone -> its classifier, a tensor of the backbone and the one in the file, tensors dropped.
LAYOUTS: dict[str, tuple[Callable[[], dict[str, Tensor]], str, str, int]] = {
    "resnet": (torchvision_resnet, "stages.1.0.layers.1.0.weight", "layer2.0.conv2.weight", 2),
    "resnet_basic": (
        partial(torchvision_resnet, "resnet_basic"),
        "stages.1.0.layers.0.1.bias",
        "layer2.0.bn1.bias",
        2,
    ),
    "hrnetv2": (
        third_party_hrnet,
        "stages.0.exchanges.0.fusions.1.0.0.1.running_var",
        "stage2.0.fuse_layers.1.0.0.1.running_var",
        14,
    ),
    "keyposs": (third_party_hrnet, "stem.3.1.running_mean", "bn2.running_mean", 14),
    "mobilenetv2": (mmcls_mobilenet, "stages.6.0.layers.2.1.bias", "backbone.layer7.0.conv.2.bn.bias", 2),
    "scnet": (
        third_party_scnet,
        "stages.3.0.layers.0.calibrated.1.coarse.1.weight",
        "layer4.0.scconv.k2.1.weight",
        2,
    ),
}


def own_name(network: nn.Module, contains: str) -> str:
    """The only name of the network's state that a pattern fits."""
    (name,) = (name for name in network.state_dict() if re.fullmatch(contains, name))
    return name


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("wrap", ["bare", "module.", "state_dict"])
def test_the_usual_files(name: str, wrap: str, tmp_path: Path) -> None:
    make, ours, theirs, unused = LAYOUTS[name]
    torch.manual_seed(0)
    state, path = make(), tmp_path / "classifier.pth"
    prefixed = {f"{wrap if wrap == 'module.' else ''}{key}": value for key, value in state.items()}
    torch.save({"state_dict": prefixed, "meta": {}} if wrap == "state_dict" else prefixed, path)
    network = backbone(name)
    fresh = {key: value.clone() for key, value in network.state_dict().items()}
    found = load_pretrained(path, network, CONVERTERS[SMALL[name]["name"]])
    assert len(found.dropped) == unused
    after = network.state_dict()
    assert torch.equal(after[own_name(network, ours)], state[theirs])
    untouched = {
        key for key, value in after.items() if torch.equal(value, fresh[key]) and not key.endswith(NORM[-1])
    }
    assert untouched == ({"stem.2.0.weight", "stem.3.0.weight"} if name == "keyposs" else set())


def test_older_files_have_no_counters(tmp_path: Path) -> None:
    state = {name: v for name, v in torchvision_resnet().items() if not name.endswith(NORM[-1])}
    torch.save(state, tmp_path / "resnet.pth")
    found = load_pretrained(tmp_path / "resnet.pth", backbone("resnet"), CONVERTERS["resnet"])
    assert len(found.state) == len(state) - 2


def test_weights_of_another_backbone(tmp_path: Path) -> None:
    state = torchvision_resnet()
    del state["bn1.weight"]
    state["conv1.weight"] = torch.zeros(8, 3, 3, 3)
    torch.save(state, tmp_path / "resnet.pth")
    message = (
        r"1 of its \d+ tensors are missing and 1 have another shape: missing backbone\.stem\.0\.1\.weight; "
        r"backbone\.stem\.0\.0\.weight has shape \(8, 3, 3, 3\)"
    )
    with pytest.raises(ValueError, match=message):
        load_pretrained(tmp_path / "resnet.pth", backbone("resnet"), CONVERTERS["resnet"])


@pytest.fixture
def row(tiny_recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recipe around the small ResNet whose reference names a file on a server that is not there."""
    monkeypatch.setenv("CANTHUS_CACHE", str(tmp_path / "cache"))
    return write_row(tiny_recipe, tmp_path, "http://127.0.0.1:9/net-2bf032a6.pth", "2bf032a6")


def write_row(tiny_recipe: Recipe, folder: Path, address: str, sha256: str) -> Path:
    recipe = {
        **tiny_recipe.model_dump(),
        "backbone": SMALL["resnet"],
        "neck": None,
        "head": {"name": "heatmap"},
        "codec": {"name": "heatmap", "side": 4},
        "losses": [{"name": "mse"}],
        "size": 32,
        "train": {"epochs": 1, "batch": 8, "workers": 0, "learning_rate": 1e-9, "ema": 0},
        "reference": {"pretrained": {"address": address, "sha256": sha256}},
    }
    path = folder / "row.yaml"
    path.write_text(Recipe.model_validate(recipe).model_dump_json())
    return path


def run(row: Path, data: Path, *arguments: str) -> tuple[str, dict[str, Tensor], dict[str, str]]:
    """What a training says on stderr, its weights and their header."""
    out = row.parent / "out"
    result = CliRunner().invoke(
        app, ["train", str(row), "--root", str(data), "--output", str(out), *arguments]
    )
    assert result.exit_code == 0, result.output
    weights = out / "tiny.safetensors"
    return result.stderr, load_file(weights), native.read_header(weights)


def test_training_starts_from_the_given_file(row: Path, tiny_data: Path, tmp_path: Path) -> None:
    state = torchvision_resnet()
    torch.save(state, tmp_path / "own.pth")
    said, weights, header = run(row, tiny_data, "--pretrained", str(tmp_path / "own.pth"))
    assert f"the backbone starts from {tmp_path / 'own.pth'}: " in said and "2 that it does not have" in said
    trained = weights["backbone.stages.1.0.layers.1.0.weight"]
    torch.testing.assert_close(trained, state["layer2.0.conv2.weight"], rtol=0, atol=1e-5)
    assert header["initial_weights"].startswith("own.pth, sha256 ")


def test_training_fetches_the_published_file(tiny_recipe: Recipe, row: Path, tiny_data: Path) -> None:
    path = row.parent / "net.pth"
    torch.save(torchvision_resnet(), path)
    body = path.read_bytes()
    name = f"/net-{hashlib.sha256(body).hexdigest()[:8]}.pth"
    with serving({name: body}) as files:
        write_row(tiny_recipe, row.parent, files.address + name, name[5:13])
        said, _, header = run(row, tiny_data)
    assert f"the backbone starts from {row.parent / 'cache' / 'downloads' / name[1:]}: " in said
    assert header["initial_weights"] == f"{name[1:]}, sha256 {name[5:13]}"


def test_without_a_network_training_starts_from_scratch(row: Path, tiny_data: Path) -> None:
    said, _, header = run(row, tiny_data)
    assert said.count("\n") == 1
    assert said.startswith("canthus: training starts from scratch: http://127.0.0.1:9/net-2bf032a6.pth: ")
    assert "give it with --pretrained PATH" in said
    assert header["initial_weights"] == "scratch"
    again = CliRunner().invoke(
        app,
        ["train", str(row), "--output", str(row.parent / "out"), "--resume", "--pretrained", str(row)],
    )
    assert again.exit_code == 2 and "--resume goes on: leave it out" in again.stderr


def test_a_wrong_start_is_refused_before_the_data_is_read(row: Path, tmp_path: Path) -> None:
    torch.save(third_party_hrnet(), tmp_path / "hrnet.pth")
    for given, message in (("hrnet.pth", "not weights of that backbone"), ("no.pth", "no such checkpoint")):
        result = CliRunner().invoke(
            app, ["train", str(row), "--root", "nowhere", "--pretrained", str(tmp_path / given)]
        )
        assert result.exit_code == 2 and message in result.stderr and result.stderr.count("\n") == 1
    place = tmp_path / "cache" / "downloads" / "net-2bf032a6.pth"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"<html>")
    result = CliRunner().invoke(app, ["train", str(row), "--root", "nowhere"])
    assert result.exit_code == 2 and "expected 2bf032a6" in result.stderr


def test_absent_data_is_told_before_the_download(tiny_recipe: Recipe, row: Path, tmp_path: Path) -> None:
    with serving({"/net-2bf032a6.pth": b"x"}) as files:
        write_row(tiny_recipe, row.parent, files.address + "/net-2bf032a6.pth", "2bf032a6")
        result = CliRunner().invoke(app, ["train", str(row), "--root", str(tmp_path / "nowhere")])
        assert result.exit_code == 2 and "nowhere" in result.stderr and result.stderr.count("\n") == 1
        assert files.asked == []
