"""Compares designs of the bundled model on the validation slice: same data, schedule and backbone.

    python benchmarks/designs.py --root DATA --epochs 10 --output runs/designs --json docs/designs.json

Every design is the recipe `face68` with the changes of STUDY, a little smaller than what was trained in the
end, and with another head, codec and losses. The test sets are not touched.
Run it with OMP_NUM_THREADS=1 on a machine that does other work.
"""

from __future__ import annotations

import argparse
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

from torch.utils.flop_counter import FlopCounterMode

from canthus.build import build_landmarker
from canthus.config import override, read_yaml, validate
from canthus.recipe import Recipe
from canthus.training.loop import train

ATTRIBUTES = "attributes: [covariance, visibility, presence]"
BINARY = (
    "{name: binary_cross_entropy, field: visibility, weight: 0.1}, "
    "{name: binary_cross_entropy, field: presence, weight: 0.1}"
)
STUDY = [
    "backbone.depths=[1, 2, 2, 1]",
    "datasets.0.repeat=2",
    "datasets.2.repeat=0.6",
    "datasets.4.repeat=0.4",
    "transforms.3.rotate=35",
    "train.warmup=2",
]
DESIGNS: dict[str, list[str]] = {
    "integral, 16x16 maps": [],
    "pip, 8x8 cells": [
        "neck={name: top_down, level: 2, width: 96}",
        "head={name: pip, width: 128}",
        "codec={name: pip, side: 8, attributes: [visibility, presence]}",
        "losses=[{name: map_cross_entropy, field: cells, weight: 1}, "
        "{name: smooth_l1, field: offsets, weight: 1}, " + BINARY + "]",
    ],
    "coordinates": [
        "neck=null",
        "head={name: coordinates, width: 96}",
        "codec={name: coordinates, " + ATTRIBUTES + "}",
        "losses=[{name: distance, weight: 20}, {name: ellipse, weight: 0.02}, " + BINARY + "]",
    ],
    "coordinates, wing": [
        "neck=null",
        "head={name: coordinates, width: 96}",
        "codec={name: coordinates, " + ATTRIBUTES + "}",
        "losses=[{name: wing, weight: 10}, {name: ellipse, weight: 0.02}, " + BINARY + "]",
    ],
    "integral, 32x32 maps": [
        "neck={name: top_down, level: 0, width: 48}",
        "head={name: integral, width: 48}",
        "codec={name: integral, side: 32, sigma: 1.5, " + ATTRIBUTES + "}",
    ],
}


def main() -> None:
    """Train each design and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="parent folder of the datasets")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--output", type=Path, default=Path("runs/designs"))
    parser.add_argument("--json", type=Path, default=Path("docs/designs.json"))
    parser.add_argument("--only", nargs="*", default=list(DESIGNS), help="some of the designs")
    options = parser.parse_args()
    content = read_yaml(Path(__file__).parents[1] / "src/canthus/recipes/face68.yaml")
    for name in options.only:
        changes = [f"train.epochs={options.epochs}", f"train.validate_every={options.epochs}"]
        recipe = validate(Recipe, override(content, [*STUDY, *changes, *DESIGNS[name]]), name)
        output = options.output / name.replace(" ", "_").replace(",", "")
        train(recipe, options.root, output)
        last = json.loads((output / "log.jsonl").read_text().splitlines()[-1])
        row: dict[str, Any] = {"design": name, **complexity(recipe), "epochs": options.epochs}
        row["validation"] = {
            k.removeprefix("validation/"): v for k, v in last.items() if k.startswith("validation/")
        }
        row["command"] = f"python benchmarks/designs.py --root DATA --epochs {options.epochs}"
        row["date"] = date.today().isoformat()
        rows = json.loads(options.json.read_text()) if options.json.is_file() else []
        rows = [old for old in rows if old["design"] != name] + [row]
        aside = options.json.with_suffix(f".{os.getpid()}")
        aside.write_text(json.dumps(rows, indent=1) + "\n")
        aside.replace(options.json)
        print(json.dumps(row))


def complexity(recipe: Recipe) -> dict[str, int]:
    """Parameters and multiply-accumulates of one crop."""
    landmarker = build_landmarker(recipe).eval()
    with FlopCounterMode(display=False) as counter:
        landmarker.locate(landmarker.mean.new_zeros(1, 3, recipe.size, recipe.size))
    parameters = sum(parameter.numel() for parameter in landmarker.parameters())
    return {"params": parameters, "macs": counter.get_total_flops() // 2}


if __name__ == "__main__":
    main()
