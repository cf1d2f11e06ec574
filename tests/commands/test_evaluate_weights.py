"""evaluate on trained weights: exported once, with or without the mirrored pass."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from canthus.cli import app
from canthus.recipe import Recipe


def test_flip_test_changes_the_result(
    tiny_recipe: Recipe, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch = pytest.importorskip("torch")
    from canthus.build import build_landmarker
    from canthus.checkpoints import native

    monkeypatch.setenv("CANTHUS_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    weights = tmp_path / "tiny.safetensors"
    native.save(weights, build_landmarker(tiny_recipe), tiny_recipe)
    arguments = ["evaluate", str(weights), "--dataset", "folder", "--root", str(tiny_data)]
    errors = {}
    for flip in (False, True):
        report = tmp_path / f"{flip}.json"
        result = CliRunner().invoke(
            app, [*arguments, "--json", str(report), *(["--flip-test"] if flip else [])]
        )
        assert result.exit_code == 0, result.output
        content = json.loads(report.read_text())
        assert content["flip_test"] is flip and content["model"] == "tiny.safetensors"
        errors[flip] = content["metrics"]["nme/landmark_box_sqrt_wh"]
    assert errors[True] != pytest.approx(errors[False], rel=1e-4)
