"""`canthus zoo`: the recipes that ship with the package."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from canthus.recipe import Recipe, load_recipe, recipe_names
from canthus.runtime.models import BUNDLED

HEADER = ("recipe", "scheme", "input", "network", "codec", "losses", "weights", "published NME, %", "of")
PAGE = """\
# The zoo

Written by `canthus zoo --markdown`. Every row is one complete [recipe](recipes.md): `canthus train ROW`
trains it, and `canthus convert FILE OUT.safetensors --recipe ROW` reads its published weights. What was
measured here is in [results](results.md), never in this table; parity, size, speed and memory of every row
are in [the check at full size](zoo_check.md).

* **weights**: `bundled` with the package; `public`: the recipe has the address of its authors' file; `own`: a
  recipe of this project, to be trained; `-`: to be trained, or asked of its authors.
* **published NME**: what the authors state, by subset, in per cent, divided by the last column. `pooled` is
  the mean over all points of all images, `mean` that of the images' means.
"""


def zoo(*, markdown: bool = False) -> int:
    """Print one line per recipe, as plain columns or as the page `docs/zoo.md`."""
    recipes = [load_recipe(name) for name in recipe_names()]
    rows = [HEADER, *(_row(recipe) for recipe in recipes)]
    sys.stdout.write((PAGE + "\n" + "\n".join(table(rows)) if markdown else "\n".join(columns(rows))) + "\n")
    return 0


def _row(recipe: Recipe) -> tuple[str, ...]:
    """The cells under `HEADER`."""
    nme = recipe.reference.nme
    errors = "-" if nme is None else ", ".join(f"{name} {value:.2f}" for name, value in nme.subsets.items())
    return (
        recipe.name,
        recipe.scheme,
        str(recipe.size),
        recipe.backbone.name,
        recipe.codec.name,
        ", ".join(dict.fromkeys(loss.name for loss in recipe.losses)),
        _weights(recipe),
        errors,
        "-" if nme is None else f"{nme.normalizer}, {nme.images}",
    )


def _weights(recipe: Recipe) -> str:
    """Where a row's weights come from."""
    if recipe.name in BUNDLED:
        return "bundled"
    if recipe.reference.checkpoint is not None:
        return "public"
    return "own" if recipe.reference.unpublished else "-"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows, the header first, as the lines of a Markdown table."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return [lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]]


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as the lines of plain columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
