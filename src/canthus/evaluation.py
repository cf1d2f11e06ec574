"""Run a model over a split: predictions that `canthus.scoring` turns into numbers."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from canthus import __version__
from canthus.datasets import Dataset
from canthus.detectors import Detector
from canthus.faces import Faces
from canthus.formats.predictions import Predictions
from canthus.geometry import BoxKind, CropRule, FloatArray, box_iou, convert_boxes, head_boxes, landmark_boxes
from canthus.sample import Sample
from canthus.schemes import Scheme
from canthus.schemes.alignment import alignment_points

#: A detection is a labelled face when their `face` boxes overlap at least so much (intersection over union).
MATCH_IOU = 0.3


class Model(Protocol):
    """A network that finds landmarks in boxes of an image, all of them as one batch."""

    @property
    def scheme(self) -> Scheme: ...
    @property
    def crop_rule(self) -> CropRule: ...
    def __call__(self, image: NDArray[np.uint8], boxes: NDArray[np.float32], box_kind: BoxKind) -> Faces: ...


@dataclass(frozen=True)
class LabelBoxes:
    """Boxes from the labels: `landmarks`, tight boxes of the labelled points; `five_points`, `head` boxes of
    the five that the labels' `scheme` has, solved as the model's `rule` says; or `dataset`, as stated."""

    source: str = "landmarks"
    scheme: Scheme | None = None
    rule: CropRule | None = None

    def __call__(
        self, image: NDArray[np.uint8], samples: list[Sample]
    ) -> tuple[list[FloatArray | None], BoxKind]:
        """One box (4,) for each sample of the image, None where its points span none, and their kind."""
        if self.source == "dataset":
            kind = samples[0].box_kind
            return [convert_boxes(sample.box, sample.box_kind, kind) for sample in samples], kind
        if self.source == "five_points" and self.scheme is not None:
            five = [alignment_points(sample.points, self.scheme) for sample in samples]
            solved = head_boxes(five) if self.rule is None else self.rule.head_boxes(five)
            return [None if np.isnan(box).any() else box for box in solved], "head"
        boxes = [landmark_boxes(sample.points) for sample in samples]
        sized = [bool((box[2:] > box[:2]).all()) for box in boxes]  # one point alone spans no box
        return [box if has_size else None for box, has_size in zip(boxes, sized, strict=True)], "landmarks"


@dataclass(frozen=True)
class PictureBoxes:
    """No boxes at all: the crop is the whole picture, for pictures that show one face each, cut out."""

    rule: CropRule
    source: str = "picture"

    def __call__(
        self, image: NDArray[np.uint8], samples: list[Sample]
    ) -> tuple[list[FloatArray | None], BoxKind]:
        """The box whose crop is the image, for each sample."""
        offset = self.rule.label_offset_px
        box = self.rule.whole(image.shape[1], image.shape[0]) + offset
        return [box for _ in samples], self.rule.box_kind


@dataclass(frozen=True)
class FoundBoxes:
    """Boxes that were searched for: the one that overlaps the labelled face most, if by `MATCH_IOU` at least.

    `find` gives boxes (N, 4) of `kind` for an image and its path.
    """

    source: str
    find: Callable[[NDArray[np.uint8], Path | None], FloatArray]
    kind: BoxKind = "face"

    def __call__(
        self, image: NDArray[np.uint8], samples: list[Sample]
    ) -> tuple[list[FloatArray | None], BoxKind]:
        """One box (4,) for each sample of the image, None where its face was missed, and their kind."""
        path = samples[0].image if isinstance(samples[0].image, Path) else None
        boxes = np.asarray(self.find(image, path), dtype=np.float64).reshape(-1, 4)
        return [self._match(boxes, sample) for sample in samples], self.kind

    def _match(self, boxes: FloatArray, sample: Sample) -> FloatArray | None:
        label = convert_boxes(sample.box, sample.box_kind, "face")
        overlap = box_iou(convert_boxes(boxes, self.kind, "face"), label)[:, 0] if len(boxes) else np.zeros(0)
        best = int(overlap.argmax()) if len(boxes) else -1
        return boxes[best] if best >= 0 and overlap[best] >= MATCH_IOU else None


BoxSource = LabelBoxes | PictureBoxes | FoundBoxes


def detector_boxes(detector: Detector, source: str = "detector") -> FoundBoxes:
    """The boxes of a face detector as a box source."""
    return FoundBoxes(source, lambda image, path: detector(image).boxes)


def predict_split(
    model: Model, dataset: Dataset, boxes: BoxSource, *, progress: Callable[[], None] | None = None
) -> Predictions:
    """Every face of a split through the model; `progress` is called after each.

    Raises what reading a picture raises: a score of a part of a split is no score.
    """
    count, k = len(dataset), len(model.scheme)
    rows: dict[str, NDArray[np.float32]] = {
        "points": np.full((count, k, 2), np.nan, dtype=np.float32),
        "scores": np.full((count, k), np.nan, dtype=np.float32),
        "boxes": np.full((count, 4), np.nan, dtype=np.float32),
        "crop_side": np.full(count, np.nan, dtype=np.float32),
    }
    kind: BoxKind = "face"
    network_seconds = 0.0
    start = time.perf_counter()
    for indices in by_picture(dataset):
        samples = [dataset[i] for i in indices]
        image = samples[0].read()
        chosen, kind = boxes(image, samples)
        kept = [(i, box) for i, box in zip(indices, chosen, strict=True) if box is not None]
        if kept:
            index = np.array([i for i, _ in kept])
            used = np.stack([box for _, box in kept]).astype(np.float32)
            before = time.perf_counter()
            faces = model(image, used, kind)
            network_seconds += time.perf_counter() - before
            _store(rows, index, faces)
            rows["boxes"][index] = used
            windows = np.stack([model.crop_rule.window(box, kind) for box in used])
            rows["crop_side"][index] = windows[:, 3] - windows[:, 1]
        if progress is not None:
            for _ in indices:
                progress()
    provenance: dict[str, Any] = {
        "scheme": model.scheme.name,
        "dataset": dataset.name,
        "split": dataset.split,
        "labels": dataset.scheme.name,
        "partial": list(dataset.missing),
        "boxes": boxes.source,
        "box_kind": kind,
        "crop_rule": model.crop_rule.model_dump(mode="json", exclude_none=True),
        "seconds": {"all": round(time.perf_counter() - start, 3), "network": round(network_seconds, 3)},
        "versions": versions(),
    }
    ids = tuple(dataset[i].id for i in range(count))
    return Predictions(ids=ids, provenance=provenance, **rows)


def by_picture(dataset: Dataset) -> Iterator[list[int]]:
    """Indices of the samples, those of one picture file together."""
    groups: dict[str, list[int]] = {}
    for i in range(len(dataset)):
        image = dataset[i].image
        groups.setdefault(str(image) if isinstance(image, Path) else f"#{i}", []).append(i)
    yield from groups.values()


def _store(rows: dict[str, NDArray[np.float32]], index: NDArray[np.intp], faces: Faces) -> None:
    for name in ("points", "scores", "visibility", "presence", "covariance"):
        value = getattr(faces, name)
        if value is not None:
            if name not in rows:
                rows[name] = np.full((len(rows["boxes"]), *value.shape[1:]), np.nan, dtype=np.float32)
            rows[name][index] = value


def background_crops(
    dataset: Dataset, *, each: int = 4, seed: int = 0
) -> Iterator[tuple[NDArray[np.uint8], FloatArray]]:
    """Pictures without faces and `each` random square `face` boxes (each, 4) in them, the same for a seed.

    Their sides are 30 to 100 % of the picture's shorter side.
    """
    random = np.random.default_rng(seed)
    for i in range(len(dataset)):
        image = dataset[i].read()
        height, width = image.shape[:2]
        side = random.uniform(0.3, 1.0, each) * min(height, width)
        left, top = random.random(each) * (width - side) - 0.5, random.random(each) * (height - side) - 0.5
        yield image, np.stack([left, top, left + side, top + side], axis=-1)


def with_backgrounds(predictions: Predictions, model: Model, dataset: Dataset) -> Predictions:
    """The predictions with the presence that the model sees in crops of pictures without faces."""
    found = []
    for image, boxes in background_crops(dataset):
        presence = model(image, boxes.astype(np.float32), "face").presence
        if presence is None:
            raise ValueError("the model has no output `presence`; it cannot be tested on backgrounds")
        found.append(presence)
    return replace(predictions, background_presence=np.concatenate(found))


def versions() -> dict[str, str]:
    """What the numbers may depend on."""
    return {
        "canthus": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "onnxruntime": onnxruntime.__version__,
    }
