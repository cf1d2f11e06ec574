"""What a training needs to go on where it stopped."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from canthus.training.ema import Ema


@dataclass
class Progress:
    """`epoch` and `step` count what is finished; `best` is the lowest validation NME so far."""

    epoch: int = 0
    step: int = 0
    best: float = float("inf")


def save_state(
    path: Path, progress: Progress, model: nn.Module, ema: Ema, optimizer: torch.optim.Optimizer
) -> None:
    """Write aside and rename."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    content = {
        "progress": vars(progress),
        "model": model.state_dict(),
        "ema": ema.model.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    try:
        torch.save(content, aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def load_state(path: Path, model: nn.Module, ema: Ema, optimizer: torch.optim.Optimizer) -> Progress:
    """Restore everything in place; a file of another network is an error."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: nothing to resume; start without --resume")
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    try:
        model.load_state_dict(content["model"])
        ema.model.load_state_dict(content["ema"])
        optimizer.load_state_dict(content["optimizer"])
    except (RuntimeError, ValueError, KeyError) as error:
        raise ValueError(f"{path}: made by another recipe: {' '.join(str(error).split())[:300]}") from None
    return Progress(**content["progress"])
