"""Recipe -> network, losses, samples, pipelines: where the tables meet."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch

from canthus.codecs import CODECS, Codec, prediction
from canthus.config import ConfigError, nearest
from canthus.datasets import DATASETS
from canthus.datasets.fitted_pose import ANGLES, measure_angles
from canthus.geometry import CropRule, landmark_boxes
from canthus.losses import LOSSES, WeightedSum
from canthus.models.backbones import BACKBONES
from canthus.models.heads import HEADS
from canthus.models.landmarker import Landmarker
from canthus.models.necks import NECKS
from canthus.morphable_models.basel import STANDARD_FACE, read_standard_face
from canthus.recipe import DatasetPart, Part, Recipe
from canthus.sample import Annotations, Sample
from canthus.schemes import SCHEMES, Scheme
from canthus.schemes.alignment import alignment_points
from canthus.transforms import TRANSFORMS, Pipeline


def scheme_of(recipe: Recipe) -> Scheme:
    """The recipe's landmark scheme."""
    if recipe.scheme not in SCHEMES:
        raise ConfigError(f"scheme: no scheme {recipe.scheme!r}; {nearest(recipe.scheme, list(SCHEMES))}")
    return SCHEMES[recipe.scheme]


def with_standard_face(recipe: Recipe) -> Recipe:
    """The recipe with the face that lies beside its codec's shape model as the one that its `head` boxes are
    solved with; the same recipe where it has other boxes, a standard face, or there is no such file."""
    model = recipe.codec.options.get("model")
    if recipe.crop.box_kind != "head" or model is None or recipe.crop.standard_face is not None:
        return recipe
    path = Path(model).parent / STANDARD_FACE
    if not path.is_file():
        return recipe
    crop = recipe.crop.model_copy(update={"standard_face": read_standard_face(path)})
    return recipe.model_copy(update={"crop": crop})


def build_codec(recipe: Recipe) -> Codec:
    """The codec for crops of the recipe's size."""
    codec: Codec = construct(recipe.codec, CODECS, "codec", scheme_of(recipe), recipe.size)
    return codec


def build_landmarker(recipe: Recipe) -> Landmarker:
    """The network with fresh weights, in training mode."""
    codec = build_codec(recipe)
    backbone = construct(recipe.backbone, BACKBONES, "backbone")
    neck = None
    channels = backbone.channels
    if recipe.neck is not None:
        neck = construct(recipe.neck, NECKS, "neck", channels)
        channels = neck.channels
    kind = find(recipe.head.name, HEADS, "head")
    reads_codec = [codec] if "codec" in inspect.signature(kind).parameters else []
    fields = {**codec.fields, **codec.training_fields}
    head = construct(recipe.head, HEADS, "head", channels, fields, *reads_codec)
    normalization = recipe.normalization
    return Landmarker(backbone, neck, head, codec, **dict(normalization))


def build_losses(recipe: Recipe) -> WeightedSum:
    """The weighted losses; a name used twice is told apart by its field, or the first stage that counts."""
    losses, weights, stages = {}, {}, {}
    for part in recipe.losses:
        name = "_".join([part.name, *([part.options["field"]] if "field" in part.options else [])])
        name = name.replace(".", "_")  # modules are named with dots
        if name in losses and part.stages:
            name += f"_from_{next(stage for stage, factor in enumerate(part.stages) if factor)}"
        if name in losses:
            raise ConfigError(
                f"losses: {name} appears twice; give one of them another field or other stages, or add their "
                "weights"
            )
        losses[name] = construct(part, LOSSES, "loss", *_scheme_for(find(part.name, LOSSES, "loss"), recipe))
        weights[name], stages[name] = part.weight, part.stages
    return WeightedSum(losses, weights, stages)


def build_pipeline(recipe: Recipe, *, training: bool) -> Pipeline:
    """Sample -> view; the transforms belong to training."""
    scheme = scheme_of(recipe)
    transforms = []
    for part in recipe.transforms if training else ():
        kind = find(part.name, TRANSFORMS, "transform")
        transforms.append(construct(part, TRANSFORMS, "transform", *_scheme_for(kind, recipe)))
    return Pipeline(recipe.crop, recipe.size, scheme, tuple(transforms))


def _scheme_for(kind: Any, recipe: Recipe) -> list[Scheme]:
    """The recipe's scheme for parts that are constructed with it."""
    return [scheme_of(recipe)] if "scheme" in inspect.signature(kind).parameters else []


def check_recipe(recipe: Recipe) -> Landmarker:
    """The network, after one blank picture has gone through network, codec and losses.

    `ConfigError` says which part of the recipe does not fit the others, or names nothing.
    """
    landmarker, losses = build_landmarker(recipe), build_losses(recipe)
    build_pipeline(recipe, training=True)
    for part in recipe.datasets:
        find(part.name, DATASETS, "dataset")
        if part.scheme is not None and part.scheme not in SCHEMES:
            raise ConfigError(f"datasets: no scheme {part.scheme!r}; {nearest(part.scheme, list(SCHEMES))}")
    k, size = len(scheme_of(recipe)), recipe.size
    labels = (torch.zeros(1, k, 2), torch.ones(1, k), torch.ones(1), torch.ones(1))
    with torch.no_grad():
        outputs = landmarker.eval()(landmarker.normalize(torch.zeros(1, size, size, 3, dtype=torch.uint8)))
        targets = landmarker.codec.encode(Annotations(*labels))
        for name in losses.losses:
            try:
                losses.term(name, outputs, targets)
            except ValueError as error:
                raise ConfigError(f"loss {name}: {error}") from None
            except KeyError as error:
                fields = ", ".join(sorted(prediction(outputs).keys() & targets.keys()))
                raise ConfigError(
                    f"loss {name}: codec {recipe.codec.name} has no field {error}; it has {fields}"
                ) from None
    return landmarker.train()


@dataclass(frozen=True)
class Source:
    """The samples of one dataset of a recipe, and what the split lacks against its publication."""

    part: DatasetPart
    samples: tuple[Sample, ...]
    missing: tuple[str, ...]


def build_sources(recipe: Recipe, root: Path) -> tuple[list[Source], list[Source]]:
    """Training and validation sources, cut by group; backgrounds and faces alike."""
    training, validation = list[Source](), list[Source]()
    scheme = scheme_of(recipe)
    for part in recipe.datasets:
        reader: Any = find(part.name, DATASETS, "dataset")
        folder = root if len(recipe.datasets) == 1 and part.path == "." else root / part.path
        asked = SCHEMES[part.scheme] if part.scheme else None
        dataset = reader(folder, part.split, scheme=asked, allow_missing=part.allow_missing)
        known = measure_angles(dataset, dataset.scheme) if set(part.filter) & set(ANGLES) else list(dataset)
        # Boxes are those of all labelled points, also of such that the conversion leaves out.
        passing = [sample for sample in known if _passes(sample, part)]
        kept = [_boxed(sample, part, dataset.scheme, recipe.crop) for sample in passing]
        kept = [_as_taught(sample, part, recipe.crop) for sample in kept]
        kept = [convert(sample, dataset.scheme, scheme) for sample in kept]
        held = [_held_out(sample.group, recipe) for sample in kept]
        for out, wanted in ((training, False), (validation, True)):
            chosen = tuple(sample for sample, is_held in zip(kept, held, strict=True) if is_held == wanted)
            out.append(Source(part, chosen, tuple(dataset.missing)))
    return training, validation


def convert(sample: Sample, source: Scheme, target: Scheme) -> Sample:
    """A sample with its points in another scheme; visibility follows where one point stands for one."""
    if source.name == target.name:
        return sample
    if sample.presence == 0:
        blank = source.convert(sample.points, target)
        return replace(sample, points=blank, visibility=blank[:, 0])
    visibility = source.average(sample.visibility[:, None], target)[:, 0]
    return replace(sample, points=source.convert(sample.points, target), visibility=visibility)


def construct(part: Part, table: Mapping[str, Any], kind: str, *arguments: Any) -> Any:
    """The part's class called with the program's arguments and the recipe's options, which are checked."""
    target = find(part.name, table, kind)
    parameters = inspect.signature(target).parameters
    allowed = [name for name, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY]
    for option in part.options:
        if option not in allowed:
            hint = nearest(option, allowed) if allowed else "it has none"
            raise ConfigError(f"{kind} {part.name}: unknown option {option!r}, {hint}")
    options = {name: tuple(v) if isinstance(v, list) else v for name, v in part.options.items()}
    try:
        return target(*arguments, **options)
    except (TypeError, ValueError, KeyError, RuntimeError) as error:
        raise ConfigError(f"{kind} {part.name}: {error}") from error


def find(name: str, table: Mapping[str, Any], kind: str) -> Any:
    """The table's row, or the object that `my_module:MyClass` names."""
    if name in table:
        return table[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        raise ConfigError(f"no {kind} {name!r}; {nearest(name, list(table))}, or my_module:MyClass")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{kind} {name!r} cannot be imported: {error}") from None


def _boxed(sample: Sample, part: DatasetPart, scheme: Scheme, rule: CropRule) -> Sample:
    """A sample with the box of the labels that its part asks for, where its points determine one."""
    if part.boxes == "landmarks" and np.isfinite(sample.points).any():
        return replace(sample, box=landmark_boxes(sample.points).astype(np.float32), box_kind="landmarks")
    if part.boxes == "five_points" and sample.presence != 0:
        five = alignment_points(sample.points, scheme)
        if np.isfinite(five).all():
            return replace(sample, box=rule.head_boxes(five)[0].astype(np.float32), box_kind="head")
    return sample


def _as_taught(sample: Sample, part: DatasetPart, rule: CropRule) -> Sample:
    """A sample with the weight that its part asks for, and the labels that the network is taught; `picture`
    makes its crop the whole picture."""
    box, kind = sample.box, sample.box_kind
    label_offset_px = rule.label_offset_px
    if part.boxes == "picture":
        box, kind = rule.whole(*sample.size).astype(np.float32) + np.float32(label_offset_px), rule.box_kind
    return replace(
        sample,
        points=sample.points - np.float32(label_offset_px),
        box=box - np.float32(label_offset_px),
        box_kind=kind,
        weight=sample.weight * part.weight,
    )


def _passes(sample: Sample, part: DatasetPart) -> bool:
    return all(
        low <= sample.tags[tag] <= high for tag, (low, high) in part.filter.items() if tag in sample.tags
    )


def _held_out(group: str, recipe: Recipe) -> bool:
    digest = hashlib.md5(f"{recipe.validation.seed}:{group}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[:4], "big") / 2**32 < recipe.validation.fraction
