"""The recipe: everything that defines one landmark system, in one YAML file. No torch, no inheritance."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from canthus.config import Config, ConfigError, nearest, override, read_yaml, validate
from canthus.geometry import CropRule

Positive = Annotated[float, Field(gt=0)]
Factor = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$", description="the file's sha256 or its beginning")]


class Part(BaseModel):
    """A named part and its options: a row of a table (`wing`) or `my_module:MyClass`."""

    model_config = ConfigDict(frozen=True, extra="allow")

    name: str

    @property
    def options(self) -> dict[str, Any]:
        """The options beside the name; the part's constructor checks them."""
        return dict(self.model_extra or {})


class LossPart(Part):
    """A loss and its weight in the sum; a simple loss has the option `field`, the output it reads.

    `stages` are factors for a network that is taught at several stages, first to last; without them each
    counts once.
    """

    weight: Positive = 1.0
    stages: tuple[Factor, ...] = ()

    @field_validator("stages")
    @classmethod
    def _some_stage_counts(cls, stages: tuple[float, ...]) -> tuple[float, ...]:
        if stages and not any(stages):
            raise ValueError("found zeros alone, expected a stage that counts")
        return stages


class DatasetPart(Config):
    """One source of samples; `path` is relative to `--root`.

    `weight` multiplies the losses of its samples; `repeat` says how often an epoch shows each one
    (0.5: every epoch draws half of them). Crops are made from the boxes that the `dataset` states, from the
    tight ones of the `landmarks`, from `head` boxes of the labels' five points (`five_points`), or are the
    whole `picture`, for faces that come cut out. Without
    `calibrate` its held-out samples do not count when the covariance is calibrated: for labels that are less
    exact than what the model is meant to predict.
    """

    name: str
    path: str = "."
    split: str = "train"
    scheme: str | None = None
    weight: Positive = 1.0
    repeat: Positive = 1.0
    filter: dict[str, tuple[float, float]] = Field(
        default_factory=dict,
        description="tag -> (low, high); samples outside are left out, untagged ones stay",
    )
    boxes: Literal["dataset", "landmarks", "five_points", "picture"] = "dataset"
    allow_missing: bool = False
    calibrate: bool = True

    @property
    def title(self) -> str:
        """What the source is called in logs: its path, or its reader where the path is the root itself."""
        return self.name if self.path == "." else self.path


class Validation(Config):
    """The share of groups (photos, persons) held out of every training dataset."""

    fraction: Share = 0.06
    seed: int = 0


class Normalization(Config):
    """(value - mean) / std per RGB channel, in grey levels; stored inside every exported model.

    `order` is the one in which the network takes the channels; pictures, `mean` and `std` are RGB.
    """

    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    std: tuple[float, float, float] = (127.5, 127.5, 127.5)
    order: Literal["rgb", "bgr"] = "rgb"


class Warmup(Config):
    """Linear growth of the learning rate from its share `start` to 1, over `epochs` or over `steps`.

    Without `start` the first of n steps has the share 1 / n. A number alone counts epochs.
    """

    epochs: float | None = Field(default=None, ge=0)
    steps: int | None = Field(default=None, ge=0)
    start: Share | None = None

    @model_validator(mode="before")
    @classmethod
    def _number(cls, value: Any) -> Any:
        return {"epochs": value} if isinstance(value, int | float) else value

    @model_validator(mode="after")
    def _one_length(self) -> Warmup:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("expected either epochs or steps")
        return self

    def length(self, steps_per_epoch: int) -> int:
        """The number of steps."""
        return round((self.epochs or 0) * steps_per_epoch) if self.steps is None else self.steps


class Train(Config):
    """Optimisation. `batch` counts the samples of each process."""

    epochs: int = Field(default=60, ge=1)
    batch: int = Field(default=64, ge=1)
    optimizer: Part = Part(name="adamw")
    schedule: Part = Part(name="cosine")
    learning_rate: Positive = 2e-3
    warmup: Warmup = Warmup(epochs=1.0)
    clip: Positive | None = 1.0
    ema: float = Field(default=0.999, ge=0, lt=1, description="decay per step; 0 keeps no average")
    precision: Literal["no", "bf16", "fp16"] = "no"
    workers: int = Field(default=1, ge=0)
    context: float = Field(
        default=1.8, ge=1, description="pictures are cut to this multiple of the crop and kept in a file"
    )
    uncompressed: float = Field(
        default=8.0, ge=0, description="GB that the cut pictures may take as they are; if more, they are JPEG"
    )
    seed: int = 0
    validate_every: int = Field(default=5, ge=1, description="epochs between two validations")


class Test(Config):
    """How the system is scored by its own protocol."""

    flip: bool = False


class PublishedErrors(Config):
    """Published NMEs in per cent, subset -> value.

    `images` says what was averaged: `pooled`, all points of all images, or `mean`, the images' means.
    """

    normalizer: str
    images: Literal["pooled", "mean"]
    subsets: dict[str, Positive] = Field(min_length=1)


class PublishedTraining(Config):
    """The published set-up: so many processes of `batch` samples each, `epochs`, the steps of the warm-up,
    and which weights were `kept`."""

    processes: int = Field(ge=1)
    batch: int = Field(ge=1)
    epochs: int = Field(ge=1)
    warmup_steps: int = Field(default=0, ge=0)
    kept: str | None = None


class Pretrained(Config):
    """The public file that the backbone starts from."""

    address: str
    sha256: Sha256


class PublishedSize(Config):
    """Published millions of parameters and 10^9 products, counted as thop does (`canthus.complexity`)."""

    params_thop: Positive
    macs_thop: Positive


class Reference(Config):
    """Where a recipe comes from: its source, published errors, size and training, and the public weights.

    `unpublished` marks recipes of this project, which have no published numbers or weights.
    """

    source: str | None = None
    unpublished: bool = False
    nme: PublishedErrors | None = None
    second_nme: PublishedErrors | None = Field(default=None, description="under another normalizer")
    size: PublishedSize | None = None
    checkpoint: str | None = Field(default=None, description="address of the published weights")
    sha256: Sha256 | None = None
    pretrained: Pretrained | None = None
    training: PublishedTraining | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Reference:
        if (self.checkpoint is None) != (self.sha256 is None):
            raise ValueError("expected checkpoint and sha256 together")
        published = [
            name for name in ("nme", "size", "checkpoint", "training") if getattr(self, name) is not None
        ]
        if self.unpublished and published:
            raise ValueError(f"an unpublished recipe has no published {', '.join(published)}")
        return self


class Recipe(Config):
    """One landmark system: data, crop, network, codec, losses, schedule."""

    name: str
    description: str
    scheme: str
    licence: str
    datasets: tuple[DatasetPart, ...] = Field(min_length=1)
    validation: Validation = Validation()
    size: int = Field(default=128, ge=16, description="side of the square crop, px")
    crop: CropRule
    normalization: Normalization = Normalization()
    transforms: tuple[Part, ...] = ()
    backbone: Part
    neck: Part | None = None
    head: Part
    codec: Part
    losses: tuple[LossPart, ...] = Field(min_length=1)
    train: Train = Train()
    test: Test = Test()
    reference: Reference = Reference()


def recipe_names() -> list[str]:
    """The rows of the zoo: every recipe that ships with the package."""
    folder = resources.files("canthus") / "recipes"
    return sorted(
        entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")
    )


def load_recipe(source: str | Path, assignments: Sequence[str] = ()) -> Recipe:
    """The recipe of a zoo row's name or a YAML file, with `path=value` assignments applied."""
    path = Path(source)
    if path.suffix not in (".yaml", ".yml"):
        if str(source) not in recipe_names():
            hint = nearest(str(source), recipe_names())
            raise ConfigError(f"no recipe {str(source)!r}; {hint} A file ends in .yaml")
        path = Path(str(resources.files("canthus") / "recipes" / f"{source}.yaml"))
    return validate(Recipe, override(read_yaml(path), assignments), str(source))
