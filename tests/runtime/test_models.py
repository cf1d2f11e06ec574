"""From the name of a model to its file."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from canthus.cache import exported_file
from canthus.runtime import models
from canthus.runtime.models import BUNDLED, model_file, weights_file


def test_bundled_names_and_paths(tiny_landmark_onnx: Path) -> None:
    assert model_file() == model_file("face68")
    assert model_file().parts[-2:] == ("assets", "face68.onnx")
    assert model_file(tiny_landmark_onnx) == tiny_landmark_onnx
    assert set(BUNDLED) == {"face68"}
    for name in ("face68", tiny_landmark_onnx):
        with pytest.raises(ValueError, match=r"--flip-test: .* is an ONNX file, its passes are fixed"):
            model_file(name, flip_test=True)


def test_unknown_names_get_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "recipe_names", lambda: ["300w-pfld_1x"])
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


def test_a_checkpoint_has_to_be_converted(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"found \.pth, expected \.safetensors; .*canthus convert .*net\.p"):
        weights_file(path)


def test_weights_without_torch_say_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANTHUS_CACHE", str(tmp_path))
    weights = tmp_path / "a.safetensors"
    weights.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "canthus.export", None)  # as if its imports had failed
    with pytest.raises(ValueError, match=r"needs PyTorch .*pip install 'canthus\[train\]'"):
        model_file(weights)
    done = exported_file(weights)
    done.parent.mkdir()
    done.write_bytes(b"")
    assert model_file(weights) == done, "what was exported once needs no PyTorch"


def test_rows_are_exported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CANTHUS_CACHE", str(tmp_path))
    weights = tmp_path / "some-row.safetensors"
    weights.write_bytes(b"")

    def cached_export(path: Path, *, flip_test: bool) -> Path:
        return path.with_suffix(".flip" if flip_test else ".onnx")

    monkeypatch.setattr(models, "recipe_names", lambda: ["some-row"])
    monkeypatch.setattr(models, "row_weights", lambda row: tmp_path / f"{row}.safetensors")
    monkeypatch.setitem(sys.modules, "canthus.export", SimpleNamespace(cached_export=cached_export))
    assert weights_file("some-row") == weights
    assert model_file("some-row") == tmp_path / "some-row.onnx"
    assert model_file("some-row", flip_test=True) == tmp_path / "some-row.flip"
