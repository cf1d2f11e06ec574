"""Scoring a network on the validation slice, and fitting what is calibrated there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from canthus.codecs import Decoded
from canthus.models.landmarker import Landmarker
from canthus.sample import Annotations, Sample
from canthus.training.data import Views, collate
from canthus.transforms import Pipeline


@dataclass(frozen=True)
class Validator:
    """Held-out samples, cut and prepared, `names` (N,) of their datasets, a pipeline without transforms."""

    samples: Sequence[Sample]
    names: Sequence[str]
    pipeline: Pipeline
    batch: int

    def score(self, landmarker: Landmarker) -> dict[str, float]:
        """`nme/DATASET/NORMALISER` in per cent, and `nme`, the mean over datasets with the landmark box."""
        scheme = self.pipeline.scheme
        errors: dict[str, list[float]] = defaultdict(list)
        for start, labels, decoded in self._predict(landmarker):
            truth = labels.points.double().numpy()
            distance = np.linalg.norm(decoded.points.double().cpu().numpy() - truth, axis=-1)
            for normalizer in dict.fromkeys((scheme.default_normalizer, "landmark_box_sqrt_wh")):
                size = scheme.normalizer(normalizer, truth)
                for row in np.flatnonzero(np.isfinite(distance).any(-1) & (size > 0)).tolist():
                    name = f"nme/{self.names[start + row]}/{normalizer}"
                    errors[name].append(float(np.nanmean(distance[row]) / size[row] * 100))
        means = {name: float(np.mean(values)) for name, values in sorted(errors.items())}
        boxes = [value for name, value in means.items() if name.endswith("landmark_box_sqrt_wh")]
        return {"nme": float(np.mean(boxes)) if boxes else float("nan"), **means}

    def fit_covariance(self, landmarker: Landmarker) -> float:
        """Set and return the factor on predicted covariances that puts half of the validation points inside
        the 50 % ellipses and nine tenths inside the 90 % ones, as well as one factor can (geometric mean)."""
        squares: list[NDArray[np.float64]] = []
        for _, labels, decoded in self._predict(landmarker):
            assert decoded.covariance is not None
            residual = (decoded.points.cpu() - labels.points).double()
            known = torch.isfinite(residual).all(-1)
            solved = torch.linalg.solve(decoded.covariance.cpu().double()[known], residual[known][..., None])
            squares.append((residual[known] * solved[..., 0]).sum(-1).numpy())
        half, most = np.quantile(np.concatenate(squares), [0.5, 0.9]) / (-2 * np.log([0.5, 0.1]))
        factor = float(np.sqrt(half * most))
        landmarker.codec.covariance_scale.mul_(factor)
        return factor

    @torch.no_grad()
    def _predict(self, landmarker: Landmarker) -> Iterator[tuple[int, Annotations, Decoded]]:
        views = Views(self.samples, self.pipeline, seed=0)
        for start in range(0, len(views), self.batch):
            batch = collate([views[0, index] for index in range(start, min(start + self.batch, len(views)))])
            crops = batch.crops.to(landmarker.mean.device)
            yield start, batch.annotations, landmarker.locate(landmarker.normalize(crops))
