"""The one result type: the faces found in an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus.schemes import Scheme

_ROWS = ("points", "scores", "boxes", "presence", "visibility", "covariance", "points3d", "pose", "track_ids")


@dataclass(frozen=True, eq=False)
class Faces:
    """N faces of K landmarks in image px; immutable; empty (len 0), never None, when no face was found.

    `points` (N, K, 2), `scores` (N, K) in [0, 1], `boxes` (N, 4) xyxy of the `face` kind; where the model has
    them: `presence` (N,), `visibility` (N, K) in [0, 1], `covariance` (N, K, 2, 2) px², `points3d` (N, K, 3),
    `pose` (N, 3) yaw, pitch, roll in degrees, `track_ids` (N,).
    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    scheme: Scheme
    presence: NDArray[np.float32] | None = None
    visibility: NDArray[np.float32] | None = None
    covariance: NDArray[np.float32] | None = None
    points3d: NDArray[np.float32] | None = None
    pose: NDArray[np.float32] | None = None
    track_ids: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        count, k = len(self.boxes), len(self.scheme)
        shapes: dict[str, tuple[int, ...]] = {
            "points": (count, k, 2),
            "scores": (count, k),
            "boxes": (count, 4),
            "presence": (count,),
            "visibility": (count, k),
            "covariance": (count, k, 2, 2),
            "points3d": (count, k, 3),
            "pose": (count, 3),
            "track_ids": (count,),
        }
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value is None:
                continue
            dtype = np.int64 if name == "track_ids" else np.float32
            if isinstance(value, np.ndarray) and value.dtype == dtype and _frozen(value):
                array = value  # of other faces: nobody can change it
            else:
                array = np.array(value, dtype=dtype)
                array.setflags(write=False)
            if array.shape != shape:
                raise ValueError(
                    f"Faces.{name}: found shape {array.shape}, expected {shape} for {self.scheme.name}"
                )
            object.__setattr__(self, name, array)

    @classmethod
    def empty(cls, scheme: Scheme) -> Faces:
        """No faces."""
        k = len(scheme)
        points, scores, boxes = (np.zeros(shape, np.float32) for shape in ((0, k, 2), (0, k), (0, 4)))
        return cls(points, scores, boxes, scheme)

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, index: int | slice | NDArray[Any] | Sequence[int] | Sequence[bool]) -> Faces:
        """The faces of an int, a slice, a mask (N,) or a sequence of ints, always as `Faces`.

        Raises IndexError for a face that is not there and for every other kind of index.
        """
        rows = index if isinstance(index, slice) else self._rows(index)
        chosen = {name: getattr(self, name)[rows] for name in _ROWS if getattr(self, name) is not None}
        return replace(self, **chosen)

    def _rows(self, index: Any) -> NDArray[Any]:
        rows = np.asarray(index)
        if rows.size == 0 and rows.ndim == 1:
            rows = rows.astype(rows.dtype if rows.dtype == bool else np.intp)
        if rows.ndim == 0 and rows.dtype.kind in "iu":
            if not -len(self) <= int(rows) < len(self):
                raise IndexError(f"face {int(rows)} of {len(self)}")
            return rows.reshape(1)
        if rows.ndim != 1 or rows.dtype.kind not in "biu":
            raise IndexError(f"found {index!r}, expected an int, a slice, a mask or a list of ints")
        return rows

    def __iter__(self) -> Iterator[Faces]:
        return (self[i] for i in range(len(self)))

    def part(self, name: str) -> NDArray[np.float32]:
        """Points (N, P, 2) of one part of the scheme, in the part's order."""
        if name not in self.scheme.parts:
            raise KeyError(
                f"scheme {self.scheme.name} has no part {name!r}; it has {', '.join(self.scheme.parts)}"
            )
        return self.points[:, list(self.scheme.parts[name].indices)]

    def __reduce__(self) -> tuple[type[Faces], tuple[Any, ...]]:
        """Copies and pickles are made anew, so that they are immutable too."""
        return Faces, tuple(getattr(self, item.name) for item in fields(self))

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, ready for JSON: missing numbers are None, absent fields are left out."""
        out: dict[str, Any] = {"scheme": self.scheme.name}
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, np.ndarray):
                finite = value if value.dtype.kind == "i" or np.isfinite(value).all() else _nulled(value)
                out[item.name] = finite.tolist()
        return out


def _frozen(array: NDArray[Any]) -> bool:
    """Whether no other name of these numbers lets them be changed."""
    return bool(array.flags.owndata and not array.flags.writeable)


def _nulled(values: NDArray[np.float32]) -> NDArray[Any]:
    """The same numbers as objects, with None where one is not finite."""
    out = values.astype(object)
    out[~np.isfinite(values)] = None
    return out
