"""From predictions on a split to numbers; needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Dataset
from canthus.datasets.fitted_pose import measure_angles
from canthus.formats.predictions import Predictions
from canthus.geometry import FloatArray
from canthus.metrics import METRICS, Comparison, Metric
from canthus.metrics.auc import AUC
from canthus.metrics.ced import CED, GRID
from canthus.metrics.failure_rate import FailureRate
from canthus.metrics.nme import NME
from canthus.metrics.per_part import PerPart
from canthus.metrics.ratio import RatioMetric, bootstrap
from canthus.metrics.threshold import THRESHOLDS
from canthus.morphable_models import measurable
from canthus.sample import Sample
from canthus.schemes import SCHEMES, Scheme

#: Yaw bins in degrees: [0, 30) [30, 60) [60, ...).
YAW_BINS = ((0, 30), (30, 60), (60, None))
#: Rows of METRICS that are told their denominator and thresholds; the others have nothing to be told.
OF_ERRORS = ("nme", "failure_rate", "auc", "ced", "per_part")
#: How the intervals are made.
RESAMPLES, SEED, LEVEL = 1000, 0, 0.95


@dataclass(frozen=True)
class Measure:
    """What errors are measured by: the labels' scheme, the denominator of everything but NME (which has them
    all; None is the scheme's own), the thresholds of failure rate and AUC, shares of it in (0, 1], and with
    `yaw_bins` also a yaw where labels state none: that of the shape model fitted to their points.

    Raises ValueError for a denominator that the scheme does not have, for other thresholds, and for a scheme
    whose points the shape model does not know.
    """

    scheme: Scheme
    normalizer: str | None = None
    thresholds: Sequence[float] = THRESHOLDS
    yaw_bins: bool = False

    def __post_init__(self) -> None:
        if self.normalizer not in (None, *self.scheme.normalizer_names):
            known = ", ".join(self.scheme.normalizer_names)
            raise ValueError(
                f"scheme {self.scheme.name} has no normaliser {self.normalizer!r}; it has {known}"
            )
        if not self.thresholds or not all(0 < threshold <= 1 for threshold in self.thresholds):
            raise ValueError(
                f"thresholds are shares of the denominator in (0, 1]; found {list(self.thresholds)}"
            )
        if self.yaw_bins and not measurable(self.scheme):
            raise ValueError(
                f"no yaw can be fitted to points of scheme {self.scheme.name}: the shape model has no "
                "counterparts of them; leave out --yaw-bins (a yaw that labels state is used all the same)"
            )

    def errors(self, part: Part) -> tuple[dict[str, float], dict[str, list[float]]]:
        """NME, failure rate and AUC, and their intervals."""
        metrics: list[RatioMetric] = [
            NME(self.scheme),
            FailureRate(self.scheme, normalizer=self.normalizer, thresholds=self.thresholds),
            AUC(self.scheme, normalizer=self.normalizer, thresholds=self.thresholds),
        ]
        terms = {name: pair for metric in metrics for name, pair in metric.terms(part.comparison).items()}
        found = bootstrap(terms, part.pictures, resamples=RESAMPLES, seed=SEED, level=LEVEL)
        return measure(part.comparison, metrics), {name: list(interval) for name, interval in found.items()}

    def curve(self, part: Part) -> list[float | None]:
        """The cumulative errors on `GRID`."""
        numbers = measure(part.comparison, [CED(self.scheme, normalizer=self.normalizer)])
        return list(_or_none(numbers).values())


@dataclass(frozen=True)
class Part:
    """Some of a split's faces, or of their points; `pictures` (N,) names the picture of each face."""

    comparison: Comparison
    pictures: Sequence[str]

    def rows(self, rows: NDArray[np.bool_]) -> Part:
        """The faces where `rows` (N,) is true."""
        names = [name for name, chosen in zip(self.pictures, rows, strict=True) if chosen]
        return Part(self.comparison.select(rows), names)

    def points(self, counted: NDArray[np.bool_]) -> Part:
        """Only the points where `counted` (N, K) is true, and the faces that have such points."""
        part = replace(self, comparison=replace(self.comparison, counted=counted))
        return part.rows(np.asarray(part.comparison.labelled.any(-1)))


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


def score(predictions: Predictions, dataset: Dataset, by: Measure | None = None) -> dict[str, Any]:
    """The report on a split: provenance, counts, `metrics` (subsets too), `intervals` and `ced` curves."""
    scheme = dataset.scheme
    by = by or Measure(scheme)
    stated = [dataset[i] for i in range(len(dataset))]
    samples = measure_angles(stated, scheme) if by.yaw_bins else stated
    pictures = [str(sample.image) if isinstance(sample.image, Path) else sample.id for sample in samples]
    whole = Part(compare(predictions, dataset), pictures)
    metrics, intervals = by.errors(whole)
    others = [metric(scheme) for name, metric in METRICS.items() if name not in OF_ERRORS]
    metrics |= measure(whole.comparison, [PerPart(scheme, normalizer=by.normalizer), *others])
    if predictions.background_presence is not None and whole.comparison.presence is not None:
        metrics |= _presence(whole.comparison, predictions.background_presence, scheme)
    curves = dict[str, list[float | None]]()
    for name, part in _parts(whole, samples).items():
        numbers, inside = by.errors(part)
        metrics[f"{name}/faces"] = float(len(part.comparison))
        metrics |= {f"{name}/{key}": value for key, value in numbers.items()}
        intervals |= {f"{name}/{key}": value for key, value in inside.items()}
        curves[name] = by.curve(part)
    metrics |= mean_of_yaw_bins(metrics)
    return {
        **predictions.provenance,
        "images": len(set(pictures)),
        "faces": len(samples),
        "missed": int(metrics["missed"]),
        **_yaw_source(stated, samples),
        "metrics": _or_none(metrics),
        "intervals": {"level": LEVEL, "resamples": RESAMPLES, "seed": SEED, "metrics": intervals},
        "ced": {
            "normalizer": by.normalizer or scheme.default_normalizer,
            "error": list(GRID),
            "share": by.curve(whole),
            "subsets": curves,
        },
    }


def mean_of_yaw_bins(metrics: Mapping[str, float]) -> dict[str, float]:
    """`mean_of_yaw_bins/nme/NORMALISER`: the mean of the bins' errors, whatever their sizes, as the scores of
    AFLW2000-3D are published (Zhu et al. 2016); nothing unless every bin has faces."""
    names = [_bin_name(low, high) for low, high in YAW_BINS]
    keys = [key for key in metrics if key.startswith("nme/")]
    return {
        f"mean_of_yaw_bins/{key}": float(np.mean([metrics[f"{name}/{key}"] for name in names]))
        for key in keys
        if all(f"{name}/{key}" in metrics for name in names)
    }


def _yaw_source(stated: list[Sample], samples: list[Sample]) -> dict[str, dict[str, int]]:
    """How many faces have their yaw from the labels, from a fit to the labelled points, and none; nothing
    where no face has one."""
    labelled, known = (sum("yaw_abs" in sample.tags for sample in faces) for faces in (stated, samples))
    counts = {"stated": labelled, "fitted": known - labelled, "unknown": len(samples) - known}
    return {"yaw": counts} if known else {}


def _bin_name(low: int, high: int | None) -> str:
    return f"yaw_{low}_{high}" if high is not None else f"yaw_{low}"


def measure(comparison: Comparison, metrics: Sequence[Metric]) -> dict[str, float]:
    """The numbers of these metrics over one comparison."""
    out: dict[str, float] = {}
    for metric in metrics:
        metric.update(comparison)
        out |= metric.compute()
    return out


def _or_none(numbers: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else value for name, value in numbers.items()}


def _parts(whole: Part, samples: list[Sample]) -> dict[str, Part]:
    """The subsets of a split; where points are labelled visible and hidden, those points apart, too."""
    out = {name: whole.rows(rows) for name, rows in subsets(samples).items()}
    state = whole.comparison.target_visibility
    apart = {"points_visible": whole.points(state == 1), "points_hidden": whole.points(state == 0)}
    return out | (apart if all(len(part.comparison) for part in apart.values()) else {})


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
            out[_bin_name(low, high)] = rows
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
