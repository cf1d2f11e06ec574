"""`canthus train`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from canthus.recipe import load_recipe


def train(
    recipe: str,
    assignments: Sequence[str],
    *,
    root: Path,
    output: Path | None = None,
    resume: bool = False,
    pack: Path | None = None,
) -> int:
    """Train a zoo row or a YAML file and print the path of the weights."""
    loaded = load_recipe(recipe, assignments)
    try:
        from canthus.training.loop import train as run
    except ModuleNotFoundError as error:
        raise ImportError(f"training needs {error.name}: pip install 'canthus[train]'") from None
    path = run(loaded, root, output or Path("runs") / loaded.name, resume=resume, pack=pack)
    sys.stdout.write(f"{path}\n")
    return 0
