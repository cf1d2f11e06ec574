"""A landmark scheme as plain data: names, mirror permutation, parts and normalisers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from canthus.geometry import FloatArray, landmark_boxes

#: Normalisers that every scheme allows; they need no landmark indices.
BOX_NORMALIZERS = ("landmark_box_sqrt_wh", "landmark_box_diagonal", "annotation_box_max", "crop_side")


class Part(NamedTuple):
    """A polyline over landmark indices; `closed` joins the last point to the first."""

    indices: tuple[int, ...]
    closed: bool = False


@dataclass(frozen=True)
class Scheme:
    """The meaning of K landmarks.

    `flip[i]` is the index that point i takes the place of in a mirrored image (an involution).
    `normalizers` maps a name to two groups of indices; the normaliser is the distance in px between
    the centroids of the groups. `conversions` maps the name of another scheme to one tuple of source
    indices per target point: the target is their mean, an empty tuple means that it cannot be known.
    `abscissae` maps the name of another scheme to {target point: the one source index whose x it takes},
    where a published conversion averages y alone.
    """

    name: str
    names: tuple[str, ...]
    flip: tuple[int, ...]
    parts: Mapping[str, Part]
    normalizers: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]
    default_normalizer: str
    conversions: Mapping[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    abscissae: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.flip) != len(self.names):
            raise ValueError(f"scheme {self.name}: {len(self.names)} names but {len(self.flip)} flip indices")
        if any(self.flip[j] != i for i, j in enumerate(self.flip)):
            raise ValueError(f"scheme {self.name}: the flip permutation is not its own inverse")

    def __hash__(self) -> int:
        """By name, so that schemes can be keys."""
        return hash(self.name)

    def __len__(self) -> int:
        """Number of landmarks K."""
        return len(self.names)

    @property
    def normalizer_names(self) -> tuple[str, ...]:
        """Every denominator that `normalizer` accepts, the default one first."""
        rest = (*self.normalizers, *BOX_NORMALIZERS)
        return (self.default_normalizer, *(name for name in rest if name != self.default_normalizer))

    def normalizer(
        self, name: str, points: FloatArray, box: FloatArray | None = None, crop_size: float | None = None
    ) -> FloatArray:
        """The NME denominator in px for points (..., K, 2); returns (...,), NaN where a point is missing.

        `box` (..., 4) xyxy is needed by `annotation_box_max`, `crop_size` by `crop_side`.
        """
        points = np.asarray(points, dtype=np.float64)
        if name in self.normalizers:
            first, second = self.normalizers[name]
            delta = points[..., list(first), :].mean(-2) - points[..., list(second), :].mean(-2)
            return np.asarray(np.linalg.norm(delta, axis=-1))
        if name in ("landmark_box_sqrt_wh", "landmark_box_diagonal"):
            tight = landmark_boxes(points)
            width, height = tight[..., 2] - tight[..., 0], tight[..., 3] - tight[..., 1]
            sqrt_wh = name == "landmark_box_sqrt_wh"
            return np.asarray(np.sqrt(width * height) if sqrt_wh else np.hypot(width, height))
        if name == "annotation_box_max":
            if box is None:
                raise ValueError("annotation_box_max needs the annotation's box (..., 4); none was given")
            box = np.asarray(box, dtype=np.float64)
            return np.asarray(np.maximum(box[..., 2] - box[..., 0], box[..., 3] - box[..., 1]))
        if name == "crop_side":
            if crop_size is None:
                raise ValueError("crop_side needs the side of the crop in px; none was given")
            return np.full(points.shape[:-2], float(crop_size))
        raise ValueError(
            f"scheme {self.name} has no normaliser {name!r}; it has {', '.join(self.normalizer_names)}"
        )

    def convert(self, points: FloatArray, to: Scheme | str) -> FloatArray:
        """Points (..., K, 2) of this scheme as points (..., K', 2) of `to`, a scheme or the name of a row of
        SCHEMES; NaN where it has no counterpart. Raises ValueError where no conversion is known."""
        if isinstance(to, str):
            to = _named(to)
        points = np.asarray(points)
        out = self.average(points, to)
        if to.name in self.abscissae:
            given, sources = (list(side) for side in zip(*self.abscissae[to.name].items(), strict=True))
            out[..., given, 0] = np.where(np.isnan(out[..., given, 1]), np.nan, points[..., sources, 0])
        return out

    def average(self, values: FloatArray, to: Scheme) -> FloatArray:
        """Values (..., K, D) of this scheme's points, visibilities for instance, for the points of `to`: the
        mean over those that each is made of, else as `convert`."""
        points = np.asarray(values)
        if to.name == self.name:
            return points.copy()
        if to.name not in self.conversions:
            known = ", ".join(self.conversions) or "none"
            raise ValueError(f"no conversion from scheme {self.name} to {to.name}; known targets: {known}")
        out = np.full((*points.shape[:-2], len(to), points.shape[-1]), np.nan, dtype=points.dtype)
        given, flat, counts = _sources(self, to.name)
        found = points[..., flat, :]
        if len(flat) > len(given):
            sums = np.add.reduceat(found, np.cumsum(counts) - counts, axis=-2)
            found = sums / counts[:, None].astype(points.dtype)
        out[..., given, :] = found
        return out


@lru_cache(maxsize=64)
def _sources(scheme: Scheme, to: str) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The points of another scheme that are known (G,), the indices of what they are the means of, one after
    the other, and how many belong to each (G,)."""
    given = [(k, sources) for k, sources in enumerate(scheme.conversions[to]) if sources]
    flat = [index for _, sources in given for index in sources]
    rows = ([k for k, _ in given], flat, [len(sources) for _, sources in given])
    first, second, third = (np.array(row, dtype=np.intp) for row in rows)
    return first, second, third


def _named(name: str) -> Scheme:
    from canthus.schemes import SCHEMES  # the table is made of this class

    if name not in SCHEMES:
        raise ValueError(f"no scheme {name!r}; there are {', '.join(SCHEMES)}")
    return SCHEMES[name]
