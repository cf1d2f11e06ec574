"""Every row of the zoo at full size: parity with the original implementations, export, speed; a dated page.

python benchmarks/zoo_check.py [ROW ...] [--shared ../shared] [--flip-test] [--repeats 10]

Rows that are named are measured anew, the others keep what `--json` holds; without names all are measured.
Weights are the oracle's where it has the network, else random (made lively, see `enliven`): no figure here
depends on what a network has learnt.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from zoo_parity import architecture_of, compare_all, load_official

from canthus.build import build_landmarker, scheme_of
from canthus.commands.benchmark import alternate, quantiles
from canthus.complexity import complexity_of_recipe
from canthus.export import Graph, ParityError, export, random_crops
from canthus.formats import aside
from canthus.models.landmarker import Landmarker
from canthus.recipe import Recipe, load_recipe, recipe_names
from canthus.session import Session

ROOT = Path(__file__).parents[1]
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
#: What of a recipe the exported graph depends on: rows that agree in it are measured once.
GRAPH = ("scheme", "size", "normalization", "backbone", "neck", "head", "codec")
#: Channels from which on weights are centred over the channels that come in.
MANY = 16
#: Names of what does not lie on a branch.
STRAIGHT = r"stem|shortcut|transition|head\."
#: Level and spread of the maps that the last layer is set to: positive, with peaks below 1.
LEVEL, SPREAD = 0.5, 0.1


def main() -> int:
    """Measure, and write JSON and page after every row; 1 where something differs."""
    arguments = parse()
    torch.set_num_threads(1)
    content = json.loads(arguments.json.read_text()) if arguments.json.is_file() else {}
    content = {"networks": {}, "rows": {}, **content}
    oracle = arguments.shared / "oracles" / "heatmap_zoo"
    if arguments.parity and oracle.is_dir():
        for compared in compare_all(oracle):
            entry = {**compared.as_dict(), "date": date.today().isoformat()}
            content["networks"][compared.architecture] = entry
            tell(f"{compared.architecture}: {'passed' if compared.passed else 'DIFFERS'}")
            write(content, arguments)
    done: dict[str, dict[str, Any]] = {}
    for row in arguments.rows or recipe_names():
        recipe = load_recipe(row)
        key = json.dumps({name: recipe.model_dump(mode="json")[name] for name in GRAPH})
        if key not in done:
            done[key] = check(recipe, oracle, flip_test=arguments.flip_test, repeats=arguments.repeats)
        content["rows"][row] = done[key]
        tell(f"{row}: {done[key].get('error') or 'passed'}")
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
    parser.add_argument("--flip-test", action="store_true", help="export the mirrored pass too")
    parser.add_argument("--repeats", type=int, default=10, help="timed calls of each")
    parser.add_argument("--json", type=Path, default=ROOT / "docs" / "zoo_check.json")
    parser.add_argument("--markdown", type=Path, default=ROOT / "docs" / "zoo_check.md")
    return parser.parse_args()


def check(recipe: Recipe, oracle: Path, *, flip_test: bool, repeats: int) -> dict[str, Any]:
    """Export a row, compare with the network, and time both in turn on one thread."""
    torch.manual_seed(0)
    landmarker = build_landmarker(recipe).eval()
    crops = random_crops(recipe.size, count=2)
    architecture = architecture_of(recipe) if oracle.is_dir() else None
    if architecture is None:
        enliven(landmarker, crops)
    else:
        load_official(landmarker, architecture, recipe, oracle)
    graph, one = Graph(landmarker).eval(), torch.from_numpy(crops[:1])
    counts = complexity_of_recipe(recipe)
    entry: dict[str, Any] = {
        "date": date.today().isoformat(),
        "weights": "random" if architecture is None else "oracle",
        "parameters": counts.params,
        "products": counts.macs,
    }
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "row.onnx"
        try:
            parity = export(landmarker, recipe, path, crops=crops)
            if flip_test and recipe.test.flip:
                mirrored = export(landmarker, recipe, path.with_name("f.onnx"), crops=crops, flip_test=True)
                entry["flip_points"] = mirrored.points
        except ParityError as error:
            return {**entry, "error": str(error)}
        entry |= {"raw": parity.raw, "points": parity.points, "megabytes": path.stat().st_size / 1e6}
        points = len(crops) * len(scheme_of(recipe))
        entry["judged"] = f"{points - len(parity.ill_conditioned)}/{points}"
        entry["export_seconds"] = time.perf_counter() - started
        session = Session(path, threads=1)
        with torch.inference_mode():
            calls = [lambda: graph(one), lambda: session.run(images=crops[:1])]
            eager, onnx = alternate(calls, repeats)
    entry |= {"torch_ms": quantiles(eager)["median_ms"], "onnx_ms": quantiles(onnx)["median_ms"]}
    entry["ratio"] = float(np.median(eager / onnx))
    return entry


@torch.no_grad()
def enliven(landmarker: Landmarker, crops: np.ndarray) -> None:
    """Random weights under which every layer says something: He's, norms that fit what reaches them.

    Branches beside a straight way are quieter, and the level that all channels share after a ReLU cancels;
    otherwise deep networks would make much of the last digit.
    """
    generator = torch.Generator().manual_seed(0)
    for name, module in landmarker.named_modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            inputs = 0 if isinstance(module, nn.ConvTranspose2d) else 1
            if module.weight.shape[inputs] >= MANY:
                module.weight.sub_(module.weight.mean(inputs, keepdim=True))
        elif isinstance(module, NORMS):
            scale = 1.0 if re.search(STRAIGHT, name) else 0.3
            nn.init.uniform_(module.weight, 0.5 * scale, 1.5 * scale, generator=generator)
            nn.init.normal_(module.bias, 0, 0.1 * scale, generator=generator)
            module.momentum = 1.0
    images = landmarker.normalize(torch.from_numpy(crops))
    for module in landmarker.modules():
        module.train(isinstance(module, NORMS) or module.training)
    landmarker(images)
    landmarker.eval()
    last = getattr(landmarker.head, "last", None)
    if "heatmap" in landmarker.codec.fields and isinstance(last, nn.Conv2d):
        assert last.bias is not None
        last.weight.mul_(SPREAD / landmarker.predict(images)["heatmap"].std())
        last.bias.add_(LEVEL - landmarker.predict(images)["heatmap"].mean())


def tell(line: str) -> None:
    """Progress on stderr."""
    sys.stderr.write(f"{line}\n")


def write(content: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Both files, whole at any time."""
    content["versions"] = {name: version(name) for name in ("torch", "onnxruntime", "numpy")}
    content["machine"] = f"{platform.machine()}, Python {platform.python_version()}"
    for path, text in (
        (arguments.json, json.dumps(content, indent=1) + "\n"),
        (arguments.markdown, page(content)),
    ):
        with aside(path) as part:
            part.write_text(text, encoding="utf-8")


def page(content: dict[str, Any]) -> str:
    """The Markdown page."""
    known = ", ".join(f"{name} {number}" for name, number in content["versions"].items())
    networks = [network_line(entry) for _, entry in sorted(content["networks"].items())]
    rows = [row_line(row, entry) for row, entry in sorted(content["rows"].items())]
    return PAGE.format(
        known=f"{known}, {content['machine']}", networks="\n".join(networks), rows="\n".join(rows)
    )


def network_line(entry: dict[str, Any]) -> str:
    """A line of the table of architectures."""
    cells = [entry["architecture"], entry["against"]]
    for name in ("maps", "maps_flip", "biased", "biased_flip", "dark", "dark_flip"):
        value = entry["differences"].get(name)
        judged = entry["firm"].get(name)
        cells.append("-" if value is None else f"{value:.1e}" + (f" ({judged})" if judged else ""))
    return f"| {' | '.join([*cells, 'yes' if entry['passed'] else 'NO', entry['date']])} |"


def row_line(row: str, entry: dict[str, Any]) -> str:
    """A line of the table of rows."""
    size = f"{entry['parameters']:,} | {entry['products'] / 1e9:.3f}"
    if "error" in entry:
        return f"| {row} | {entry['weights']} | {size} | {entry['error']} | | | | | | | {entry['date']} |"
    flip = f"{entry['flip_points']:.1e}" if "flip_points" in entry else "-"
    found = f"{entry['raw']:.1e} | {entry['points']:.1e} | {entry['judged']} | {flip}"
    times = f"{entry['torch_ms']:.1f} | {entry['onnx_ms']:.1f} | {entry['ratio']:.2f}"
    return f"| {row} | {entry['weights']} | {size} | {found} | {times} | {entry['date']} |"


PAGE = """# The zoo, checked at full size

Written by `make zoo-check` (`python benchmarks/zoo_check.py`), {known}.

## Parity with the original implementations

Networks with the oracle's deterministic weights, loaded under their published names, on its input: two crops
of 256 px. Maps: the largest difference, in standard deviations of the maps (allowed: 1e-3). Points: the
largest difference in px of those that rounding noise does not move (so many of all), decoded with a
quarter-cell step and with DARK, without and with the flip test and its published shift (allowed: 0.05 px).
`graph written out`: no stored answer is at hand, and the comparison is with a second implementation in
`tests/published_graphs.py`.

| architecture | against | maps | maps, flip | points | points, flip | DARK | DARK, flip | passed | date |
|---|---|--:|--:|--:|--:|--:|--:|---|---|
{networks}

## Every row as ONNX

Weights of the oracle or random, decode in the graph; PyTorch against ONNX Runtime on two crops: raw outputs
in standard deviations (allowed: 1e-4), points in px (allowed: 1e-3; not judged where the peak's lead is below
the noise), points with the flip test in the graph. GMACs are products of convolutions and linear layers;
milliseconds the
median of a crop to points on one thread, batch 1, eager PyTorch and ONNX Runtime in turn; the ratio is the
median of the paired ratios. Times of a busy machine are long, the ratio holds.
Random weights make more of the last digit than learnt ones: a row whose raw outputs differ by little more
than the allowance is an open question about such weights, and is listed with its difference, not left out.

| row | weights | parameters | GMACs | raw | points | judged | flip | torch, ms | ONNX, ms | ratio | date |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|
{rows}
"""


if __name__ == "__main__":
    sys.exit(main())
