"""What a training was, for the header of its weights: schedule, seed, time, machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from canthus.recipe import Recipe, load_recipe, recipe_names


def history(recipe: Recipe, log: Path, steps: int, accelerator: Accelerator) -> str:
    """One JSON object; `seconds` are those of the epochs in `log`, validation not counted.

    `changes` is what was set otherwise than in the zoo row of the recipe's name: path -> value.
    """
    settings = recipe.train
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return json.dumps(
        {
            "epochs": settings.epochs,
            "steps": steps,
            "batch": settings.batch,
            "processes": accelerator.num_processes,
            "learning_rate": settings.learning_rate,
            "precision": settings.precision,
            "seed": settings.seed,
            "seconds": round(sum(line["seconds"] for line in lines)),
            "hardware": hardware(),
            "torch": torch.__version__,
            "changes": changes(recipe),
        }
    )


def changes(recipe: Recipe) -> dict[str, Any]:
    """Path, as `canthus train` takes it -> value, for what differs from the zoo row of this name.

    Empty for recipes that are no row. How many processes read the data changes no result and is left out.
    """
    if recipe.name not in recipe_names():
        return {}
    own, row = (item.model_dump(mode="json") for item in (recipe, load_recipe(recipe.name)))
    return {path: value for path, value in _differences(own, row) if path != "train.workers"}


def _differences(own: Any, row: Any, path: str = "") -> list[tuple[str, Any]]:
    """The deepest paths at which two trees differ, with the first one's value; None where it has none.

    Parts of another name have nothing to compare and differ as a whole.
    """
    if isinstance(own, dict) and isinstance(row, dict) and own.get("name") != row.get("name"):
        return [(path, {name: value for name, value in own.items() if value is not None})]
    if isinstance(own, dict) and isinstance(row, dict):
        pairs = [(name, own.get(name), row.get(name)) for name in {**row, **own}]
    elif isinstance(own, list) and isinstance(row, list) and len(own) == len(row):
        pairs = [(str(i), *both) for i, both in enumerate(zip(own, row, strict=True))]
    else:
        return [] if own == row else [(path, own)]
    return [found for name, a, b in pairs for found in _differences(a, b, f"{path}.{name}".lstrip("."))]


def hardware() -> str:
    """The class of machine that this process computes on."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    count = torch.get_num_threads()
    return f"CPU ({torch.backends.cpu.get_cpu_capability()}), {count} thread{'s' if count > 1 else ''}"
