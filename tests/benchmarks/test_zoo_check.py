"""The check of the zoo, at small size: what it compares and what it writes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import heatmap_rows
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from canthus.build import build_landmarker
from canthus.codecs.coordinates import Coordinates
from canthus.models.landmarker import Landmarker
from canthus.models.layers import convolution
from canthus.recipe import Recipe, load_recipe, recipe_names
from canthus.schemes import SCHEMES


@pytest.fixture(scope="module")
def script() -> ModuleType:
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    try:
        import zoo_check
    finally:
        del sys.path[0]
    return zoo_check


@pytest.fixture(scope="module")
def parity(script: ModuleType) -> ModuleType:
    return sys.modules["zoo_parity"]


@pytest.fixture(scope="module")
def weights(script: ModuleType) -> ModuleType:
    return sys.modules["zoo_weights"]


NETWORK = {
    "backbone": {"name": "hourglass", "stem": 4, "widths": [4, 6], "depths": [1, 2]},
    "head": {"name": "heatmap"},
}


def test_random_weights_say_something(weights: ModuleType) -> None:
    torch.manual_seed(0)
    recipe = heatmap_rows.recipe_of(19, NETWORK, side=16, size=64)
    landmarker = build_landmarker(recipe)
    weights.enliven(landmarker, 64)
    assert not any(module.training for module in landmarker.modules())
    with torch.no_grad():
        measured, others = (
            landmarker.predict(landmarker.normalize(torch.from_numpy(crops)))["heatmap"]
            for crops in (weights.pictures(64, count=n, seed=seed) for n, seed in ((4, weights.SEED), (2, 0)))
        )
    assert measured.mean().item() == pytest.approx(weights.LEVEL, rel=1e-4)
    assert measured.std().item() == pytest.approx(weights.SPREAD, rel=1e-4)
    assert (others.flatten(2).std(-1) > 0.01).all(), "no map is flat"
    assert (others[0] - others[1]).abs().max() > 0.1, "two pictures give two answers"


class Chain(nn.Module):
    """Twenty layers in a row, and a branch beside the last; one map."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(convolution(3, 32), *(convolution(32, 32) for _ in range(19)))
        self.branch, self.shortcut = (
            nn.Sequential(nn.Conv2d(32, 32, 1), nn.BatchNorm2d(32)) for _ in range(2)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        maps = self.layers(images)
        return [maps, self.branch(maps) + self.shortcut(maps)]


class Places(nn.Module):
    """Five points from the means of the last map."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(32, 16), nn.ReLU())
        self.place = nn.Linear(16, 2)

    def forward(self, maps: list[Tensor]) -> dict[str, Tensor]:
        means = maps[-1].mean((2, 3))[:, None] * torch.arange(1.0, 6.0).to(maps[-1])[:, None]
        return {"points": self.place(self.hidden(means))}


def lively(weights: ModuleType) -> Any:
    torch.manual_seed(0)
    landmarker = Landmarker(Chain(), None, Places(), Coordinates(SCHEMES["five"], 32))
    weights.enliven(landmarker, 32)
    return landmarker.double()


@torch.no_grad()
def test_noise_grows_little(weights: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """1.21 a layer without the bias, 1.025 with it: 23 times as much after 19 layers, in theory."""

    def growth() -> float:
        landmarker = lively(weights)
        images = landmarker.normalize(torch.from_numpy(weights.pictures(32, count=2, seed=0))).double()
        noise = 1e-7 * torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
        plain, moved = landmarker.backbone(images)[0], landmarker.backbone(images + noise)[0]
        return float((moved - plain).std() / plain.std() / (1e-7 / images.std()))

    little = growth()
    monkeypatch.setattr(weights, "BIAS", 0.0)
    assert little < 10 and growth() > 3 * little


@torch.no_grad()
def test_what_the_layers_give(weights: ModuleType) -> None:
    landmarker = lively(weights)
    network, head = landmarker.backbone, landmarker.head
    assert weights.branch_ends(landmarker) == {network.branch[-1]}
    assert network.shortcut[-1].weight.min() >= 0.5
    assert network.branch[-1].weight.max() <= 1.5 * weights.QUIET
    pictures = weights.pictures(32, count=weights.PICTURES, seed=weights.SEED)
    maps = network(landmarker.normalize(torch.from_numpy(pictures)).double())
    points = head(maps)["points"]
    assert (points - head.place.bias).std().item() == pytest.approx(weights.PLACES, rel=0.02)
    means = maps[-1].mean((2, 3))[:, None] * torch.arange(1.0, 6.0).double()[:, None]
    varying = head.hidden[0](means) - head.hidden[0].bias
    levels = head.hidden[0].bias / varying.std()
    assert levels.numpy() == pytest.approx(weights.BIAS, rel=0.02)


def test_what_has_to_be_measured(script: ModuleType) -> None:
    recipe = load_recipe("wflw-hrnetv2_w18")
    graph = script.graph_of(recipe)
    assert script.graph_of(load_recipe("wflw-hrnetv2_w18-awing")) == graph, "the loss is not in the graph"
    assert script.graph_of(load_recipe("wflw-hrnetv2_w18-dark")) != graph
    assert script.has_passed({"graph": graph, "raw": 0.0})
    assert not script.has_passed({"raw": 0.0}) and not script.has_passed({"graph": graph, "error": "differs"})


def test_missing_rows_alone_are_measured(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = ["wflw-hrnetv2_w18", "wflw-hrnetv2_w18-awing", "wflw-hrnetv2_w18-dark", "face68"]
    monkeypatch.setattr(script, "recipe_names", lambda: rows)
    monkeypatch.setattr(script.peak_memory, "of_a_new_process", lambda: 70.0)
    asked = []

    def check(recipe: Recipe, *_: Any, **__: Any) -> dict[str, Any]:
        asked.append(recipe.name)
        return {**ROW, **GOOD, **({"error": "differs"} if recipe.name == "face68" else {})}

    monkeypatch.setattr(script, "check", check)
    path = tmp_path / "zoo.json"
    options = ["--no-parity", "--json", str(path), "--markdown", str(tmp_path / "zoo.md")]

    def run(*words: str) -> int:
        asked.clear()
        monkeypatch.setattr(sys, "argv", ["zoo_check.py", *words, *options])
        return int(script.main())

    assert run("wflw-hrnetv2_w18-awing") == 0 and asked == ["wflw-hrnetv2_w18-awing"]
    content = json.loads(path.read_text())
    content["rows"] |= {"gone": content["rows"]["wflw-hrnetv2_w18-awing"]}
    path.write_text(json.dumps(content))
    assert run("--missing") == 1 and asked == ["wflw-hrnetv2_w18-dark", "face68"], "not what another row has"
    assert set(json.loads(path.read_text())["rows"]) == set(rows), "rows that are no more are dropped"
    assert run("--missing") == 1 and asked == ["face68"], "what failed is tried again"
    assert run() == 1 and asked == ["wflw-hrnetv2_w18", "wflw-hrnetv2_w18-dark", "face68"], "one a graph"
    assert "3 of 4 rows pass." in (tmp_path / "zoo.md").read_text()


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the system does not tell")
def test_memory_is_of_the_new_process(script: ModuleType, tiny_landmark_onnx: Path) -> None:
    ballast = np.ones(40_000_000)  # 320 MB here do not count there
    peak = script.peak_memory.of_a_new_process(tiny_landmark_onnx)
    assert ballast.all() and 20 < peak < 320


def answers(maps: np.ndarray) -> dict[str, np.ndarray]:
    flat = maps.reshape(*maps.shape[:2], -1)
    statistics = {name: getattr(flat, name)(-1) for name in ("mean", "std", "max", "min")}
    return {"channels": np.array([0, 2]), "heatmap": maps[0, [0, 2]], **statistics}


def test_the_worst_map(parity: ModuleType) -> None:
    maps = np.random.default_rng(0).normal(size=(2, 3, 8, 8))
    stored = answers(maps)
    assert parity.worst_map(maps, stored, "") < 1e-12
    spread = stored["std"].mean()
    seen, hidden = maps.copy(), maps.copy()
    seen[0, 2, 3, 3] += 0.01  # a kept map
    assert parity.worst_map(seen, stored, "") == pytest.approx(0.01 / spread)
    hidden[1, 1] += 0.02  # a map of which only statistics are kept
    assert parity.worst_map(hidden, stored, "") == pytest.approx(0.02 / spread)


def test_what_passes(parity: ModuleType) -> None:
    def compared(**differences: float) -> Any:
        return parity.Compared("a", "row", "x", differences, {})

    assert compared(maps=9e-4, maps_flip=1e-3, dark=0.05).passed
    assert not compared(maps=1.1e-3).passed and not compared(maps_flip=2e-3).passed
    assert not compared(maps=0.0, biased=0.06).passed and not compared(maps=float("nan")).passed


ROW = {"date": "2026-01-02", "weights": "random", "parameters": 1234567}
ROW |= {"products": 4.694e9, "products_thop": 4.771e9}
GOOD = {"raw": 1e-6, "points": 2e-5, "judged": "4/4", "torch_ms": 100.0, "onnx_ms": 40.0, "ratio": 2.51}
GOOD |= {"peak_mb": 123.4}


def test_the_page(script: ModuleType) -> None:
    network = {"architecture": "net_4", "against": "graph written out", "passed": False, "date": "2026-01-02"}
    network |= {"differences": {"maps": 2e-3}, "firm": {}}
    content = {
        "versions": {"torch": "2"},
        "machine": "x",
        "memory_without_model": 71.2,
        "missing": 3,
        "networks": {"net_4": network},
        "rows": {"b": {**ROW, **GOOD, "flip_points": 3e-5}, "a": {**ROW, "error": "raw output: differs"}},
    }
    text = script.page(content)
    assert "| net_4 | graph written out | 2.0e-03 | - | - | - | - | - | NO | 2026-01-02 |" in text
    sizes = "1,234,567 | 4.694 | 4.771"
    a = f"| a | random | {sizes} | raw output: differs | - | - | - | - | - | - | - | 2026-01-02 |"
    figures = "1.0e-06 | 2.0e-05 | 4/4 | 3.0e-05 | 100.0 | 40.0 | 2.51 | 123"
    b = f"| b | random | {sizes} | {figures} | 2026-01-02 |"
    assert f"{a}\n{b}\n" in text and "71 MB of it are Python" in text and "1 of 2 rows pass; 3 more" in text
    widths = {
        line.count("|")
        for line in text.splitlines()
        if line.startswith("| row") or line[:4] in ("| a ", "| b ")
    }
    assert widths == {15}


def test_every_row_of_the_mmpose_page_is_compared(parity: ModuleType) -> None:
    assert set(heatmap_rows.ARCHITECTURES) == set(parity.ROWS)
    assert {"wflw-hrnetv2_w18", "300w-hrnetv2_w18"} <= set(parity.ROWS.values()) & set(recipe_names())


def test_rows_find_their_network_in_the_oracle(parity: ModuleType) -> None:
    """Rows that differ in codec, crop or training only have the same tensors."""
    found = {name: parity.architecture_of(load_recipe(name)) for name in ("wflw-hrnetv2_w18-dark", "face68")}
    assert found == {"wflw-hrnetv2_w18-dark": "hrnetv2_w18_98", "face68": None}
    low = parity.architecture_of(load_recipe("300w-hrnetv2_w18-keyposs_16"))
    assert low is None
