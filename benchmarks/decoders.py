"""How precisely and how fast heatmap decoders read points off maps: a table and a plot.

python benchmarks/decoders.py [--markdown docs/decoders.md] [--plot docs/images/decoders.png] [--json F]
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import date
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from canthus.codecs.dark import Dark
from canthus.codecs.heatmap import Heatmap
from canthus.codecs.keyposs import KeyPosSBlock, KeyPosSTopK
from canthus.codecs.paraboloid import Paraboloid
from canthus.schemes import SCHEMES

SCHEME, INPUT, SIGMA = SCHEMES["wflw98"], 256, 2.0
SIDES = (64, 32, 16, 8, 4)


INTRODUCTION = """# Decoders of Gaussian heatmaps

Written by `{command}`: synthetic maps, no network.
Errors are mean distances from the true positions in px of a 256 px input, by the side of the maps
({points} points each). The maps are Gaussians of sigma 2 cells with white noise, gain and width as each
heading says; the points lie at least 15 % of the crop from its edge, unless they may lie anywhere.
Times are CPU time of one thread for a face of 98 points, 32 faces at once, the least of several runs.

![errors](images/decoders.png)

`quarter cell` is the codec `heatmap`, `DARK` is `dark`, `KeyPosS 2x2` is `keyposs_block` and
`KeyPosS top K` is `keyposs_topk`.
"""


class Argmax(Heatmap):
    """The highest cell itself."""

    def refine(self, maps: Tensor, peaks: Tensor) -> Tensor:
        """No refinement."""
        return peaks


class Case(NamedTuple):
    """How maps differ from the ideal ones. `margin` is the share of the crop without points at each side."""

    noise: float = 0.0
    gain: float = 1.0
    width: float = SIGMA
    margin: float = 0.15
    biased: bool = False

    @property
    def title(self) -> str:
        """In words."""
        parts = [f"noise {self.noise:g}"]
        parts += [f"gain {self.gain:g}"] if self.gain != 1 else []
        parts += [f"true sigma {self.width:g}"] if self.width != SIGMA else []
        parts += ["biased targets"] if self.biased else []
        return ", ".join([*parts, *(["points anywhere"] if self.margin == 0 else [])])


DECODERS = {
    "argmax": lambda side: Argmax(SCHEME, INPUT, side=side),
    "quarter cell": lambda side: Heatmap(SCHEME, INPUT, side=side),
    "DARK": lambda side: Dark(SCHEME, INPUT, side=side),
    "KeyPosS 2x2": lambda side: KeyPosSBlock(SCHEME, INPUT, side=side),
    "KeyPosS top K": lambda side: KeyPosSTopK(SCHEME, INPUT, side=side),
    "paraboloid": lambda side: Paraboloid(SCHEME, INPUT, side=side),
    "paraboloid, free sigma": lambda side: Paraboloid(SCHEME, INPUT, side=side, free_sigma=True),
}
CASES = [
    Case(),
    Case(noise=0.01),
    Case(noise=0.03),
    Case(noise=0.1),
    Case(gain=0.7),
    Case(noise=0.02, gain=0.7),
    Case(noise=0.02, gain=1.3),
    Case(noise=0.02, gain=0.7, width=2.5),
    Case(noise=0.03, margin=0.0),
    Case(noise=0.02, gain=0.7, margin=0.0),
    Case(biased=True),
]


def draw(case: Case, side: int, faces: int) -> tuple[Tensor, Tensor]:
    """True points (faces, 98, 2) in input px and maps (faces, 98, side, side)."""
    generator = torch.Generator().manual_seed(side)
    share = torch.rand(faces, len(SCHEME), 2, generator=generator)
    points = (case.margin + (1 - 2 * case.margin) * share) * INPUT - 0.5
    cells = (points + 0.5) * (side / INPUT) - 0.5
    cells = cells.round() if case.biased else cells
    bell = torch.exp(-(torch.arange(side) - cells[..., None]).square() / (2 * case.width**2))
    maps = case.gain * bell[..., 1, :, None] * bell[..., 0, None, :]
    return points, maps + case.noise * torch.randn(maps.shape, generator=generator)


def errors(case: Case, side: int, faces: int) -> dict[str, float]:
    """Decoder -> mean error in input px."""
    points, maps = draw(case, side, faces)
    found = {name: build(side).decode({"heatmap": maps}).points for name, build in DECODERS.items()}
    return {name: (value - points).norm(dim=-1).mean().item() for name, value in found.items()}


def milliseconds(side: int, repeats: int, batch: int = 32) -> dict[str, float]:
    """Decoder -> CPU time of one thread per face of 98 points."""
    _, maps = draw(Case(noise=0.02), side, batch)
    out = {}
    for name, build in DECODERS.items():
        codec, best = build(side), float("inf")
        for _ in range(repeats + 1):
            start = time.process_time()
            codec.decode({"heatmap": maps})
            best = min(best, time.process_time() - start)
        out[name] = 1000 * best / batch
    return out


def table(title: str, rows: dict[str, dict[int, float]], digits: int) -> list[str]:
    """A Markdown table, decoders down and map sides across."""
    lines = [f"## {title}", "", "| decoder | " + " | ".join(str(side) for side in SIDES) + " |"]
    lines.append("|---|" + "--:|" * len(SIDES))
    for name, values in rows.items():
        lines.append(f"| {name} | " + " | ".join(f"{values[side]:.{digits}f}" for side in SIDES) + " |")
    return [*lines, ""]


def plot(results: dict[str, dict[str, dict[int, float]]], path: Path) -> None:
    """Error against map side, one panel a case."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = 4
    rows = -(-len(results) // columns)
    figure, grid = pyplot.subplots(rows, columns, figsize=(4 * columns, 3.2 * rows), sharex=True, sharey=True)
    for axes, (title, decoders) in zip(grid.flat, results.items(), strict=False):
        for name, values in decoders.items():
            axes.plot(
                SIDES, [max(values[side], 1e-3) for side in SIDES], marker="o", markersize=3, label=name
            )
        axes.set(title=title, xscale="log", yscale="log", xticks=SIDES, xticklabels=SIDES)
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    for axes in grid.flat[len(results) :]:
        axes.set_axis_off()
    grid.flat[0].invert_xaxis()
    for axes in grid[-1]:
        axes.set_xlabel("side of the maps")
    for axes in grid[:, 0]:
        axes.set_ylabel("mean error, input px")
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower right")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=70)


def main() -> None:
    """Run the study and write what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=40, help="faces of 98 points a case and side")
    parser.add_argument("--repeats", type=int, default=10, help="timed runs a decoder and side")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", type=Path)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    results: dict[str, dict[str, dict[int, float]]] = {}
    times: dict[str, dict[int, float]] = {}
    with torch.inference_mode():
        for case in CASES:
            for side in SIDES:
                for name, value in errors(case, side, options.faces).items():
                    results.setdefault(case.title, {}).setdefault(name, {})[side] = value
        for side in SIDES:
            for name, value in milliseconds(side, options.repeats).items():
                times.setdefault(name, {})[side] = value
    command = f"python benchmarks/decoders.py --faces {options.faces} --repeats {options.repeats}"
    lines = [INTRODUCTION.format(command=command, points=options.faces * len(SCHEME))]
    lines += [line for title, rows in results.items() for line in table(f"Error: {title}", rows, 3)]
    lines += table("Time per face, ms", times, 3)
    print("\n".join(lines))
    if options.markdown:
        options.markdown.write_text("\n".join(lines).strip() + "\n", encoding="utf-8")
    if options.json:
        content = {
            "command": command,
            "date": date.today().isoformat(),
            "errors_px": results,
            "milliseconds_per_face": times,
        }
        options.json.write_text(json.dumps(content, indent=1) + "\n")
    if options.plot:
        plot(results, options.plot)


if __name__ == "__main__":
    main()
