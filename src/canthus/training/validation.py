"""Scoring a network on the validation slice, and fitting what is calibrated there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from canthus.geometry import FloatArray, apply_affine
from canthus.metrics.calibration import mahalanobis_squared
from canthus.metrics.metric import Comparison
from canthus.metrics.nme import image_errors
from canthus.models.landmarker import Landmarker
from canthus.sample import Sample
from canthus.training.data import Views, collate
from canthus.transforms import Pipeline


@dataclass(frozen=True)
class Validator:
    """Held-out samples, cut and prepared; `names` (N,) of their datasets; which of them `calibrates` (N,); a
    pipeline without transforms.
    """

    samples: Sequence[Sample]
    names: Sequence[str]
    calibrates: Sequence[bool]
    pipeline: Pipeline
    batch: int

    def score(self, landmarker: Landmarker) -> dict[str, float]:
        """`nme/DATASET/NORMALISER` in per cent, and `nme`, the mean over datasets with the landmark box."""
        scheme = self.pipeline.scheme
        compared = list(self._compare(landmarker))
        names = np.asarray(self.names)
        means = dict[str, float]()
        for normalizer in dict.fromkeys((scheme.default_normalizer, "landmark_box_sqrt_wh")):
            errors = np.concatenate([image_errors(batch, scheme, normalizer) for batch in compared])
            for name in dict.fromkeys(self.names):
                scored = errors[(names == name) & np.isfinite(errors)]
                if len(scored):
                    means[f"nme/{name}/{normalizer}"] = float(100 * scored.mean())
        boxes = [value for name, value in means.items() if name.endswith("/landmark_box_sqrt_wh")]
        return {"nme": float(np.mean(boxes)) if boxes else float("nan"), **means}

    def fit_covariance(self, landmarker: Landmarker) -> float:
        """Set and return the factor on predicted covariances that puts half of the points of the samples that
        calibrate inside the 50 % ellipses and nine tenths inside the 90 % ones, as well as one factor can
        (geometric mean); 1 where no such point is known.
        """
        squares = list[FloatArray]()
        start = 0
        for batch in self._compare(landmarker):
            if batch.covariance is None:
                raise ValueError(f"{type(landmarker.codec).__name__} predicts no covariance to calibrate")
            rows = np.asarray(self.calibrates[start : start + len(batch)], dtype=bool)
            square = mahalanobis_squared(batch.target - batch.points, batch.covariance)[rows]
            squares.append(square[np.isfinite(square)])
            start += len(batch)
        known = np.concatenate([*squares, np.zeros(0)])
        if not len(known):
            return 1.0
        half, most = np.quantile(known, [0.5, 0.9]) / (-2 * np.log([0.5, 0.1]))
        factor = float(np.sqrt(half * most))
        landmarker.codec.covariance_scale.mul_(factor)
        return factor

    @torch.no_grad()
    def _compare(self, landmarker: Landmarker) -> Iterator[Comparison]:
        """Predictions and labels in crop px, batch by batch."""
        views = Views(self.samples, self.pipeline, seed=0)
        for start in range(0, len(views), self.batch):
            shown = [views[0, index] for index in range(start, min(start + self.batch, len(views)))]
            batch = collate(shown)
            crops = batch.crops.to(landmarker.mean.device)
            decoded = landmarker.locate(landmarker.normalize(crops))
            target = batch.annotations.points.double().numpy()
            covariance = None if decoded.covariance is None else decoded.covariance.double().cpu().numpy()
            yield Comparison(
                points=decoded.points.double().cpu().numpy(),
                target=target,
                boxes=np.stack([apply_affine(v.matrix, v.sample.box.reshape(2, 2)).ravel() for v in shown]),
                crop_side=np.full(len(target), float(self.pipeline.size)),
                target_visibility=batch.annotations.visibility.numpy(),
                target_presence=batch.annotations.presence.numpy(),
                covariance=covariance,
            )
