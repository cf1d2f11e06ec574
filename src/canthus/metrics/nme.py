"""Normalised mean error, in per cent of a named denominator."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from canthus.geometry import FloatArray
from canthus.metrics.metric import Comparison, denominators, mean, point_errors
from canthus.schemes import Scheme


def image_errors(batch: Comparison, scheme: Scheme, normalizer: str) -> FloatArray:
    """Each face's mean error over its labelled points as a share (N,) of its denominator.

    inf: the face was not found; NaN: it cannot be scored (no labelled point, zero or unknown denominator).
    """
    scale = denominators(batch, scheme, normalizer)
    labelled = ~np.isnan(batch.target).any(axis=-1)  # (N, K)
    found = ~np.isnan(batch.points).any(axis=-1)  # (N, K)
    shared = labelled & found
    total = np.where(shared, point_errors(batch), 0.0).sum(axis=-1)
    errors = np.where(shared.any(axis=-1), total / np.maximum(shared.sum(axis=-1), 1), np.nan) / scale
    missed = labelled.any(axis=-1) & ~found.any(axis=-1) & ~np.isnan(scale)
    errors[missed] = np.inf
    return errors


class NME:
    """Mean over faces of the mean over their labelled points, and the mean over all points (`nme_pooled`),
    in %.

    For every normaliser of `normalizers` (default: all that the scheme allows): `nme/NAME`,
    `nme_pooled/NAME` (mmpose's way: faces with more labelled points weigh more) and `left_out/NAME`, the
    number of faces without a usable denominator or labelled point. Faces that were not found count in
    neither mean; see `missed`.
    """

    def __init__(self, scheme: Scheme, *, normalizers: Sequence[str] | None = None) -> None:
        self.scheme = scheme
        self.normalizers = tuple(normalizers or scheme.normalizer_names)
        self._errors: dict[str, list[FloatArray]] = {name: [] for name in self.normalizers}
        self._pooled: dict[str, list[FloatArray]] = {name: [] for name in self.normalizers}

    def update(self, batch: Comparison) -> None:
        """Take in N faces."""
        distances = point_errors(batch)
        for name in self.normalizers:
            self._errors[name].append(image_errors(batch, self.scheme, name))
            shares = distances / denominators(batch, self.scheme, name)[:, None]
            self._pooled[name].append(shares[~np.isnan(shares)])

    def compute(self) -> dict[str, float]:
        """`nme/...`, `nme_pooled/...` in % and `left_out/...`, `missed` in faces."""
        out: dict[str, float] = {}
        for name in self.normalizers:
            errors = np.concatenate([*self._errors[name], np.zeros(0)])
            out[f"nme/{name}"] = 100 * mean(errors[np.isfinite(errors)])
            out[f"nme_pooled/{name}"] = 100 * mean(np.concatenate([*self._pooled[name], np.zeros(0)]))
            out[f"left_out/{name}"] = float(np.isnan(errors).sum())
            out["missed"] = max(out.get("missed", 0.0), float(np.isinf(errors).sum()))
        return out
