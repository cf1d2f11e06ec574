from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from staged_parts import staged

from canthus.build import build_pipeline, build_sources
from canthus.checkpoints import native
from canthus.recipe import Recipe
from canthus.training.loop import train


def losses_of(folder: Path) -> list[float]:
    return [json.loads(line)["train/loss"] for line in (folder / "log.jsonl").read_text().splitlines()]


def learnt_scale(folder: Path) -> torch.Tensor:
    state = torch.load(folder / "state.pt", weights_only=True)
    scale: torch.Tensor = state["losses"]["losses.staged_parts:LearnedScale.log_scale"]
    return scale


def test_training_learns_and_leaves_everything_behind(
    tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path
) -> None:
    longer = tiny_recipe.model_copy(update={"train": tiny_recipe.train.model_copy(update={"epochs": 20})})
    path = train(longer, tiny_data, tmp_path / "out")
    losses = losses_of(tmp_path / "out")
    assert len(losses) == 20
    assert losses[-1] < 0.8 * losses[0]
    landmarker, recipe = native.load(path)
    assert recipe == longer
    assert landmarker.codec.covariance_scale.item() != 1.0
    header = native.read_header(path)
    assert "tiny" not in header["training_data"]
    assert header["training_data"].startswith("folder all (")
    run = json.loads(header["training"])
    assert (run["epochs"], run["batch"], run["processes"]) == (20, 8, 1)
    assert run["steps"] == run["epochs"] * 2 and run["seconds"] >= 0
    assert {file.name for file in (tmp_path / "out").glob("*.safetensors")} == {
        "tiny.safetensors",
        "best.safetensors",
    }
    entry = json.loads((tmp_path / "out" / "log.jsonl").read_text().splitlines()[-1])
    assert entry["validation/nme"] > 0
    assert any((tmp_path / "out").rglob("events.out.tfevents*"))
    assert not list((tmp_path / "out").glob(".*"))


def test_a_mean_face_is_learnt_from_the_training_split(
    tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path
) -> None:
    """Of the plain crops of the samples that are trained on, and of no others; it stays as it is."""
    changes = {
        "neck": None,
        "head": {"name": "slpt", "width": 8, "layers": 1, "heads": 2, "cells": 3, "reaches": [0.25]},
        "codec": {"name": "coordinates", "origin": "center"},
        "losses": [{"name": "normalized_distance"}],
        "train": {**tiny_recipe.train.model_dump(), "epochs": 1},
    }
    recipe = Recipe.model_validate({**tiny_recipe.model_dump(), **changes})
    path = train(recipe, tiny_data, tmp_path / "out")
    (training,), _ = build_sources(recipe, tiny_data)
    plain = build_pipeline(recipe, training=False)
    views = [plain(sample, np.random.default_rng(0)) for sample in training.samples]
    expected = np.mean([view.points for view in views], axis=0) / recipe.size
    mean_face = native.load(path)[0].head.mean_face.numpy()
    np.testing.assert_allclose(mean_face, expected, atol=0.002)  # kept pictures are cut to whole px
    assert np.ptp(mean_face, axis=0).min() > 0.2


def test_a_resumed_training_gives_the_same_weights(
    tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path
) -> None:
    recipe = staged(tiny_recipe)
    whole = load_file(train(recipe, tiny_data, tmp_path / "whole"))
    half = tmp_path / "half"
    script = f"""
from pathlib import Path
import torch
from canthus.recipe import Recipe
from canthus.training import loop
torch.set_num_threads({torch.get_num_threads()})  # sums are rounded alike only on as many threads
recipe = Recipe.model_validate_json(Path({str(tmp_path / "recipe.json")!r}).read_text())
write = loop.Journal.write
def stop_after_two(self, epoch, step, values):
    if epoch == 3:
        raise SystemExit(3)
    write(self, epoch, step, values)
loop.Journal.write = stop_after_two
loop.train(recipe, Path({str(tiny_data)!r}), Path({str(half)!r}))
"""
    (tmp_path / "recipe.json").write_text(recipe.model_dump_json())
    assert subprocess.run([sys.executable, "-c", script], check=False, env=single()).returncode == 3
    assert len(losses_of(half)) == 2
    resumed = load_file(train(recipe, tiny_data, half, resume=True))
    assert losses_of(half) == losses_of(tmp_path / "whole")
    assert whole.keys() == resumed.keys()
    for name in whole:
        assert torch.equal(whole[name], resumed[name]), name
    assert learnt_scale(half).abs().max() > 0
    assert torch.equal(learnt_scale(half), learnt_scale(tmp_path / "whole"))
    assert not any("log_scale" in name for name in whole)


def test_resuming_needs_a_state_of_the_same_recipe(
    tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError, match="nothing to resume"):
        train(tiny_recipe, tiny_data, tmp_path / "none", resume=True)
    train(tiny_recipe, tiny_data, tmp_path / "out")
    wider = Recipe.model_validate({**tiny_recipe.model_dump(), "head": {"name": "integral", "width": 12}})
    with pytest.raises(ValueError, match="made by another recipe"):
        train(wider, tiny_data, tmp_path / "out", resume=True)


def test_two_processes_give_the_loss_of_one(tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(staged(tiny_recipe).model_dump_json())
    arguments = ["train", str(recipe), "--root", str(tiny_data)]
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "canthus"]
    two = [*launch, *arguments, "train.batch=4", "--output", str(tmp_path / "two")]
    one = ["-m", "canthus", *arguments, "train.batch=8", "--output", str(tmp_path / "one")]
    for command in (two, one):
        subprocess.run([sys.executable, *command], check=True, env=single())
    assert losses_of(tmp_path / "two") == pytest.approx(losses_of(tmp_path / "one"), abs=1e-5)
    first, second = (load_file(tmp_path / name / "tiny.safetensors") for name in ("one", "two"))
    for name in first:
        torch.testing.assert_close(first[name], second[name], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(learnt_scale(tmp_path / "two"), learnt_scale(tmp_path / "one"))


def single() -> dict[str, str]:
    """The environment with one thread per process, in which the parts of the tests can be named."""
    path = os.pathsep.join([str(Path(__file__).resolve().parent.parent), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}


def test_a_loss_that_is_not_finite_ends_the_training(
    tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path
) -> None:
    train_options = {**tiny_recipe.train.model_dump(), "learning_rate": 1e30, "warmup": 0}
    wild = Recipe.model_validate({**tiny_recipe.model_dump(), "train": train_options})
    with pytest.raises(ValueError, match=r"not finite in epoch \d+: lower train\.learning_rate"):
        train(wild, tiny_data, tmp_path / "out")


def test_a_damaged_state_is_named(tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "state.pt").write_bytes(b"PK not a state")
    with pytest.raises(ValueError, match=r"state\.pt: damaged, cannot be resumed"):
        train(tiny_recipe, tiny_data, tmp_path / "out", resume=True)
