"""The table of rows that were trained here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from canthus.build import build_landmarker
from canthus.checkpoints import native
from canthus.cli import app
from canthus.commands.results_trained import read_trained, trained_section
from canthus.recipe import Recipe

RUN = {
    **{"epochs": 30, "steps": 2130, "batch": 16, "processes": 1, "learning_rate": 0.001, "seed": 0},
    **{"precision": "bf16", "seconds": 690, "hardware": "CPU (AVX512), 1 thread", "torch": "2"},
    "changes": {},
}


def report(recipe: str, nme: float, **changes: Any) -> dict[str, Any]:
    return {
        "recipe": recipe,
        "codec": {"name": "dark", "side": 16},
        "training": RUN,
        "training_data": "300w train (1143)",
        "initial_weights": "scratch",
        "dataset": "300w",
        "labels": "ibug68",
        "split": "helen_test",
        "flip_test": True,
        "faces": 330,
        "metrics": {"nme/inter_ocular": nme, "failure_rate/inter_ocular@0.08": 2.5},
        "intervals": {"metrics": {"nme/inter_ocular": [nme - 0.1, nme + 0.1]}},
        **changes,
    }


def test_measured_trained_and_published_stand_apart(tmp_path: Path) -> None:
    other = {"codec": {"name": "paraboloid", "side": 16}}
    for name, content in {
        "b": report("own", 6.5, **other),
        "a": report("own", 6.0),
        "c": report(
            "300w-hrnetv2_w18", 4.0, training={**RUN, "changes": {"head.stacks": 1, "train.ema": None}}
        ),
    }.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    text = trained_section(read_trained(tmp_path))
    measured, trained, published = (part for part in text.split("\n\n") if part.startswith("| recipe"))
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in measured.splitlines()[2:]]
    assert [(line[0], line[1], line[6], line[7]) for line in lines] == [
        ("300w-hrnetv2_w18 (changed)", "dark, side 16", "4.00", "3.90 to 4.10"),
        ("own", "dark, side 16", "6.00", "5.90 to 6.10"),
        ("own", "paraboloid, side 16", "6.50", "6.40 to 6.60"),
    ]
    assert len(trained.splitlines()) == 2 + 2  # the same weights once
    assert "| own | 30 | 2130 | 16 | 0.001 | bf16 | 0 | 12 | CPU (AVX512), 1 thread | scratch |" in trained
    assert "| 300w train (1143) | head.stacks=1, train.ema=null |" in trained
    assert "| 300w train (1143) | - |" in trained
    assert "2.92" in published and "2.92" not in measured and "own" not in published


def test_files_that_are_no_such_reports(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ValueError, match="not a JSON file"):
        read_trained(tmp_path)
    (tmp_path / "a.json").write_text(json.dumps(report("own", 6.0, training={})))
    with pytest.raises(ValueError, match="not a report of a model trained here"):
        read_trained(tmp_path)
    assert read_trained(tmp_path / "none") == []


def test_a_report_tells_its_training(tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path) -> None:
    """From the header of the weights through the exported file into the report."""
    torch.manual_seed(0)
    weights = tmp_path / "tiny.safetensors"
    facts = {"training": json.dumps(RUN), "training_data": "made", "initial_weights": "scratch"}
    native.save(weights, build_landmarker(tiny_recipe).eval(), tiny_recipe, facts)
    call = ["evaluate", str(weights), "--dataset", "folder", "--root", str(tiny_data)]
    call += ["--split", "all", "--boxes", "landmarks", "--json", str(tmp_path / "r.json")]
    result = CliRunner().invoke(app, call)
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "r.json").read_text())
    assert content["training"] == RUN
    assert content["codec"]["name"] == tiny_recipe.codec.name
    assert content["initial_weights"] == "scratch"
