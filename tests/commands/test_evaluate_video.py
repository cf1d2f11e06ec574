"""`canthus evaluate-video`: the page, the figures, and errors in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from canthus.cli import app
from canthus.commands import evaluate_video as evaluate_module
from canthus.commands.evaluate_video import Material, evaluate_video
from canthus.datasets import DATASETS
from canthus.stability import sequences
from canthus.stability.run import ALONE, POOLED, RAW, WAYS


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Videos of half a second."""
    monkeypatch.setattr(sequences, "SECONDS", 0.5)


def test_figures_on_real_photographs(
    data: Path,
    tmp_path: Path,
    short: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = evaluate_module.slid_presence
    monkeypatch.setattr(
        evaluate_module, "slid_presence", lambda model, samples, **more: whole(model, samples[:8], **more)
    )
    report, page = tmp_path / "video.json", tmp_path / "video.md"
    material = Material(data, "helen_test", photos=4, crossings=1)
    assert evaluate_video(material, json_file=report, markdown=page) == 0
    result = json.loads(report.read_text())
    assert result["command"] == (
        "canthus evaluate-video --root DATA --split helen_test --photos 4 --crossings 1 --seed 0"
    )
    assert set(result["figures"]) == {*sequences.SINGLE, "crossing", POOLED}
    pooled = result["figures"][POOLED]
    assert tuple(pooled) == WAYS
    assert pooled[RAW]["frames"] == pooled[ALONE]["frames"] > 50
    assert 1 < pooled[RAW]["nme"] < 6
    rest = result["figures"]["still"]
    assert rest["causal, medium"]["jitter"] < rest["causal, low"]["jitter"] < rest[RAW]["jitter"] / 2
    assert abs(pooled[RAW]["lag"]) < 0.3
    presence = result["presence"]
    assert presence["faces"] == 8 and presence["auc_lost"] > 0.9 < presence["auc_background"]
    assert presence["above"]["off by 0"]["0.5"] > 99 > 1 > presence["above"]["background"]["0.5"]
    assert page.read_text() == capsys.readouterr().out
    assert "* Against *followed, raw*: jitter at medium is " in page.read_text()


def test_the_same_videos_for_a_seed(data: Path, short: None) -> None:
    labelled = DATASETS["300w"](data / "300w", "helen_test", allow_missing=True)
    chosen = [labelled[i] for i in (0, 5)]
    first, again = (list(sequences.videos(chosen, labelled.scheme, crossings=1, seed=3)) for _ in range(2))
    other = list(sequences.videos(chosen, labelled.scheme, crossings=1, seed=4))
    for a, b, c in zip(first, again, other, strict=True):
        assert (a.truth == b.truth).all() and (a.truth != c.truth).any()
        assert (next(a.render()) == next(b.render())).all()


def test_missing_data_is_one_line(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["evaluate-video", "--root", str(tmp_path)])
    assert result.exit_code == 2
    assert result.output.count("\n") == 1 and "300w: no labelled face" in result.output
