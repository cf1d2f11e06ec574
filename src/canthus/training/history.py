"""What a training was, for the header of its weights: schedule, seed, time, machine."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from accelerate import Accelerator

from canthus.recipe import Recipe


def history(recipe: Recipe, log: Path, steps: int, accelerator: Accelerator) -> str:
    """One JSON object; `seconds` are those of the epochs in `log`, validation not counted."""
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
        }
    )


def hardware() -> str:
    """The class of machine that this process computes on."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    count = torch.get_num_threads()
    return f"CPU ({torch.backends.cpu.get_cpu_capability()}), {count} thread{'s' if count > 1 else ''}"
