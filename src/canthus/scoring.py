"""From predictions on a split to numbers; needs no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Dataset
from canthus.formats.predictions import Predictions
from canthus.geometry import FloatArray
from canthus.metrics import METRICS, Comparison
from canthus.sample import Sample
from canthus.schemes import SCHEMES, Scheme

#: Yaw bins in degrees: [0, 30) [30, 60) [60, ...).
YAW_BINS = ((0, 30), (30, 60), (60, None))
SUBSET_METRICS = ("nme", "failure_rate", "auc")


def compare(predictions: Predictions, dataset: Dataset) -> Comparison:
    """Predictions beside the labels of a split, matched by id, in the labels' scheme.

    Predicted points of another scheme with as many points are taken index by index, others are converted.
    Raises ValueError when a face of the split has no prediction.
    """
    position = {name: i for i, name in enumerate(predictions.ids)}
    samples = [dataset[i] for i in range(len(dataset))]
    lacking = [sample.id for sample in samples if sample.id not in position]
    if lacking or not samples:
        split = f"{dataset.name} {dataset.split}"
        raise ValueError(
            f"the predictions lack {len(lacking)} of the {len(samples)} faces of {split} "
            f"({', '.join(lacking[:3])}); were they made on another split?"
        )
    rows = np.array([position[sample.id] for sample in samples])
    scheme = _scheme(predictions, dataset.scheme)
    same_count = len(scheme) == len(dataset.scheme)
    points = predictions.points[rows].astype(np.float64)
    optional = {name: getattr(predictions, name) for name in ("visibility", "presence", "covariance")}
    chosen = {name: None if value is None else value[rows] for name, value in optional.items()}
    if not same_count:
        points = scheme.convert(points, dataset.scheme)
        chosen |= {"visibility": None, "covariance": None}
    return Comparison(
        points=points,
        target=np.stack([sample.points for sample in samples]).astype(np.float64),
        boxes=np.stack([sample.box for sample in samples]).astype(np.float64),
        crop_side=predictions.crop_side[rows].astype(np.float64),
        target_visibility=np.stack([sample.visibility for sample in samples]),
        target_presence=np.array([sample.presence for sample in samples]),
        **chosen,
    )


def _scheme(predictions: Predictions, default: Scheme) -> Scheme:
    """The scheme that the predictions state, else `default`; ValueError where it cannot be theirs."""
    name = str(predictions.provenance.get("scheme", default.name))
    if name not in SCHEMES:
        raise ValueError(f"the predictions are in an unknown scheme {name!r}; known: {', '.join(SCHEMES)}")
    found, expected = predictions.points.shape[1], len(SCHEMES[name])
    if found != expected:
        raise ValueError(f"the predictions have {found} points a face, expected {expected} of scheme {name}")
    return SCHEMES[name]


def score(predictions: Predictions, dataset: Dataset) -> dict[str, Any]:
    """The report on a split: provenance, counts, `metrics` (subsets and yaw bins too) and the `ced` curve."""
    comparison = compare(predictions, dataset)
    samples = [dataset[i] for i in range(len(dataset))]
    scheme = dataset.scheme
    metrics = measure(comparison, scheme, tuple(name for name in METRICS if name != "ced"))
    if predictions.background_presence is not None and comparison.presence is not None:
        metrics |= _presence(comparison, predictions.background_presence, scheme)
    for name, rows in subsets(samples).items():
        part = measure(comparison.select(rows), scheme, SUBSET_METRICS)
        metrics |= {f"{name}/faces": float(rows.sum())} | {
            f"{name}/{key}": value for key, value in part.items()
        }
    curve = measure(comparison, scheme, ("ced",))
    pictures = {str(sample.image) if isinstance(sample.image, Path) else sample.id for sample in samples}
    return {
        **predictions.provenance,
        "images": len(pictures),
        "faces": len(samples),
        "missed": int(metrics["missed"]),
        "metrics": {name: None if np.isnan(value) else value for name, value in metrics.items()},
        "ced": {
            "normalizer": scheme.default_normalizer,
            "error": [float(name.rpartition("@")[2]) for name in curve],
            "share": [None if np.isnan(value) else value for value in curve.values()],
        },
    }


def measure(comparison: Comparison, scheme: Scheme, names: tuple[str, ...]) -> dict[str, float]:
    """The numbers of these rows of METRICS over one comparison."""
    out: dict[str, float] = {}
    for name in names:
        metric = METRICS[name](scheme)
        metric.update(comparison)
        out |= metric.compute()
    return out


def subsets(samples: list[Sample]) -> dict[str, NDArray[np.bool_]]:
    """Name -> rows (N,) of the subsets a dataset states (tags `subset/NAME`) and of the bins of `yaw_abs`.

    A single subset that is the whole split is left out.
    """
    out: dict[str, NDArray[np.bool_]] = {}
    for name in sorted({tag for sample in samples for tag in sample.tags if tag.startswith("subset/")}):
        rows = np.array([sample.tags.get(name, 0.0) > 0 for sample in samples])
        if not rows.all():
            out[name] = rows
    yaw = np.array([sample.tags.get("yaw_abs", np.nan) for sample in samples])
    for low, high in YAW_BINS:
        rows = (yaw >= low) & (yaw < (np.inf if high is None else high))
        if rows.any():
            out[f"yaw_{low}_{high}" if high is not None else f"yaw_{low}"] = rows
    return out


def _presence(comparison: Comparison, backgrounds: FloatArray, scheme: Scheme) -> dict[str, float]:
    assert comparison.presence is not None
    found = ~np.isnan(comparison.presence)
    faces = comparison.select(found)
    count = len(backgrounds)
    empty = Comparison(
        points=np.full((count, *comparison.points.shape[1:]), np.nan),
        target=np.full((count, *comparison.target.shape[1:]), np.nan),
        boxes=np.full((count, 4), np.nan),
        crop_side=np.full(count, np.nan),
        target_visibility=np.full((count, *comparison.target_visibility.shape[1:]), np.nan),
        target_presence=np.zeros(count),
        presence=backgrounds,
    )
    metric = METRICS["presence_auc"](scheme)
    metric.update(faces)
    metric.update(empty)
    return metric.compute()
