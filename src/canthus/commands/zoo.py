"""`canthus zoo`: the recipes that ship with the package."""

from __future__ import annotations

import sys

from canthus.recipe import load_recipe, recipe_names

HEADER = ("recipe", "scheme", "input", "backbone", "codec", "licence")


def zoo(*, markdown: bool = False) -> int:
    """Print one line per recipe, as plain columns or a Markdown table."""
    rows = [HEADER]
    for name in recipe_names():
        recipe = load_recipe(name)
        row = (name, recipe.scheme, str(recipe.size), recipe.backbone.name, recipe.codec.name, recipe.licence)
        rows.append(row)
    if markdown:
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        lines.insert(1, "|" + " --- |" * len(HEADER))
    else:
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
        lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    sys.stdout.write("\n".join(lines) + "\n")
    return 0
