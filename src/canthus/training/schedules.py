"""Learning-rate schedules: progress in [0, 1] after the warm-up -> factor on the base rate."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable

from canthus.config import ConfigError, nearest
from canthus.recipe import Part


def cosine(progress: float, *, floor: float = 0.0) -> float:
    """From 1 down to `floor` along half a cosine."""
    return floor + (1 - floor) * (1 + math.cos(math.pi * progress)) / 2


def steps(progress: float, *, at: tuple[float, ...] = (0.7, 0.9), factor: float = 0.1) -> float:
    """Times `factor` at each of the shares `at` of the training."""
    return float(factor ** sum(progress >= share for share in at))


def constant(progress: float) -> float:
    """Always 1."""
    return 1.0


SCHEDULES: dict[str, Callable[..., float]] = {"constant": constant, "cosine": cosine, "steps": steps}


def build_schedule(part: Part, total: int, warmup: int) -> Callable[[int], float]:
    """Step -> factor: linear over `warmup` steps, then the named schedule over the rest of `total`."""
    if part.name not in SCHEDULES:
        raise ConfigError(f"train.schedule: no schedule {part.name!r}; {nearest(part.name, list(SCHEDULES))}")
    schedule, options = SCHEDULES[part.name], part.options
    allowed = [n for n, p in inspect.signature(schedule).parameters.items() if p.kind is p.KEYWORD_ONLY]
    for option in options:
        if option not in allowed:
            raise ConfigError(
                f"train.schedule {part.name}: unknown option {option!r}, it has {allowed or 'none'}"
            )

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return schedule(min(1.0, (step - warmup) / max(1, total - warmup)), **options)

    return factor
