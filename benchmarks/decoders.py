"""How precisely and how fast heatmap decoders read points off maps: tables and a plot.

python benchmarks/decoders.py [--docs docs] [--json F]        DIR/decoders.md and DIR/images/decoders.png
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from datetime import date
from pathlib import Path
from typing import NamedTuple

import cv2
import torch
from page import markdown_table
from published_decoders import PUBLISHED
from torch import Tensor

from canthus.codecs.dark import Dark
from canthus.codecs.heatmap import Heatmap
from canthus.codecs.keyposs import KeyPosSBlock, KeyPosSTopK
from canthus.codecs.paraboloid import Paraboloid
from canthus.schemes import SCHEMES

SCHEME, INPUT, SIGMA = SCHEMES["wflw98"], 256, 2.0
SIDES = (64, 32, 16, 8, 4)
BATCH = 32

INTRODUCTION = """# Decoders of Gaussian heatmaps

Written by `{command}` on {day}: synthetic maps, no network.
Errors are mean distances from the true positions in px of a 256 px input, by the side of the maps
({points} points each). The maps are Gaussians of sigma 2 cells with white noise, gain and width as each
heading says; the points lie at least 15 % of the crop from its edge, unless they may lie anywhere.

![errors and times](images/decoders.png)

`quarter cell` is the codec `heatmap`, `DARK` is `dark`, `KeyPosS 2x2` is `keyposs_block` and
`KeyPosS top K` is `keyposs_topk`.
"""
SUMMARY = """## In short

Error of the paraboloid, as a share of DARK's, and of the best of DARK and both decoders of KeyPosS: the
middle and the worst of the {cases} cases below with noise and the width that the decoder assumes. Below 1
the paraboloid is the more precise.
"""
TIMES = """## Time per face, ms

Processor time of one thread for a face of 98 points, the least of several runs: ours with {batch} faces at
once; `in numpy` is the same algorithm written for one map after the other, in the same run.
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
    *(Case(noise=noise, gain=gain) for gain in (1.0, 0.7, 1.3) for noise in (0.0, 0.01, 0.03, 0.1)),
    Case(noise=0.02, gain=0.7, width=2.5),
    Case(noise=0.03, margin=0.0),
    Case(noise=0.02, gain=0.7, margin=0.0),
    Case(biased=True),
]
Table = dict[str, dict[int, float]]


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


def milliseconds(side: int, repeats: int, batch: int = BATCH) -> dict[str, float]:
    """Decoder -> CPU time of one thread per face of 98 points."""
    _, maps = draw(Case(noise=0.02), side, batch)
    out = {name: float("inf") for name in [*DECODERS, *(f"{name}, in numpy" for name in PUBLISHED)]}
    codecs = {name: build(side) for name, build in DECODERS.items()}
    face = maps[0].numpy()
    for number in range(repeats + 1):
        for name, codec in codecs.items():
            start = time.process_time()
            codec.decode({"heatmap": maps})
            out[name] = min(out[name], 1000 * (time.process_time() - start) / batch)
        for name, decoder in PUBLISHED.items() if number < 3 else ():
            start = time.process_time()
            for heat in face:
                decoder(heat)
            label = f"{name}, in numpy"
            out[label] = min(out[label], 1000 * (time.process_time() - start))
    return out


def shares(results: dict[str, Table]) -> Table:
    """Row -> side -> error of the paraboloid over that of DARK, and over the best published one."""
    chosen = [results[case.title] for case in CASES if case.noise and case.width == SIGMA]
    rows: Table = {}
    for side in SIDES:
        to_dark = [table["paraboloid"][side] / table["DARK"][side] for table in chosen]
        to_best = [
            table["paraboloid"][side] / min(table[name][side] for name in PUBLISHED) for table in chosen
        ]
        for label, values in (("DARK", to_dark), ("the best published decoder", to_best)):
            rows.setdefault(f"of {label}'s, middle", {})[side] = statistics.median(values)
            rows.setdefault(f"of {label}'s, worst", {})[side] = max(values)
    return rows


def tabulate(rows: Table, digits: int) -> list[str]:
    """A Markdown table, rows down and map sides across."""
    cells = [[name, *(f"{values[side]:.{digits}f}" for side in SIDES)] for name, values in rows.items()]
    return markdown_table(["", *map(str, SIDES)], cells)


def plot(results: dict[str, Table], times: Table, path: Path) -> None:
    """Error against map side, one panel a case, and the times."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = 4
    rows = -(-(len(results) + 1) // columns)
    figure, grid = pyplot.subplots(rows, columns, figsize=(4 * columns, 2.9 * rows))
    lines = dict(zip(DECODERS, ("o:", "s:", "^-", "v--", "D--", "*-", "x-"), strict=True))
    for axes, (title, decoders) in zip(grid.flat, [*results.items(), ("time", times)], strict=False):
        for name, style in lines.items():
            values = [max(decoders[name][side], 1e-3) for side in SIDES]
            axes.plot(SIDES, values, style, markersize=5, linewidth=1.2, label=name)
        axes.set(title=title, xscale="log", yscale="log", xticks=SIDES, xticklabels=SIDES)
        axes.set_ylabel("ms a face" if title == "time" else "mean error, input px")
        if title != "time":
            axes.set_ylim(5e-4, 200)
        axes.set_xlabel("side of the maps")
        axes.invert_xaxis()
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    for axes in grid.flat[len(results) + 1 :]:
        axes.set_axis_off()
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower right", bbox_to_anchor=(0.95, 0.04), fontsize=13)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=60)


def main() -> None:
    """Run the study and write what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=40, help="faces of 98 points a case and side")
    parser.add_argument("--repeats", type=int, default=10, help="timed runs a decoder and side")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--docs", type=Path, metavar="DIR")
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    results: dict[str, Table] = {}
    times: Table = {}
    with torch.inference_mode():
        for side in SIDES:
            for name, value in milliseconds(side, options.repeats).items():
                times.setdefault(name, {})[side] = value
            for case in CASES:
                for name, value in errors(case, side, options.faces).items():
                    results.setdefault(case.title, {}).setdefault(name, {})[side] = value
    command = f"python benchmarks/decoders.py --faces {options.faces} --repeats {options.repeats}"
    day = date.today().isoformat()
    cases = sum(1 for case in CASES if case.noise and case.width == SIGMA)
    lines = [INTRODUCTION.format(command=command, day=day, points=options.faces * len(SCHEME))]
    lines += [SUMMARY.format(cases=cases), *tabulate(shares(results), 2)]
    lines += [TIMES.format(batch=BATCH), *tabulate(times, 3)]
    for title, rows in results.items():
        lines += [f"## Error: {title}", "", *tabulate(rows, 3)]
    text = "\n".join(lines).strip() + "\n"
    print(text)
    if options.json:
        content = {"command": command, "date": day, "errors_px": results, "milliseconds_per_face": times}
        options.json.write_text(json.dumps(content, indent=1) + "\n")
    if options.docs:
        plot(results, times, options.docs / "images" / "decoders.png")
        (options.docs / "decoders.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
