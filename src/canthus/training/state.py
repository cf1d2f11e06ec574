"""What a training needs to go on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from canthus.recipe import Recipe


@dataclass
class Progress:
    """`epoch` and `step` count what is finished; `best` is the lowest validation NME so far; `start` names
    the file that the backbone started from."""

    epoch: int = 0
    step: int = 0
    best: float = float("inf")
    start: str = "scratch"


class State:
    """The file that holds the progress and everything that learns: `parts`, name -> network, its average, the
    losses, the optimizer of one recipe."""

    def __init__(self, path: Path, recipe: Recipe, parts: Mapping[str, nn.Module | Optimizer]) -> None:
        self.path, self.recipe, self.parts = path, recipe, parts

    def save(self, progress: Progress) -> None:
        """Write aside and rename."""
        content: dict[str, Any] = {name: part.state_dict() for name, part in self.parts.items()}
        content |= {"progress": vars(progress), "recipe": self.recipe.model_dump_json()}
        aside = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            torch.save(content, aside)
            aside.replace(self.path)
        finally:
            aside.unlink(missing_ok=True)

    def load(self) -> Progress:
        """Restore everything in place; a file of another recipe (but for `train`) is an error."""
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path}: nothing to resume; start without --resume")
        try:
            content: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
            earlier = json.loads(content["recipe"])
        except (OSError, RuntimeError, ValueError, KeyError, EOFError, UnpicklingError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"{self.path}: damaged, cannot be resumed ({reason})") from None
        now = json.loads(self.recipe.model_dump_json())
        changed = [key for key in now if key != "train" and now[key] != earlier.get(key)]
        if changed:
            raise ValueError(
                f"{self.path}: made by another recipe, with another {', '.join(changed)}; "
                "resume with the same one (train.* may differ), or choose another --output"
            )
        for name, part in self.parts.items():
            part.load_state_dict(content.get(name, {}))  # most losses have nothing to keep
        return Progress(**content["progress"])
