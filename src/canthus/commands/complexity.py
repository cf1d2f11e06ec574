"""`canthus zoo --complexity`: parameters and products of networks."""

from __future__ import annotations

import sys
from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING

from canthus.commands.zoo import columns, table
from canthus.formats import aside, check_writable
from canthus.recipe import recipe_names

if TYPE_CHECKING:
    from canthus.complexity import Complexity

HEADER = (
    "model",
    "input",
    "stored params, M",
    "executed params, M",
    "MACs, G",
    "macs_thop, G",
    "params_thop, M",
)


def list_complexity(models: list[str], *, markdown: bool = False, json: Path | None = None) -> int:
    """Print one line per model, every zoo row by default; `json` gets the exact counts."""
    try:
        from canthus.complexity import complexity
    except ModuleNotFoundError as error:
        raise ImportError(f"counting needs {error.name}: pip install 'canthus[train]'") from None
    if json is not None:
        check_writable(json)
    counts = [complexity(model) for model in models or recipe_names()]
    if json is not None:
        with aside(json) as part:
            part.write_text(dumps([asdict(count) for count in counts], indent=1) + "\n", encoding="utf-8")
    rows = [HEADER, *map(_row, counts)]
    sys.stdout.write("\n".join(table(rows) if markdown else columns(rows)) + "\n")
    return 0


def _row(count: Complexity) -> tuple[str, ...]:
    def in_units(number: int | None, unit: float) -> str:
        return "-" if number is None else f"{number / unit:.3f}"

    millions = (count.params, count.params_executed)
    products = (count.macs, count.macs_thop)
    return (
        count.name,
        str(count.size),
        *(in_units(number, 1e6) for number in millions),
        *(in_units(number, 1e9) for number in products),
        in_units(count.params_thop, 1e6),
    )
