"""The detector's recipe: every choice of its training, read from YAML; unknown keys are errors."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NetworkOptions(_Strict):
    """Widths and depths of `FaceDetector`."""

    channels: tuple[int, int, int, int, int] = (16, 16, 32, 64, 64)
    depths: tuple[int, int, int, int] = (0, 2, 2, 1)
    head: int = Field(default=32, ge=4)


class CompositionOptions(_Strict):
    """How training pictures are composed; sizes in px, the rest are probabilities or shares."""

    min_size: float = Field(default=12.0, gt=0, description="smaller faces are ignored")
    min_visible: float = Field(
        default=0.55, ge=0, le=1, description="faces cut further by the border are ignored"
    )
    max_layers: int = Field(default=8, ge=0)
    max_layer: float = Field(default=0.5, gt=0, description="largest face of a layer, share of the picture")
    max_covered: float = Field(
        default=0.1, ge=0, le=1, description="share of a face that a later layer may hide"
    )
    large: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="share of base photos whose face is a quarter of the picture or more",
    )
    base_negative: float = Field(default=0.45, ge=0, le=1)
    empty: float = Field(
        default=0.25, ge=0, le=1, description="share of faceless bases that stay without faces"
    )
    distractors: float = Field(default=0.3, ge=0, le=1, description="share of layers without a face")
    hard_places: float = Field(
        default=0.5, ge=0, le=1, description="with --init: share of layers without a face from hard places"
    )
    blended: float = Field(default=0.15, ge=0, le=1, description="share of faceless bases made of two")
    photo_distractors: float = Field(
        default=0.3, ge=0, le=1, description="share of layers without a face cut from photos, away from faces"
    )
    face_pictures: float = Field(
        default=0.6, ge=0, le=1, description="share of face layers taken from face pictures"
    )
    rectangles: float = Field(
        default=0.3, ge=0, le=1, description="share of photo and faceless layers shown as rectangles"
    )
    rotation: float = Field(default=12.0, ge=0, description="standard deviation, degrees")


class TrainingOptions(_Strict):
    """Length and speed of the training."""

    size: int = Field(default=320, multiple_of=32)
    batch: int = Field(default=32, ge=1)
    steps: int = Field(default=6000, ge=1)
    warmup: int = Field(default=200, ge=0)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.02, ge=0)
    clip: float = Field(default=10.0, gt=0, description="largest gradient norm")
    ema: float = Field(default=0.999, ge=0, lt=1)
    box_weight: float = Field(default=2.0, ge=0)
    points_weight: float = Field(default=1.0, ge=0)
    validate_every: int = Field(default=1000, ge=1)
    hard_negatives: int = Field(
        default=3, ge=0, description="with --init: how often more a negative with a false detection is shown"
    )
    max_faces: int = Field(default=24, ge=1)
    bfloat16: bool = True
    seed: int = 0


class DetectorRecipe(_Strict):
    """One complete description of a detector training."""

    name: str = "face_detector"
    network: NetworkOptions = NetworkOptions()
    composition: CompositionOptions = CompositionOptions()
    training: TrainingOptions = TrainingOptions()


def read_recipe(path: Path) -> DetectorRecipe:
    """The recipe in a YAML file; a ValueError of one line names what is wrong with it."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such recipe")
    content = yaml.safe_load(path.read_text())
    try:
        return DetectorRecipe.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{path}: {where}: {first['msg']}") from error
