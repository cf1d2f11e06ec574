"""The page that `zoo_check.py` writes: parity with the original implementations, and every row as ONNX."""

from __future__ import annotations

from typing import Any

#: Head of the table of rows.
COLUMNS = (
    *("row", "weights", "parameters", "GMACs", "thop, G", "raw", "points", "judged", "flip"),
    *("torch, ms", "ONNX, ms", "ratio", "peak, MB", "date"),
)


def page(content: dict[str, Any]) -> str:
    """The Markdown page."""
    known = ", ".join(f"{name} {number}" for name, number in content["versions"].items())
    networks = [network_line(entry) for _, entry in sorted(content["networks"].items())]
    rows = [row_line(row, entry) for row, entry in sorted(content["rows"].items())]
    failed = sum("error" in entry for entry in content["rows"].values())
    return PAGE.format(
        known=f"{known}, {content['machine']}",
        networks="\n".join(networks),
        bare=number(content.get("memory_without_model"), ".0f"),
        passed=f"{len(rows) - failed} of {len(rows)} rows pass{unmeasured(content['missing'])}.",
        head=f"| {' | '.join(COLUMNS)} |\n|---|---|{'--:|' * (len(COLUMNS) - 3)}---|",
        rows="\n".join(rows),
    )


def unmeasured(missing: int) -> str:
    """What the page does not know."""
    return f"; {missing} more of the zoo have not been measured" if missing else ""


def network_line(entry: dict[str, Any]) -> str:
    """A line of the table of architectures."""
    cells = [entry["architecture"], entry["against"]]
    for name in ("maps", "maps_flip", "biased", "biased_flip", "dark", "dark_flip"):
        judged = entry["firm"].get(name)
        cells.append(number(entry["differences"].get(name), ".1e") + (f" ({judged})" if judged else ""))
    return f"| {' | '.join([*cells, 'yes' if entry['passed'] else 'NO', entry['date']])} |"


def row_line(row: str, entry: dict[str, Any]) -> str:
    """A line of the table of rows."""
    cells = [row, entry["weights"], number(entry["parameters"], ",")]
    cells += [number(entry[name] / 1e9, ".3f") for name in ("products", "products_thop")]
    if "error" in entry:
        cells += [entry["error"], *["-"] * (len(COLUMNS) - len(cells) - 2)]
    else:
        cells += [number(entry["raw"], ".1e"), number(entry["points"], ".1e"), entry["judged"]]
        cells += [number(entry.get("flip_points"), ".1e")]
        cells += [number(entry["torch_ms"], ".1f"), number(entry["onnx_ms"], ".1f")]
        cells += [number(entry["ratio"], ".2f"), number(entry["peak_mb"], ".0f")]
    return f"| {' | '.join([*cells, entry['date']])} |"


def number(value: float | None, form: str) -> str:
    """A figure, or a dash."""
    return "-" if value is None else format(value, form)


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

## Every row as ONNX: parity, size, speed, memory

{passed} Weights are the oracle's where it has the network, else random
([how they are drawn](../benchmarks/zoo_weights.py)); no figure here depends on what a network has learnt.

* **parameters** are those that a prediction reads; **GMACs** products of convolutions, linear layers and
  attention for one crop, **thop** what that counter says of the same pass, as many publications do
  ([both counts](deployment.md#measuring-it)). PFLD's and SynergyNet's branches of the training are in none.
* **raw**, **points**: PyTorch against ONNX Runtime on two crops, decode in the graph: raw outputs in standard
  deviations (allowed: 1e-4), points in px (allowed: 1e-3; not **judged** where the peak's lead is below the
  noise). **flip**: points with the flip test in the graph, where it was asked for and the row has one.
* **ms**: medians of one crop to its points on one thread, eager PyTorch and ONNX Runtime in turn. They are
  milliseconds of the thread's processor time, since the machine did other work; what shares its caches makes
  them longer. The **ratio** is the median of the paired ratios, and holds better.
* **peak**: most resident memory of a fresh process that loads the file and predicts one face, on one thread;
  {bare} MB of it are Python and the packages.

{head}
{rows}
"""
