"""The page of results, from real runs of a model made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import dataset_trees
import pytest
from typer.testing import CliRunner

from canthus.cli import app
from canthus.commands import results as module
from canthus.commands.results import Run, read_measured
from canthus.commands.results_page import page, table


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    dataset_trees.w300(tmp_path / "300w")
    dataset_trees.coco(tmp_path / "aflw2000_merlrav", info={"v0": "self_occluded"}, split="test")
    dataset_trees.backgrounds(tmp_path / "negatives")
    chosen = [item for item in module.RUNS if item.boxes == "landmarks"]
    monkeypatch.setattr(module, "RUNS", tuple(chosen))
    return tmp_path


def test_every_figure_of_the_page_is_in_the_reports(root: Path, tiny_landmark_onnx: Path) -> None:
    folder = root / "docs"
    folder.mkdir()
    row = {
        "design": "a",
        "params": 1000,
        "macs": 20000,
        "epochs": 2,
        "validation": {"nme": 3.25},
        "command": "x y",
    }
    (folder / "designs.json").write_text(json.dumps([row]))
    result = CliRunner().invoke(
        app,
        [
            *("results", "--root", str(root), "--model", str(tiny_landmark_onnx), "--measured", str(folder)),
            *("--output", str(folder / "results.md"), "--json", str(folder / "all.json")),
        ],
    )
    assert result.exit_code == 0, result.output
    text = (folder / "results.md").read_text()
    reports = json.loads((folder / "all.json").read_text())
    assert [report["title"] for report in reports] == ["HELEN test", module.AFLW]
    for report in reports:
        metrics = report["metrics"]
        assert f"{metrics['nme/inter_ocular']:.2f}" in text and report["sha256"] in text
        assert f"{metrics['calibration/inside_50']:.1f}" in text
        assert f"{metrics['presence_auc']:.4f}" in text
        assert report["command"] in text
    yaw = reports[1]["metrics"]["yaw_30_60/nme/landmark_box_sqrt_wh"]
    assert yaw is not None and f"| {yaw:.2f} |" in text
    assert "| a | 1,000 | 20,000 | 2 | 3.25 |" in text
    assert str(root) not in text  # no path of this machine


def test_commands_are_ones_that_the_command_line_knows() -> None:
    words = Run("t", "coco", "folder", "test", "landmarks", "negatives").command("face68").split()
    assert words[:3] == ["canthus", "evaluate", "face68"]
    help_text = CliRunner().invoke(app, ["evaluate", "--help"], env={"COLUMNS": "200"}).stdout
    assert all(word in help_text for word in words if word.startswith("--"))


def test_peers_are_marked_and_share_the_tables() -> None:
    report = {
        "title": "HELEN test",
        "model": "outside: X",
        "outside": True,
        "sha256": "0",
        "boxes": "landmarks",
        "faces": 3,
        "missed": 0,
        "command": "python x",
        "versions": {},
        "metrics": {"nme/inter_ocular": 3.321},
    }
    text = page([], {"peers": [report]}, "2026-01-01")
    assert "| outside: X | HELEN test | landmarks | 3 | 0 | - | 3.32 | - |" in text
    assert "other people's models" in text and "## Designs" not in text


def test_broken_measurements_are_named(tmp_path: Path) -> None:
    (tmp_path / "speed.json").write_text("{")
    with pytest.raises(ValueError, match=r"speed\.json: not a JSON file"):
        read_measured(tmp_path)


def test_table() -> None:
    assert table(["a", "b"], [[1, 2]]) == "| a | b |\n|---|---|\n| 1 | 2 |"
