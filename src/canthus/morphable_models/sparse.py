"""The shape model that comes with the package: 68 points, learnt here from 2D landmarks."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from canthus.morphable_models.morphable_model import MorphableModel, load_model
from canthus.schemes import Scheme


@cache
def sparse_model() -> MorphableModel:
    """`assets/face_shape.npz`, of scheme `ibug68_3d`; its card beside it says how it was made."""
    return load_model(Path(str(files("canthus").joinpath("assets", "face_shape.npz"))))


def measurable(scheme: Scheme) -> bool:
    """Whether points of a scheme can be laid on the package's shape model."""
    return sparse_model().scheme in (scheme.name, *scheme.conversions)
