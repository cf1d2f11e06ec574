"""Normalised mean error, in per cent of a named denominator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from canthus.geometry import FloatArray
from canthus.metrics.metric import Comparison, denominators, point_errors
from canthus.metrics.ratio import RatioMetric, Terms, mean_of
from canthus.schemes import Scheme


def image_errors(batch: Comparison, scheme: Scheme, normalizer: str) -> FloatArray:
    """Each face's mean error over its labelled points that count, as a share (N,) of its denominator.

    inf: the face was not found; NaN: it cannot be scored (no such point, zero or unknown denominator).
    """
    scale = denominators(batch, scheme, normalizer)
    labelled = batch.labelled  # (N, K)
    found = ~np.isnan(batch.points).any(axis=-1)  # (N, K)
    shared = labelled & found
    total = np.where(shared, point_errors(batch), 0.0).sum(axis=-1)
    errors = np.where(shared.any(axis=-1), total / np.maximum(shared.sum(axis=-1), 1), np.nan) / scale
    missed = labelled.any(axis=-1) & ~found.any(axis=-1) & ~np.isnan(scale)
    errors[missed] = np.inf
    return errors


class NME(RatioMetric):
    """Mean over faces of the mean over their labelled points, and the mean over all points (`nme_pooled`),
    in %.

    For every normaliser of `normalizers` (default: all that the scheme allows): `nme/NAME`,
    `nme_pooled/NAME` (mmpose's way: faces with more labelled points weigh more) and `left_out/NAME`, the
    number of faces without a usable denominator or labelled point. Faces that were not found count in
    neither mean; see `missed`.
    """

    def __init__(self, scheme: Scheme, *, normalizers: Sequence[str] | None = None) -> None:
        super().__init__()
        self.scheme = scheme
        self.normalizers = tuple(normalizers or scheme.normalizer_names)
        self._left_out = dict.fromkeys(self.normalizers, 0)
        self._missed = dict.fromkeys(self.normalizers, 0)

    def terms(self, batch: Comparison) -> Terms:
        """Both means under every denominator."""
        distances = point_errors(batch)
        out = {}
        for name in self.normalizers:
            errors = image_errors(batch, self.scheme, name)
            out[f"nme/{name}"] = mean_of(100 * errors, np.isfinite(errors))
            shares = distances / denominators(batch, self.scheme, name)[:, None]
            known = ~np.isnan(shares)
            total = np.where(known, 100 * shares, 0.0).sum(-1)
            out[f"nme_pooled/{name}"] = (total, known.sum(-1).astype(np.float64))
        return out

    def update(self, batch: Comparison) -> None:
        """Take in N faces."""
        super().update(batch)
        for name in self.normalizers:
            errors = image_errors(batch, self.scheme, name)
            self._left_out[name] += int(np.isnan(errors).sum())
            self._missed[name] += int(np.isinf(errors).sum())

    def compute(self) -> dict[str, float]:
        """`nme/...`, `nme_pooled/...` in % and `left_out/...`, `missed` in faces."""
        left_out = {f"left_out/{name}": float(count) for name, count in self._left_out.items()}
        return {**super().compute(), **left_out, "missed": float(max(self._missed.values()))}
