from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from typer.testing import CliRunner

from canthus.cli import app
from canthus.complexity import complexity, complexity_of_recipe, count
from canthus.models.transformer import Block
from canthus.recipe import load_recipe, recipe_names

ASSETS = Path(__file__).resolve().parent.parent / "src" / "canthus" / "assets"
#: Rows of which only the size was published, not the design.
NEAR = {
    *("wflw-fkp_mobilenetv3_060", "300w-fkp_mobilenetv3_060"),
    *("300w-fkp_mobilenetv3_071", "300w-fkp_mobilenetv3_077"),
}
SIZED = [name for name in recipe_names() if load_recipe(name).reference.size is not None]


class Small(nn.Module):
    """One of each kind of layer, and one that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3, stride=2, padding=1)  # (1, 3, 8, 8) -> (1, 4, 4, 4)
        self.norm = nn.BatchNorm2d(4)
        self.depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.linear = nn.Linear(4, 5)
        self.raw = nn.Parameter(torch.ones(5, 2))
        self.unused = nn.Linear(7, 11)

    def forward(self, x: Tensor) -> Tensor:
        x = self.depthwise(self.norm(self.convolution(x)))
        return self.linear(self.pool(x).flatten(1)) @ self.raw


def test_layers_by_hand() -> None:
    network = Small().eval()
    counts = count(network, torch.zeros(1, 3, 8, 8))
    layers = (4 * 27 + 4) + 8 + 4 * 9 + (20 + 5)
    assert counts["params_thop"] == layers
    assert counts["params_executed"] == layers + 10
    assert counts["params"] == layers + 10 + 7 * 11 + 11
    products = 64 * 27 + 64 * 9 + 4 * 5
    assert counts["macs"] == products + 5 * 2
    assert counts["macs_thop"] == products + 4 * 64 + 4 * (16 + 1)
    assert count(network, torch.zeros(1, 3, 8, 8)) == counts, "counting leaves nothing behind"


def test_attention_is_a_product_of_its_own() -> None:
    tokens, width = 10, 8
    counts = count(Block(width, 2).eval(), torch.zeros(1, tokens, width))
    linear = tokens * (3 + 1 + 2 + 2) * width * width
    assert counts["macs"] == linear + 2 * tokens * tokens * width
    assert counts["macs_thop"] == linear + 2 * 4 * tokens * width


@pytest.mark.parametrize("name", SIZED)
def test_rows_have_their_published_size(name: str) -> None:
    recipe = load_recipe(name)
    counts, published = complexity_of_recipe(recipe), recipe.reference.size
    assert published is not None and counts.macs_thop is not None and counts.params_thop is not None
    for found, expected in (
        (counts.macs_thop / 1e9, published.macs_thop),
        (counts.params_thop / 1e6, published.params_thop),
    ):
        if name in NEAR:
            assert found == pytest.approx(expected, rel=0.005)
        else:
            digits = len(f"{expected:.6g}".partition(".")[2])
            assert found == pytest.approx(expected, abs=0.51 * 10 ** -max(digits, 2))
    assert counts.params_executed == counts.params


@pytest.mark.parametrize(
    ("name", "params", "thop"),
    [
        ("wflw-pfld_1x", 1.265, 0.401),
        ("300w-pfld_025x", 0.625, 0.059),
        ("300w-star", 13.369, 17.047),
        ("wflw-slpt6", 13.194, 5.040),
        ("300w_lp-fan1", 6.250, 8.324),
        ("300w_lp-synergynet", 2.303, 0.101),
    ],
)
def test_systems_count_as_published(name: str, params: float, thop: float) -> None:
    """Millions of parameters that a prediction reads, 10^9 operations as thop counts the original network."""
    counts = complexity_of_recipe(load_recipe(name))
    assert counts.macs_thop is not None and round(counts.macs_thop / 1e9, 3) == thop
    assert round(counts.params_executed / 1e6, 3) == params


def onnx_file(path: Path, side: int | str) -> Path:
    """Convolution, deconvolution and matrix product on a picture of `side`."""
    weights = {"w": (4, 3, 3, 3), "d": (4, 2, 2, 2), "g": (8, 5), "unused": (3,)}
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["images", "w"], ["a"], pads=[1, 1, 1, 1]),
            helper.make_node("ConvTranspose", ["a", "d"], ["b"], strides=[2, 2]),
            helper.make_node("MatMul", ["b", "g"], ["c"]),
        ],
        "counted",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, side, side])],
        [helper.make_tensor_value_info("c", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(torch.zeros(shape).numpy(), name) for name, shape in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), str(path))
    return path


def test_onnx_files_by_hand(tmp_path: Path) -> None:
    counts = complexity(str(onnx_file(tmp_path / "a.onnx", 4)))
    assert counts.params == 4 * 27 + 32 + 40 + 3
    assert counts.macs == 64 * 27 + 64 * 8 + 2 * 8 * 5 * 8
    assert (counts.name, counts.size, counts.macs_thop) == ("a.onnx", 4, None)


def test_an_exported_file_computes_what_its_network_does() -> None:
    file, row = complexity(str(ASSETS / "face68.onnx")), complexity("face68")
    assert file.macs == pytest.approx(row.macs, rel=1e-3)
    assert file.params == pytest.approx(row.params, rel=2e-3)


def test_bad_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"any\.onnx: the shapes at Conv .* expected one for pictures of one"
    ):
        complexity(str(onnx_file(tmp_path / "any.onnx", "side")))
    (tmp_path / "bad.onnx").write_bytes(b"\x08\x07 not a model")
    with pytest.raises(ValueError, match=r"bad\.onnx: not readable as ONNX"):
        complexity(str(tmp_path / "bad.onnx"))
    with pytest.raises(FileNotFoundError, match=r"none\.onnx: no such"):
        complexity(str(tmp_path / "none.onnx"))


def test_the_command_writes_a_table_and_a_file(tmp_path: Path) -> None:
    path = tmp_path / "counts.json"
    names = ["face68", str(onnx_file(tmp_path / "a.onnx", 4))]
    result = CliRunner().invoke(app, ["zoo", "--complexity", *names, "--markdown", "--json", str(path)])
    assert result.exit_code == 0, result.output
    rows = [line.split(" | ") for line in result.stdout.splitlines()]
    assert [row[0] for row in rows[2:]] == ["| face68", "| a.onnx"] and rows[0][1] == "input"
    assert rows[2][1:4] == ["128", "2.552", "2.552"] and rows[3][5:] == ["-", "- |"]
    face68, _ = json.loads(path.read_text())
    assert face68["params"] == complexity("face68").params


def test_names_go_with_complexity() -> None:
    result = CliRunner().invoke(app, ["zoo", "face68"])
    assert result.exit_code == 2 and "--complexity" in result.output
    result = CliRunner().invoke(app, ["zoo", "--complexity", "face6"])
    assert result.exit_code == 2
