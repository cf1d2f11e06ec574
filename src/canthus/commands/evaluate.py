"""`canthus evaluate`: run a model over a labelled split and score it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from canthus import detectors
from canthus.commands.output import Output
from canthus.commands.progress import Progress
from canthus.commands.report import deliver
from canthus.commands.splits import Split, check_schemes
from canthus.datasets import Dataset
from canthus.datasets.backgrounds import Backgrounds
from canthus.detectors import BoxFile
from canthus.evaluation import (
    BoxSource,
    FoundBoxes,
    LabelBoxes,
    detector_boxes,
    predict_split,
    with_backgrounds,
)
from canthus.formats.predictions import Predictions
from canthus.geometry import BoxKind, CropRule
from canthus.recipe import load_recipe, recipe_names
from canthus.runtime.landmarker import OnnxLandmarker
from canthus.runtime.models import BUNDLED, model_file
from canthus.schemes import Scheme
from canthus.scoring import score


@dataclass(frozen=True)
class Boxes:
    """Where the face boxes come from.

    `source`: landmarks, dataset, detector, a file of boxes of `file_kind`, or None for the dataset's
    protocol. `detector` and `detector_size` (px) choose and set up the detector.
    """

    source: str | None = None
    detector: str = "builtin"
    detector_size: int = detectors.WORKING_SIZE
    file_kind: str = "face"

    def open(self, default: str, scheme: Scheme, rule: CropRule, threads: int | None = None) -> BoxSource:
        """The box source for labels of a scheme and a model's crop rule; ValueError for a name that is
        neither a source nor a file, and for options that would change nothing.
        """
        source = self.source or default
        self._refuse_unused(source)
        if source in ("landmarks", "dataset", "five_points"):
            return LabelBoxes(source, scheme, rule)
        if source == "detector":
            found = detectors.load(self.detector, working_size=self.detector_size, threads=threads)
            name = Path(self.detector).name
            return detector_boxes(found, f"detector {name} at {self.detector_size} px")
        if not Path(source).is_file():
            raise ValueError(
                f"--boxes is landmarks, dataset, five_points, detector or a file; found {source!r}"
            )
        if self.file_kind not in ("face", "landmarks"):
            raise ValueError(f"--box-kind is face or landmarks; found {self.file_kind!r}")
        file = BoxFile(source)
        return FoundBoxes(
            f"file {Path(source).name}",
            lambda image, path: np.zeros((0, 4)) if path is None or (b := file(path)) is None else b,
            cast(BoxKind, self.file_kind),
        )

    def _refuse_unused(self, source: str) -> None:
        if source != "detector" and (self.detector, self.detector_size) != (
            Boxes.detector,
            Boxes.detector_size,
        ):
            raise ValueError(f"--detector and --detector-size need --boxes detector; the boxes are {source}")
        if (
            source in ("landmarks", "dataset", "five_points", "detector")
            and self.file_kind != Boxes.file_kind
        ):
            raise ValueError(f"--box-kind is about the boxes of a file; the boxes are {source}")


@dataclass(frozen=True)
class Options:
    """The rest: `backgrounds` is a folder without faces for `presence_auc`."""

    allow_scheme_mismatch: bool = False
    flip_test: bool = False
    backgrounds: Path | None = None
    threads: int | None = None
    save_predictions: Path | None = None
    output: Output = field(default_factory=Output)


def evaluate(model: str, data: Split, boxes: Boxes, options: Options) -> int:
    """Print the report, and write what was asked for; the exit code."""
    options.output.check(options.save_predictions)
    report, warnings = run(model, data, boxes, options)
    deliver(report, options.output, warnings)
    return 0


def run(model: str, data: Split, boxes: Boxes, options: Options) -> tuple[dict[str, Any], list[str]]:
    """The report of a model on a split, and warnings."""
    dataset = data.open()
    by = options.output.measure(dataset.scheme)
    flip_test = options.flip_test or _flips(model)
    landmarker = OnnxLandmarker(model_file(model, flip_test=flip_test), threads=options.threads)
    mismatch = check_schemes(landmarker.scheme.name, dataset.scheme.name, options.allow_scheme_mismatch)
    warnings = [mismatch] if mismatch else []
    if dataset.missing:
        warnings.append(f"{dataset.name} {dataset.split} is partial: {'; '.join(dataset.missing)}")
    usual = "five_points" if landmarker.crop_rule.box_kind == "head" else dataset.default_boxes
    source = boxes.open(usual, dataset.scheme, landmarker.crop_rule, options.threads)
    predictions = predict(landmarker, dataset, source)
    if options.backgrounds is not None:
        predictions = with_backgrounds(predictions, landmarker, Backgrounds(options.backgrounds, "test"))
    provenance = _model(model, Path(landmarker.session.name), landmarker)
    predictions = replace(predictions, provenance={**provenance, **predictions.provenance})
    if options.save_predictions is not None:
        predictions.save(options.save_predictions)
    return score(predictions, dataset, by), warnings


def predict(landmarker: OnnxLandmarker, dataset: Dataset, source: BoxSource) -> Predictions:
    """`predict_split` with a progress bar on a terminal."""
    with Progress(f"{dataset.name} {dataset.split}", len(dataset)) as bar:
        return predict_split(landmarker, dataset, source, progress=bar.advance)


def _flips(model: str) -> bool:
    """Whether the recipe of a zoo row or a weights file is scored with the flip test (`test.flip`)."""
    if model not in BUNDLED and model in recipe_names():
        return load_recipe(model).test.flip
    if Path(model).suffix.lower() != ".safetensors" or not Path(model).is_file():
        return False
    try:
        from canthus.checkpoints import native
    except ImportError:
        return False  # `model_file` tells what is missing
    return native.read_recipe(Path(model)).test.flip


def _model(model: str, path: Path, landmarker: OnnxLandmarker) -> dict[str, Any]:
    named = model if model in BUNDLED else Path(model).name
    metadata = landmarker.session.metadata
    return {
        "model": named,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "recipe": metadata.get("recipe", ""),
        "codec": json.loads(metadata.get("codec", "{}")),
        "training_data": metadata.get("training_data", ""),
        "initial_weights": metadata.get("initial_weights", ""),
        "training": json.loads(metadata.get("training", "{}")),
        "flip_test": metadata.get("flip_test") == "true",
    }
