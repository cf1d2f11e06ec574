"""Files of PFLD, SLPT, ADNet, STAR and FAN: how they are wrapped, what they may lack, `canthus convert`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor
from typer.testing import CliRunner

from canthus.build import build_landmarker
from canthus.checkpoints import convert_checkpoint, load_official, native
from canthus.checkpoints.official import read_state
from canthus.checkpoints.slpt import read_mean_face
from canthus.cli import app
from canthus.config import override
from canthus.recipe import Recipe, load_recipe

SLPT = [
    "backbone={name: hrnetv2, width: 2, exchanges: [1]}",
    "head={name: slpt, width: 8, layers: 1, heads: 2, cells: 3}",
    "losses.0.stages=[0.2, 0.3, 0.5]",
    "size=64",
]


def small(row: str, changes: list[str]) -> Recipe:
    return Recipe.model_validate(override(load_recipe(row).model_dump(mode="json"), changes))


def official_pfld(k: int, inputs: int) -> dict[str, Tensor]:
    """A public file's tensors: names and shapes as its authors write them, values at random."""
    generator = torch.Generator().manual_seed(0)
    state: dict[str, Tensor] = {}

    def put(name: str, *shape: int) -> None:
        state[name] = torch.rand(shape, generator=generator) * 0.1

    def norm(name: str, width: int) -> None:
        for entry in ("weight", "bias", "running_mean", "running_var"):
            state[f"{name}.{entry}"] = torch.rand(width, generator=generator) + 0.5
        state[f"{name}.num_batches_tracked"] = torch.zeros((), dtype=torch.long)

    for number, inner in ((1, 3), (2, 64)):
        put(f"conv{number}.weight", 64, inner, 3, 3)
        norm(f"bn{number}", 64)
    blocks = [("conv3_1", 64, 64, 2), *((f"block3_{i}", 64, 64, 2) for i in range(2, 6))]
    blocks += [("conv4_1", 64, 128, 2), ("conv5_1", 128, 128, 4)]
    blocks += [*((f"block5_{i}", 128, 128, 4) for i in range(2, 7)), ("conv6_1", 128, 16, 2)]
    for name, inner, outer, times in blocks:
        wide = inner * times
        for place, shape in ((0, (wide, inner, 1, 1)), (3, (wide, 1, 3, 3)), (6, (outer, wide, 1, 1))):
            put(f"{name}.conv.{place}.weight", *shape)
            norm(f"{name}.conv.{place + 1}", shape[0])
    put("conv7.0.weight", 32, 16, 3, 3)
    norm("conv7.1", 32)
    put("conv8.weight", 128, 32, 7, 7)
    put("conv8.bias", 128)
    norm("bn8", 128)
    put("fc.weight", 2 * k, inputs)
    put("fc.bias", 2 * k)
    return state


@pytest.mark.parametrize("wrapper", ["pfld_backbone", "plfd_backbone"])
def test_pfld_without_its_pose_branch(wrapper: str, tmp_path: Path) -> None:
    path = tmp_path / "pfld.pth"
    torch.save({"epoch": 3, wrapper: official_pfld(68, 176)}, path)
    landmarker, conversion = load_official(path, load_recipe("300w-pfld_1x"))
    assert len(conversion.dropped) == 5 and all(name.startswith("bn8.") for name in conversion.dropped)
    assert conversion.kept and all(name.startswith("head.pose.") for name in conversion.kept)
    assert landmarker.head.points[1].weight.shape == (136, 176)


def test_the_version_of_pfld_is_recognised(tmp_path: Path) -> None:
    path, out = tmp_path / "pfld.pth", tmp_path / "pfld.safetensors"
    torch.save({"epoch": 3, "plfd_backbone": official_pfld(68, 4832)}, path)
    convert_checkpoint(path, load_recipe("300w-pfld_1x"), out)
    landmarker, recipe = native.load(out)
    assert recipe.head.options == {"pooled": False} and recipe.backbone.options == {"clamp": True}
    assert landmarker.head.points[1].weight.shape == (136, 4832)


def test_the_pose_branch_comes_along(tmp_path: Path) -> None:
    path = tmp_path / "pfld.pth"
    torch.save(
        {"pfld_backbone": {"fc.bias": torch.ones(2)}, "auxiliarynet": {"fc2.bias": torch.ones(3)}}, path
    )
    assert set(read_state(path)) == {"fc.bias", "auxiliarynet.fc2.bias"}
    torch.save({"net": {"a": torch.ones(1)}, "net_ema": {"a": torch.zeros(1)}, "epoch": 4}, path)
    assert read_state(path)["a"].item() == 1


def official_slpt(recipe: Recipe) -> dict[str, Tensor]:
    """What the converter reads as this network, by its own names where they are ours."""
    own = build_landmarker(recipe).state_dict()
    names = {
        "head.embed.weight": "feature_extractor.weight",
        "head.structure": "Transformer.structure_encoding",
        "head.queries": "Transformer.landmark_query",
        "head.place.weight": "out_layer.weight",
    }
    rest = {name: value for name, value in own.items() if not name.startswith(("codec.", "head.mean_face"))}
    return {names.get(name, name): value for name, value in rest.items()}


def test_slpt_needs_its_mean_face(tmp_path: Path) -> None:
    recipe, path, out = small("wflw-slpt6", SLPT), tmp_path / "slpt.pth", tmp_path / "slpt.safetensors"
    row, face = tmp_path / "row.yaml", tmp_path / "init_98.npz"
    state = official_slpt(recipe) | {"feature_norm.weight": torch.ones(256)}
    torch.save(state, path)
    row.write_text(yaml.safe_dump(recipe.model_dump(mode="json")))
    points = np.random.default_rng(0).uniform(40, 200, (98, 2))
    np.savez(face, init_face=points[None])
    command = ["convert", str(path), str(out), "--recipe", str(row)]
    alone = CliRunner().invoke(app, command)
    assert alone.exit_code == 2 and "--mean-face" in alone.stderr
    done = CliRunner().invoke(app, [*command, "--mean-face", str(face)])
    assert done.exit_code == 0, done.output
    landmarker, _ = native.load(out)
    np.testing.assert_allclose(landmarker.head.mean_face.numpy(), points / 256, rtol=1e-6)
    torch.testing.assert_close(landmarker.head.embed.weight, state["feature_extractor.weight"])
    with pytest.raises(ValueError, match="has no mean face; leave out --mean-face"):
        load_official(path, load_recipe("300w-pfld_1x"), mean_face=face)


def test_files_that_hold_no_mean_face(tmp_path: Path) -> None:
    path = tmp_path / "face.npy"
    with pytest.raises(FileNotFoundError, match="no such file of a mean face"):
        read_mean_face(path)
    np.save(path, np.zeros((3, 68)))
    with pytest.raises(ValueError, match=r"found \(3, 68\), expected one array \(K, 2\)"):
        read_mean_face(path)
    path.write_bytes(b"text")
    with pytest.raises(ValueError, match=r"not a readable \.npy"):
        read_mean_face(path)
