"""The examples of the pages, run as they are printed."""

from __future__ import annotations

import json
import math
import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from test_docs import ROOT, fenced
from typer.testing import CliRunner

from canthus import Predictor
from canthus.cli import app
from canthus.codecs import Target
from canthus.runtime.landmarker import OnnxLandmarker
from canthus.runtime.models import model_file
from canthus.sample import Annotations
from canthus.schemes import SCHEMES


def run(command: str, *more: str) -> str:
    """What a `canthus ...` command line, which has to succeed, writes to stdout."""
    words = shlex.split(command)
    assert words[0] == "canthus"
    result = CliRunner().invoke(app, [*words[1:], *more])
    assert result.exit_code == 0, f"{command}: {result.output}"
    return result.stdout


def test_five_lines_of_readme(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = fenced(ROOT / "README.md", "python")
    assert len([line for line in block.splitlines() if line.strip()]) == 5
    monkeypatch.chdir(ROOT)
    names: dict[str, Any] = {}
    exec(block, names)
    assert capsys.readouterr().out.startswith("1 (1, 68, 2)")
    assert names["faces"].presence[0] > 0.5


def test_concepts(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = fenced(ROOT / "docs" / "concepts.md", "python")
    names: dict[str, Any] = {}
    exec(block, names)
    assert capsys.readouterr().out.startswith("68 right_eye_0 (42,")
    assert names["five"].shape == (5, 2)


def test_the_exported_file_without_this_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = next(text for text in fenced(ROOT / "docs" / "deployment.md", "python") if "onnxruntime" in text)
    assert "canthus" not in block
    (tmp_path / "face68.onnx").symlink_to(model_file("face68"))
    (tmp_path / "photo.jpg").symlink_to(ROOT / "samples" / "astronaut.jpg")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(block, names)
    assert OnnxLandmarker("face68.onnx").crop_rule.box_kind == names["rule"]["box_kind"]
    box = [[names[key] for key in ("x1", "y1", "x2", "y2")]]
    ours = Predictor("face68.onnx")("photo.jpg", box, names["rule"]["box_kind"]).points[0]
    assert np.linalg.norm(names["points"] - ours, axis=-1).mean() < 1.5  # px of a face 103 px wide


def test_walk_through_of_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "docs" / "training.md"
    monkeypatch.chdir(tmp_path)
    (make_faces,) = fenced(page, "python")
    (recipe,) = fenced(page, "yaml")
    Path("own.yaml").write_text(recipe)
    steps = next(text for text in fenced(page, "") if text.startswith("python make_faces.py")).splitlines()
    exec(make_faces, {})
    _, doctor, train, export, evaluate, predict = steps
    assert run(doctor).rstrip().endswith("\nwhole")
    assert run(train, "train.epochs=2").endswith("runs/own/own.safetensors\n")
    assert "parity" in run(export)
    assert "nme/inter_pupil" in run(evaluate)
    run(predict)
    assert len(json.loads(Path("faces.json").read_text())["images"]) == 30
    assert len(list(Path("annotated").glob("*.png"))) == 30
    again = next(text for text in fenced(page, "") if "--save-predictions" in text).splitlines()
    evaluated, scored = (run(step).partition("NME, %")[2] for step in again)
    assert evaluated == scored != ""


@pytest.fixture
def parts(tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The names of the page on extending, importable as `my_parts`, beside a `train.csv` of its format."""
    page = ROOT / "docs" / "extending.md"
    (tmp_path / "my_parts.py").write_text("\n\n".join(fenced(page, "python")))
    (tmp_path / "parts.yaml").write_text("\n".join(fenced(page, "yaml")))
    lines = []
    for label in sorted(tiny_data.glob("*.json")):
        points = np.ravel(json.loads(label.read_text())["points"])
        lines.append(",".join([f"{label.stem}.png", *(str(value) for value in points)]))
    (tiny_data / "train.csv").write_text("\n".join(lines) + "\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    names: dict[str, Any] = {}
    exec((tmp_path / "my_parts.py").read_text(), names)
    return SimpleNamespace(**names)


def test_extending_trains_with_one_part_of_each_kind(parts: SimpleNamespace, tiny_data: Path) -> None:
    page = ROOT / "docs" / "extending.md"
    lines = next(text for text in fenced(page, "") if "train parts.yaml" in text).splitlines()
    train, export = (line.removeprefix("PYTHONPATH=. ").replace("DATA", str(tiny_data)) for line in lines)
    run(train)
    run(export)
    model = OnnxLandmarker("parts.onnx")
    faces = model(np.zeros((40, 40, 3), np.uint8), [[4, 4, 30, 30]], "face")
    assert faces.scheme.name == "five" and faces.visibility is not None


def test_extending_parts_do_what_they_say(parts: SimpleNamespace, tiny_data: Path) -> None:
    dataset = parts.FiveCsv(tiny_data, "train")
    label = json.loads((tiny_data / "face00_1.json").read_text())
    assert len(dataset) == 24 and np.allclose(dataset[0].points, label["points"])
    with pytest.raises(FileNotFoundError, match=r"test\.csv; expected ROOT/SPLIT\.csv"):
        parts.FiveCsv(tiny_data, "test")

    view = SimpleNamespace(
        size=10,
        image=np.full((10, 10, 3), 255, np.uint8),
        points=np.array([[5.0, y] for y in range(5)]),
        visibility=np.array([1.0, 1.0, 0.0, 1.0, np.nan]),
    )
    rng = SimpleNamespace(random=lambda: 0.0, integers=lambda low, high: 1)
    parts.Bar(probability=0.5, height=0.3).paint(view, rng)
    assert np.array_equal(np.flatnonzero(view.image[:, 0, 0] == 0), [1, 2, 3])
    np.testing.assert_array_equal(view.visibility, [1, 0, 0, 0, np.nan])

    codec = parts.Centered(SCHEMES["five"], 32)
    points = torch.rand(2, 5, 2) * 31
    labels = Annotations(points, torch.ones(2, 5), torch.ones(2), torch.ones(2))
    outputs = {"centered": codec.encode(labels)["centered"].value}
    assert torch.allclose(codec.decode(outputs).points, points, atol=1e-4)
    mirrored = codec.decode(codec.mirror(outputs, SCHEMES["five"])).points
    assert torch.allclose(mirrored[:, 0, 0], 31 - points[:, 1, 0], atol=1e-4)

    value, truth = torch.tensor([[[0.1, 0.0]]]), torch.zeros(1, 1, 2)
    loss = parts.Cauchy(field="x", width=0.05)({"x": value}, {"x": Target(truth, torch.ones(1, 1))})
    assert loss.item() == pytest.approx(math.log(5.0))
    assert parts.TRIANGLE.convert(np.eye(3)[:, :2], parts.TRIANGLE).shape == (3, 2)
