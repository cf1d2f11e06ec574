"""From the name of a model to its file."""

import sys
from pathlib import Path

import pytest

from canthus.runtime import models
from canthus.runtime.models import BUNDLED, model_file


def test_bundled_names_and_paths(tiny_landmark_onnx: Path) -> None:
    assert model_file() == model_file("face68")
    assert model_file().parts[-2:] == ("assets", "face68.onnx")
    assert model_file(tiny_landmark_onnx) == tiny_landmark_onnx
    assert set(BUNDLED) == {"face68"}


def test_unknown_names_get_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_rows", lambda: ["300w-pfld_1x"])
    with pytest.raises(ValueError, match="did you mean 300w-pfld_1x"):
        model_file("300w-pfld1x")
    with pytest.raises(ValueError, match="did you mean face68"):
        model_file("face-68")
    with pytest.raises(ValueError, match="bundled: face68"):
        model_file("qqqq")


@pytest.mark.parametrize("name", ["no.onnx", "no.safetensors"])
def test_missing_files(name: str) -> None:
    with pytest.raises(FileNotFoundError, match=rf"{name}: no such model file"):
        model_file(name)


def test_weights_without_torch_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "a.safetensors"
    weights.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "canthus.export", None)  # as if its imports had failed
    with pytest.raises(ValueError, match=r"needs PyTorch .*pip install 'canthus\[train\]'"):
        model_file(weights)


def test_rows_are_exported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Export:
        @staticmethod
        def cached_export(name: str) -> Path:
            return tmp_path / f"{name}.onnx"

    monkeypatch.setattr(models, "_rows", lambda: ["some-row"])
    monkeypatch.setitem(sys.modules, "canthus.export", Export)
    assert model_file("some-row") == tmp_path / "some-row.onnx"
