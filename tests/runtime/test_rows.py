"""A zoo row's weights from a server on this machine."""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path

import heatmap_rows
import published_graphs
import pytest
import torch
from file_server import serving
from published_graphs import Published
from typer.testing import CliRunner

from canthus.checkpoints import native
from canthus.cli import app
from canthus.commands.evaluate import _flips
from canthus.download import DownloadError
from canthus.recipe import Recipe
from canthus.runtime import models, rows

NETWORK = {
    "backbone": {"name": "hourglass", "stem": 4, "widths": [4, 6], "depths": [1, 2]},
    "head": {"name": "heatmap"},
}


@pytest.fixture(scope="module")
def checkpoint() -> bytes:
    """A small hourglass as its authors would publish it."""
    published = Published()
    published_graphs.hourglass(published, torch.zeros(1, 3, 32, 32), 4, [4, 6], [1, 2], 19)
    file = io.BytesIO()
    torch.save({"state_dict": dict(published), "meta": {"epoch": 60}}, file)
    return file.getvalue()


def row_of(address: str, sha256: str) -> Recipe:
    small = heatmap_rows.recipe_of(19, NETWORK, side=8, size=32).model_dump()
    return Recipe.model_validate({**small, "reference": {"checkpoint": address, "sha256": sha256}})


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CANTHUS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_row_is_downloaded_and_converted_once(
    checkpoint: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(checkpoint).hexdigest()
    name = f"/hourglass-{digest[:8]}_20210909.pth"
    with serving({name: checkpoint}) as files:
        recipe = row_of(files.address + name, digest[:8])
        monkeypatch.setattr(rows, "load_recipe", lambda row: recipe)
        path = rows.row_weights("row")
        assert rows.row_weights("row") == path
        assert len(files.asked) == 1
    assert (cache / "downloads" / name[1:]).read_bytes() == checkpoint
    landmarker, kept = native.load(path)
    assert kept == recipe
    assert native.read_header(path)["source_sha256"] == digest
    official = torch.load(io.BytesIO(checkpoint), weights_only=True)["state_dict"]
    assert torch.equal(landmarker.head.last.bias, official["keypoint_head.multi_final_layers.0.bias"])
    monkeypatch.setitem(sys.modules, "canthus.checkpoints", None)
    assert rows.row_weights("row") == path, "what was converted once needs no network and no PyTorch"


def test_without_a_network_the_message_says_what_to_do(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = row_of("http://127.0.0.1:9/x-2bf032a6_20210125.pth", "2bf032a6")
    monkeypatch.setattr(rows, "load_recipe", lambda row: recipe)
    monkeypatch.setattr(models, "recipe_names", lambda: ["row"])
    for arguments in (["predict", ".", "--model", "row"], ["export", "row", str(cache / "row.onnx")]):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 2 and len(result.stderr.splitlines()) == 1
        for part in (
            "http://127.0.0.1:9/x-2bf032a6_20210125.pth: cannot be downloaded (",
            f"put the file at {cache / 'downloads' / 'x-2bf032a6_20210125.pth'}",
            "canthus convert FILE OUT.safetensors --recipe row",
        ):
            assert part in result.stderr


def test_a_file_put_by_hand_needs_no_network(
    checkpoint: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256(checkpoint).hexdigest()
    recipe = row_of(f"http://127.0.0.1:9/x-{digest[:8]}.pth", digest[:8])
    monkeypatch.setattr(rows, "load_recipe", lambda row: recipe)
    place = cache / "downloads" / f"x-{digest[:8]}.pth"
    place.parent.mkdir(parents=True)
    place.write_bytes(checkpoint[:-1])
    with pytest.raises(DownloadError, match="delete it, and it is downloaded again"):
        rows.row_weights("row")
    place.write_bytes(checkpoint)
    assert rows.row_weights("row").is_file()


def test_another_recipe_is_another_file(checkpoint: bytes) -> None:
    first = row_of("https://a/x-2bf032a6.pth", "2bf032a6")
    second = Recipe.model_validate({**first.model_dump(), "codec": {"name": "dark", "side": 8}})
    assert rows.converted_file(first) != rows.converted_file(second)


def test_rows_without_weights_or_torch(monkeypatch: pytest.MonkeyPatch, tiny_recipe: Recipe) -> None:
    monkeypatch.setattr(rows, "load_recipe", lambda row: tiny_recipe)
    with pytest.raises(
        ValueError, match=r"no weights are published for this row; train it \(canthus train x"
    ):
        rows.row_weights("x")
    monkeypatch.setattr(rows, "load_recipe", lambda row: row_of("https://a/x-2bf032a6.pth", "2bf032a6"))
    monkeypatch.setitem(sys.modules, "canthus.checkpoints", None)
    with pytest.raises(ValueError, match=r"converted once, which needs PyTorch .*canthus\[train\]"):
        rows.row_weights("x")


def test_a_bundled_model_is_not_exported(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["export", "face68", str(tmp_path / "out.onnx")])
    assert result.exit_code == 2 and "face68: is an ONNX file already; copy " in result.stderr
    assert not list(tmp_path.glob("*.onnx"))


def test_a_row_is_scored_by_its_own_protocol() -> None:
    assert _flips("wflw-hrnetv2_w18")
