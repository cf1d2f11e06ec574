"""A morphable model as data: a mean face and the ways in which faces differ from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.geometry import FloatArray

_ARRAYS = ("mean", "identity", "expression", "deviations", "landmarks", "triangles")


@dataclass(frozen=True, eq=False)
class MorphableModel:
    """Shapes `mean + identity coefficients . identity + expression coefficients . expression`.

    Model frame, right-handed: x to the right of an image that shows the face from the front (the person's
    left), y up, z out of the face toward the viewer. `mean` (V, 3), `identity` (I, V, 3) and `expression`
    (E, V, 3) in the model's own unit of length; `deviations` (I + E,): standard deviation of each
    coefficient, the prior of a fit. `landmarks` (P,): the vertex of each point of `scheme`; without it the
    vertices are those points. `triangles` (T, 3) vertex indices. `noise`: standard deviation of what the
    model leaves of a landmark's coordinate, in its unit. `source` and `licence` say where it is from.
    """

    mean: FloatArray
    identity: FloatArray
    expression: FloatArray
    deviations: FloatArray
    scheme: str
    noise: float
    source: str
    licence: str
    landmarks: NDArray[np.int64] | None = None
    triangles: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        count = self.mean.shape[:1]
        for name in ("mean", "identity", "expression"):
            array = np.asarray(getattr(self, name), dtype=np.float64)
            expected = ("" if name == "mean" else "N, ") + f"{count[0]}, 3"
            if array.ndim != 2 + (name != "mean") or array.shape[-2:] != (*count, 3):
                raise ValueError(f"morphable model: {name} has shape {array.shape}, expected ({expected})")
            object.__setattr__(self, name, array)
        if self.deviations.shape != (self.size,):
            raise ValueError(
                f"morphable model: {self.deviations.shape} deviations, expected ({self.size},): "
                "one per coefficient"
            )
        object.__setattr__(self, "deviations", np.asarray(self.deviations, dtype=np.float64))

    @property
    def size(self) -> int:
        """Number of coefficients, I + E."""
        return len(self.identity) + len(self.expression)

    @cached_property
    def basis(self) -> FloatArray:
        """(I + E, V, 3), identity first."""
        return np.concatenate([self.identity, self.expression])

    def shape(self, coefficients: ArrayLike) -> FloatArray:
        """Vertices (..., V, 3) of coefficients (..., I + E), identity first."""
        values = np.asarray(coefficients, dtype=np.float64)
        if values.shape[-1:] != (self.size,):
            raise ValueError(
                f"found coefficients {values.shape}, expected (..., {self.size}): "
                f"{len(self.identity)} of identity, {len(self.expression)} of expression"
            )
        offsets = values @ self.basis.reshape(self.size, self.mean.size)
        return self.mean + offsets.reshape(*values.shape[:-1], *self.mean.shape)

    def at_landmarks(self) -> MorphableModel:
        """The same model restricted to the points of its scheme, in their order; without triangles."""
        if self.landmarks is None:
            return self
        return replace(
            self,
            mean=self.mean[self.landmarks],
            identity=self.identity[:, self.landmarks],
            expression=self.expression[:, self.landmarks],
            landmarks=None,
            triangles=None,
        )


def typical_noise(landmarks: FloatArray) -> float:
    """What a good model leaves of a landmark's coordinate, in the unit of `landmarks` (P, 3): half a per cent
    of their box, as ours does."""
    return 0.005 * float(np.sqrt(np.prod(np.ptp(landmarks[:, :2], axis=0))))


def save_model(model: MorphableModel, path: Path) -> None:
    """One compressed .npz; the bases are kept in half precision (0.05 % of a coefficient's effect)."""
    arrays: dict[str, Any] = {name: value for name in _ARRAYS if (value := getattr(model, name)) is not None}
    arrays["mean"] = arrays["mean"].astype(np.float32)
    for name in ("identity", "expression"):
        arrays[name] = arrays[name].astype(np.float16)
    for name in ("scheme", "noise", "source", "licence"):
        arrays[name] = np.array(getattr(model, name))
    np.savez_compressed(path, **arrays)


def load_model(path: Path) -> MorphableModel:
    """A model that `save_model` wrote. Raises ValueError for any other file."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _ARRAYS if name in file.files}
            return MorphableModel(
                scheme=str(file["scheme"]),
                noise=float(file["noise"]),
                source=str(file["source"]),
                licence=str(file["licence"]),
                **arrays,
            )
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: no such morphable model") from None
    except (KeyError, ValueError, OSError, TypeError) as error:
        raise ValueError(f"{path}: not a morphable model written by canthus ({error})") from error
