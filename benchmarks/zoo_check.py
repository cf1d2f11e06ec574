"""Every row of the zoo at full size: parity with the original implementations, export, speed; a dated page.

python benchmarks/zoo_check.py [ROW ...] [--missing] [--shared ../shared] [--flip-test] [--repeats 10]

Rows that are named are measured anew, the others keep what `--json` holds; without names all are measured.
With `--missing` those are left out whose network and codec passed before, in this row or another.
Weights are the oracle's where it has the network, else random (made lively, see `zoo_weights.py`): no figure
here depends on what a network has learnt.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import peak_memory
import torch
from zoo_page import page
from zoo_parity import architecture_of, compare_all, load_official
from zoo_weights import enliven, pictures

from canthus.build import build_landmarker, scheme_of
from canthus.commands.benchmark import alternate, quantiles
from canthus.complexity import complexity_of_recipe
from canthus.export import Graph, ParityError, export
from canthus.formats import aside
from canthus.models.landmarker import Landmarker
from canthus.recipe import Recipe, load_recipe, recipe_names
from canthus.session import Session

ROOT = Path(__file__).parents[1]
#: What of a recipe the exported graph depends on: rows that agree in it are measured once.
GRAPH = ("scheme", "size", "normalization", "backbone", "neck", "head", "codec")


def main() -> int:
    """Measure, and write JSON and page after every row; 1 where something differs."""
    arguments = parse()
    torch.set_num_threads(1)
    content = json.loads(arguments.json.read_text()) if arguments.json.is_file() else {}
    content = {"networks": {}, "rows": {}, **content}
    content["rows"] = {row: entry for row, entry in content["rows"].items() if row in recipe_names()}
    oracle = arguments.shared / "oracles" / "heatmap_zoo"
    if arguments.parity and oracle.is_dir():
        for compared in compare_all(oracle):
            entry = {**compared.as_dict(), "date": date.today().isoformat()}
            content["networks"][compared.architecture] = entry
            tell(f"{compared.architecture}: {'passed' if compared.passed else 'DIFFERS'}")
            write(content, arguments)
    content["memory_without_model"] = peak_memory.of_a_new_process()
    kept = content["rows"].values() if arguments.missing else ()
    done = {entry["graph"]: entry for entry in kept if has_passed(entry)}
    for row in arguments.rows or recipe_names():
        recipe = load_recipe(row)
        graph = graph_of(recipe)
        if graph not in done:
            found = check(recipe, oracle, flip_test=arguments.flip_test, repeats=arguments.repeats)
            done[graph] = {"graph": graph, **found}
        content["rows"][row] = done[graph]
        tell(f"{row}: {done[graph].get('error') or 'passed'}")
        write(content, arguments)
    failed = [row for row, entry in content["rows"].items() if "error" in entry]
    failed += [name for name, entry in content["networks"].items() if not entry["passed"]]
    return 1 if failed else 0


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="default: all")
    shared = Path(os.environ.get("CANTHUS_SHARED", ROOT.parent / "shared"))
    parser.add_argument("--shared", type=Path, default=shared, help="folder that holds oracles/heatmap_zoo")
    parser.add_argument("--no-parity", dest="parity", action="store_false", help="leave the answers out")
    parser.add_argument("--missing", action="store_true", help="only what is not in the file, or has changed")
    parser.add_argument("--flip-test", action="store_true", help="export the mirrored pass too")
    parser.add_argument("--repeats", type=int, default=10, help="timed calls of each")
    parser.add_argument("--json", type=Path, default=ROOT / "docs" / "zoo_check.json")
    parser.add_argument("--markdown", type=Path, default=ROOT / "docs" / "zoo_check.md")
    return parser.parse_args()


def graph_of(recipe: Recipe) -> str:
    """A name for what the recipe's exported graph depends on; not for the code, after a change of which all
    rows are measured anew."""
    dumped = recipe.model_dump(mode="json")
    parts = json.dumps({name: dumped[name] for name in GRAPH}, sort_keys=True)
    return hashlib.sha256(parts.encode()).hexdigest()[:12]


def has_passed(entry: dict[str, Any]) -> bool:
    """Whether what was measured stands, for every row with the same graph."""
    return "graph" in entry and "error" not in entry


def check(recipe: Recipe, oracle: Path, *, flip_test: bool, repeats: int) -> dict[str, Any]:
    """Export a row, compare with the network, and measure both in turn on one thread."""
    architecture = architecture_of(recipe) if oracle.is_dir() else None
    landmarker = with_weights(recipe, architecture, oracle)
    crops = pictures(recipe.size, count=2, seed=0)
    counts = complexity_of_recipe(recipe)
    entry: dict[str, Any] = {
        "date": date.today().isoformat(),
        "weights": "random" if architecture is None else "oracle",
        "parameters": counts.params_executed,
        "products": counts.macs,
        "products_thop": counts.macs_thop,
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "row.onnx"
        started = time.perf_counter()
        try:
            parity = export(landmarker, recipe, path, crops=crops)
            if flip_test and recipe.test.flip:
                mirrored = export(landmarker, recipe, path.with_name("f.onnx"), crops=crops, flip_test=True)
                entry["flip_points"] = mirrored.points
        except ParityError as error:
            return {**entry, "error": str(error)}
        except Exception as error:  # whatever the exporter raises: the rows after this one are still of use
            return {**entry, "error": " ".join(f"{type(error).__name__}: {error}".split())[:200]}
        points = len(crops) * len(scheme_of(recipe))
        entry |= {"raw": parity.raw, "points": parity.points, "megabytes": path.stat().st_size / 1e6}
        entry["judged"] = f"{points - len(parity.ill_conditioned)}/{points}"
        entry["export_seconds"] = time.perf_counter() - started
        return {
            **entry,
            **speed(landmarker, path, crops[:1], repeats),
            "peak_mb": peak_memory.of_a_new_process(path),
        }


def with_weights(recipe: Recipe, architecture: str | None, oracle: Path) -> Landmarker:
    """The row's network with the oracle's weights of an architecture, or random ones."""
    torch.manual_seed(0)
    landmarker = build_landmarker(recipe).eval()
    if architecture is None:
        enliven(landmarker, recipe.size)
    else:
        load_official(landmarker, architecture, recipe, oracle)
    return landmarker


def speed(landmarker: Landmarker, path: Path, crop: np.ndarray, repeats: int) -> dict[str, float]:
    """Medians of network and file on one crop in turn, ms of the thread's processor time."""
    graph, session, one = Graph(landmarker).eval(), Session(path, threads=1), torch.from_numpy(crop)
    with torch.inference_mode():
        calls = [lambda: graph(one), lambda: session.run(images=crop)]
        eager, onnx = alternate(calls, repeats, warm_up=2, clock=time.thread_time)
    return {
        "torch_ms": quantiles(eager)["median_ms"],
        "onnx_ms": quantiles(onnx)["median_ms"],
        "ratio": float(np.median(eager / onnx)),
    }


def tell(line: str) -> None:
    """Progress on stderr."""
    sys.stderr.write(f"{line}\n")


def write(content: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Both files, whole at any time."""
    content["missing"] = len(set(recipe_names()) - set(content["rows"]))
    content["versions"] = {name: version(name) for name in ("torch", "onnxruntime", "numpy")}
    content["machine"] = f"{platform.machine()}, Python {platform.python_version()}"
    for path, text in (
        (arguments.json, json.dumps(content, indent=1) + "\n"),
        (arguments.markdown, page(content)),
    ):
        with aside(path) as part:
            part.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
