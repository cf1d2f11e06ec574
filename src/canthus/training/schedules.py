"""Learning-rate schedules: the moment of a training -> factor on the base rate."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from canthus.config import ConfigError, nearest
from canthus.recipe import Part, Warmup


@dataclass(frozen=True)
class Moment:
    """How far a training is: `epoch` counts from its start, `progress` in [0, 1] from the warm-up's end."""

    epoch: float
    progress: float


def cosine(moment: Moment, *, floor: float = 0.0) -> float:
    """From 1 down to `floor` along half a cosine."""
    return floor + (1 - floor) * (1 + math.cos(math.pi * moment.progress)) / 2


def steps(
    moment: Moment, *, epochs: tuple[float, ...] = (40, 55), factor: float | Sequence[float] = 0.1
) -> float:
    """Times `factor` after each of these `epochs`; a list has one factor for each of them."""
    factors = [factor] * len(epochs) if isinstance(factor, int | float) else factor
    if len(factors) != len(epochs):
        raise TypeError(f"{len(factors)} factors for {len(epochs)} epochs")
    return math.prod(f for epoch, f in zip(epochs, factors, strict=True) if moment.epoch >= epoch)


def constant(moment: Moment) -> float:
    """Always 1."""
    return 1.0


SCHEDULES: dict[str, Callable[..., float]] = {"constant": constant, "cosine": cosine, "steps": steps}


def build_schedule(part: Part, warmup: Warmup, epochs: int, steps_per_epoch: int) -> Callable[[int], float]:
    """Step -> factor: the named schedule, during the warm-up times its linear growth."""
    if part.name not in SCHEDULES:
        raise ConfigError(f"train.schedule: no schedule {part.name!r}; {nearest(part.name, list(SCHEDULES))}")
    schedule, options = SCHEDULES[part.name], part.options
    allowed = [n for n, p in inspect.signature(schedule).parameters.items() if p.kind is p.KEYWORD_ONLY]
    for option in options:
        if option not in allowed:
            hint = nearest(option, allowed) if allowed else "it has none"
            raise ConfigError(f"train.schedule {part.name}: unknown option {option!r}, {hint}")
    try:
        schedule(Moment(0.0, 0.0), **options)
    except TypeError as error:
        raise ConfigError(f"train.schedule {part.name}: found {options}, cannot be used: {error}") from None
    total, length = epochs * steps_per_epoch, warmup.length(steps_per_epoch)
    start = 1 / max(1, length) if warmup.start is None else warmup.start

    def factor(step: int) -> float:
        growth = min(1.0, start + (1 - start) * step / max(1, length - 1)) if step < length else 1.0
        progress = min(1.0, max(0, step - length) / max(1, total - length))
        return growth * schedule(Moment(step / steps_per_epoch, progress), **options)

    return factor
