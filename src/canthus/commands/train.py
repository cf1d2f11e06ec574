"""`canthus train`."""

from __future__ import annotations

import os
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
    folder = output or Path("runs") / loaded.name
    if resume and not (folder / "state.pt").is_file():
        raise FileNotFoundError(f"{folder / 'state.pt'}: nothing to resume; start without --resume")
    if not resume and (folder / "state.pt").is_file():
        raise FileExistsError(f"{folder}: holds a training; go on with --resume or choose another --output")
    try:
        from canthus.build import build_losses, check_recipe
        from canthus.training.loop import train as run
        from canthus.training.optimizers import build_optimizer
        from canthus.training.schedules import build_schedule
    except ModuleNotFoundError as error:
        raise ImportError(f"training needs {error.name}: pip install 'canthus[train]'") from None
    # A wrong name is told before the pictures are read, which takes minutes.
    landmarker = check_recipe(loaded)
    build_optimizer([landmarker, build_losses(loaded)], loaded.train.optimizer, loaded.train.learning_rate)
    build_schedule(loaded.train.schedule, loaded.train.warmup, loaded.train.epochs, 1)
    path = run(loaded, root, folder, resume=resume, pack=pack)
    if os.environ.get("RANK", "0") == "0":  # of several processes, one tells
        sys.stdout.write(f"{path}\n")
    return 0
