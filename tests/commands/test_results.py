"""The page of results, from real runs of a model made by hand."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import dataset_trees
import pytest
from typer.testing import CliRunner

from canthus.cli import app
from canthus.commands import results as module
from canthus.commands.results import Run, read_measured
from canthus.commands.results_page import page, table
from canthus.commands.results_summary import fill, summary
from canthus.runtime.models import BUNDLED


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


def test_a_clone_is_refreshed(
    root: Path, tiny_landmark_onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BUNDLED, "tiny", str(tiny_landmark_onnx))
    clone = tmp_path / "clone"
    (clone / "docs").mkdir(parents=True)
    assets = clone / "src" / "canthus" / "assets"
    assets.mkdir(parents=True)
    (assets / "other.md").write_text("# Model card: other\n\n## Limits\n")
    (clone / "README.md").write_text("before\n<!-- results:start -->\nold\n<!-- results:end -->\nafter\n")
    (clone / "docs" / "licences.md").write_text("<!-- cards:start -->\n<!-- cards:end -->\n")
    command = ["results", "--root", str(root), "--model", "tiny", "--measured", str(tmp_path / "nothing")]
    outputs = ["--output", str(tmp_path / "page.md"), "--json", str(tmp_path / "all.json")]
    result = CliRunner().invoke(app, [*command, *outputs, "--checkout", str(clone)])
    assert result.exit_code == 0, result.output
    metrics = [report["metrics"] for report in json.loads((tmp_path / "all.json").read_text())]
    text = (clone / "README.md").read_text()
    assert text.startswith("before\n<!-- results:start -->\n") and "old" not in text
    assert text.endswith("<!-- results:end -->\nafter\n")
    assert f"| tiny | {metrics[0]['nme/inter_ocular']:.2f} | - |" in text
    assert f"50 % ellipse: {metrics[0]['calibration/inside_50']:.0f} %" in text
    card = (assets / "tiny.md").read_text()
    assert hashlib.sha256(tiny_landmark_onnx.read_bytes()).hexdigest() in card
    assert f"| presence AUC | {metrics[0]['presence_auc']:.4f} | {metrics[1]['presence_auc']:.4f} |" in card
    licences = (clone / "docs" / "licences.md").read_text()
    assert "### other\n\n#### Limits\n\n### tiny" in licences
    assert str(root) not in text + card + licences


def test_a_page_without_markers_is_named(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("<!-- results:end -->\n<!-- results:start -->\n")
    with pytest.raises(ValueError, match=r"README\.md: found no <!-- results:start -->"):
        fill(page, "results", "text")
    assert page.read_text() == "<!-- results:end -->\n<!-- results:start -->\n"


def test_summary_shows_the_best_outside_model_and_the_other_measurements() -> None:
    def report(model: str, title: str, boxes: str, **metrics: float) -> dict[str, object]:
        return {"model": model, "title": title, "boxes": boxes, "faces": 9, "missed": 2, "metrics": metrics}

    ours = [
        report("m", "HELEN test", "landmarks", **{"nme/inter_ocular": 3.456}),
        report("m", "HELEN test", "detector builtin at 640 px", **{"nme/inter_ocular": 3.5}),
        report(
            "m", module.AFLW, "landmarks", **{"yaw_60/nme/landmark_box_sqrt_wh": 5.0, "visibility_auc": 0.9}
        ),
    ]
    peers = [
        report("outside: a", "HELEN test", "landmarks", **{"nme/inter_ocular": 4.0}),
        report("outside: b", "HELEN test", "landmarks", **{"nme/inter_ocular": 3.3}),
    ]
    recall = {"helen": 99.04, "afw": 80.0, "small": 82.1}
    others = {
        "peers": peers,
        "speed": {
            "settings": {"threads": 1, "batch": 1},
            "times": [
                {"model": "m", "what": "network", "median_ms": 1.234},
                {"model": "m", "what": "whole", "median_ms": 9},
            ],
        },
        "detector": {
            "allowed": 5,
            "negatives": 231,
            "figures": {"canthus": {"operating_point": {"recall": recall}}},
        },
    }
    text = summary(ours, others, "2026-01-01")
    assert "| m | 3.46 | 3.50 (2 missed) | - | - | 5.00 |" in text
    assert "| outside: b | 3.30 | - | - | - | - |" in text and "outside: a" not in text
    assert "m 1.23 ms" in text and "9.00" not in text
    assert "does not find: 2 of 9 on HELEN test\n" in text
    assert "99.0 / 80.0 / 82.1" in text and "231" in text and "AUC (AFLW2000): 0.900" in text


def test_the_page_has_both_errors_of_the_challenge() -> None:
    content = {
        "model": "light.safetensors",
        "rules": [{"name": "float32", "kept": True}, {"name": "at most 15 MB", "kept": True}],
        **{"dataset": "coco", "split": "test_3d", "faces": 150},
        "metrics": {
            "nme/crop_side": 2.2741,
            "nme/landmark_box_sqrt_wh": 4.667,
            **{
                f"{name}/nme/landmark_box_sqrt_wh": v
                for name, v in zip(("yaw_0_30", "yaw_30_60", "yaw_60"), (2, 4, 9), strict=True)
            },
            **{f"{name}/faces": 50 for name in ("yaw_0_30", "yaw_30_60", "yaw_60")},
        },
    }
    text = page([], {"challenge": content}, "2026-01-01").partition("## The light-weight challenge")[2]
    assert "(float32, at most 15 MB): all kept." in text and "--split test_3d" in text
    assert "* NME 2.274 % of the side of the picture" in text and "* mean of the three: 5.000 %" in text
    broken = {**content, "rules": [{"name": "float32", "kept": False}]}
    assert "(float32): not all kept." in page([], {"challenge": broken}, "2026-01-01")
