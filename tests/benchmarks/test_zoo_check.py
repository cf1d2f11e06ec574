"""The check of the zoo, at small size: what it compares and what it writes."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import heatmap_rows
import numpy as np
import pytest
import torch

from canthus.build import build_landmarker
from canthus.export import random_crops
from canthus.recipe import load_recipe, recipe_names


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


NETWORK = {
    "backbone": {"name": "hourglass", "stem": 4, "widths": [4, 6], "depths": [1, 2]},
    "head": {"name": "heatmap"},
}


def test_random_weights_say_something(script: ModuleType) -> None:
    torch.manual_seed(0)
    recipe = heatmap_rows.recipe_of(19, NETWORK, side=16, size=64)
    landmarker, crops = build_landmarker(recipe).eval(), random_crops(64, count=2)
    script.enliven(landmarker, crops)
    assert not any(module.training for module in landmarker.modules())
    with torch.no_grad():
        maps = landmarker.predict(landmarker.normalize(torch.from_numpy(crops)))["heatmap"]
    assert maps.mean().item() == pytest.approx(script.LEVEL, rel=1e-4)
    assert maps.std().item() == pytest.approx(script.SPREAD, rel=1e-4)
    assert (maps.flatten(2).std(-1) > 0.01).all(), "no map is flat"
    assert (maps[0] - maps[1]).abs().max() > 0.1, "two pictures give two answers"


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


def test_the_page(script: ModuleType) -> None:
    row = {"date": "2026-01-02", "weights": "random", "parameters": 1234567, "products": 4.694e9}
    good = {"raw": 1e-6, "points": 2e-5, "judged": "4/4", "torch_ms": 100.0, "onnx_ms": 40.0, "ratio": 2.51}
    network = {"architecture": "net_4", "against": "graph written out", "passed": False, "date": "2026-01-02"}
    network |= {"differences": {"maps": 2e-3}, "firm": {}}
    content = {
        "versions": {"torch": "2"},
        "machine": "x",
        "networks": {"net_4": network},
        "rows": {"b": {**row, **good, "flip_points": 3e-5}, "a": {**row, "error": "raw output: differs"}},
    }
    text = script.page(content)
    assert "| net_4 | graph written out | 2.0e-03 | - | - | - | - | - | NO | 2026-01-02 |" in text
    a = "| a | random | 1,234,567 | 4.694 | raw output: differs | | | | | | | 2026-01-02 |"
    figures = "4.694 | 1.0e-06 | 2.0e-05 | 4/4 | 3.0e-05 | 100.0 | 40.0 | 2.51"
    b = f"| b | random | 1,234,567 | {figures} | 2026-01-02 |"
    assert f"{a}\n{b}\n" in text
    widths = {
        line.count("|")
        for line in text.splitlines()
        if line.startswith("| row") or line[:4] in ("| a ", "| b ")
    }
    assert widths == {13}


def test_every_row_of_the_mmpose_page_is_compared(parity: ModuleType) -> None:
    assert set(heatmap_rows.ARCHITECTURES) == set(parity.ROWS)
    assert {"wflw-hrnetv2_w18", "300w-hrnetv2_w18"} <= set(parity.ROWS.values()) & set(recipe_names())


def test_rows_find_their_network_in_the_oracle(parity: ModuleType) -> None:
    """Rows that differ in codec, crop or training only have the same tensors."""
    found = {name: parity.architecture_of(load_recipe(name)) for name in ("wflw-hrnetv2_w18-dark", "face68")}
    assert found == {"wflw-hrnetv2_w18-dark": "hrnetv2_w18_98", "face68": None}
    low = parity.architecture_of(load_recipe("300w-hrnetv2_w18-keyposs_16"))
    assert low is None
