"""Labelled faces as they are written to a file of labels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.sample import Sample


@dataclass(frozen=True)
class LabelledFace:
    """A sample and its picture: `file` from the folder of the file that is written, `width` and `height`
    in px.
    """

    sample: Sample
    file: str
    width: int
    height: int


def described(array: NDArray[np.floating]) -> str:
    """What an error says of labels that are not as expected."""
    finite = bool(np.isfinite(array).all())
    return f"shape {array.shape}" + ("" if finite else " with values that are no numbers")


def shortest(values: Iterable[float]) -> list[float | None]:
    """float32 numbers as the shortest decimals that read back as the same float32; None for NaN."""
    return [None if math.isnan(value) else float(str(value)) for value in values]
