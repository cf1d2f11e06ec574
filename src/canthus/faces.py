"""The one result type: the faces found in an image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias, cast, overload

import numpy as np
from numpy.typing import NDArray

from canthus.schemes import Scheme

_ROWS = ("points", "scores", "boxes", "presence", "visibility", "covariance", "points3d", "track_ids")

#: Faces (N) -> their poses (N, 3); None where none can be said.
PoseOf: TypeAlias = "Callable[[Faces], NDArray[np.float32] | None]"


class _Pose:
    """Where `Faces.pose` is kept: an array, or the function that gives it when it is first read."""

    @overload
    def __get__(self, faces: None, owner: type[Faces]) -> None: ...
    @overload
    def __get__(self, faces: Faces, owner: type[Faces]) -> NDArray[np.float32] | None: ...
    def __get__(self, faces: Faces | None, owner: type[Faces]) -> NDArray[np.float32] | None:
        if faces is None:
            return None  # the field's default
        kept = vars(faces)
        if "_pose" not in kept:
            kept["_pose"] = _checked("pose", kept["_pose_of"](faces), (len(faces), 3), faces.scheme)
        return cast("NDArray[np.float32] | None", kept["_pose"])

    def __set__(self, faces: Faces, value: NDArray[np.float32] | PoseOf | None) -> None:
        vars(faces)["_pose_of" if callable(value) else "_pose"] = value


@dataclass(frozen=True, eq=False)
class Faces:
    """N faces of K landmarks in image px; immutable; empty (len 0), never None, when no face was found.

    `points` (N, K, 2), `scores` (N, K) in [0, 1], `boxes` (N, 4) xyxy of the `face` kind; where the model has
    them: `presence` (N,), `visibility` (N, K) in [0, 1], `covariance` (N, K, 2, 2) px², `points3d` (N, K, 3),
    `pose` (N, 3) yaw, pitch, roll in degrees, `track_ids` (N,).

    `pose` may be given as a function of the faces: it is called once, when the pose is first read, so that
    those who read the points only do not wait for it.
    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    scheme: Scheme
    presence: NDArray[np.float32] | None = None
    visibility: NDArray[np.float32] | None = None
    covariance: NDArray[np.float32] | None = None
    points3d: NDArray[np.float32] | None = None
    pose: _Pose = _Pose()
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
            "_pose": (count, 3),
            "track_ids": (count,),
        }
        kept = vars(self)
        for name, shape in shapes.items():
            value = kept.get(name)
            if value is not None:
                kept[name] = _checked(name.removeprefix("_"), value, shape, self.scheme)

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
        kept = vars(self)
        chosen: dict[str, Any] = {name: _sealed(kept[name][rows]) for name in _ROWS if kept[name] is not None}
        pose = kept.get("_pose")
        pose = None if pose is None else _sealed(pose[rows])
        if "_pose_of" not in kept:
            return replace(self, **chosen, pose=pose)
        out = replace(self, **chosen, pose=kept["_pose_of"])
        if "_pose" in kept:
            vars(out)["_pose"] = pose
        return out

    @classmethod
    def joined(cls, parts: Sequence[Faces]) -> Faces:
        """The faces of one or more results of one model, one after the other, without poses."""
        first = parts[0]
        columns: dict[str, Any] = {}
        for name in _ROWS:
            if getattr(first, name) is not None and len(parts) > 1:
                columns[name] = np.concatenate([getattr(part, name) for part in parts])
        return replace(first, **columns, pose=None)

    def moved(self, points: NDArray[np.floating]) -> Faces:
        """The same faces with other points (N, K, 2); a pose given as a function is that of the new ones."""
        return replace(self, points=points, pose=vars(self).get("_pose_of", vars(self).get("_pose")))

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


def _checked(name: str, value: Any, shape: tuple[int, ...], scheme: Scheme) -> NDArray[Any] | None:
    """A value as an array that nobody can change; ValueError for another shape."""
    if value is None:
        return None
    dtype = np.int64 if name == "track_ids" else np.float32
    array = value
    if not (isinstance(value, np.ndarray) and value.dtype == dtype and _frozen(value)):
        array = np.array(value, dtype=dtype)
        array.flags.writeable = False
    if array.shape != shape:
        raise ValueError(f"Faces.{name}: found shape {array.shape}, expected {shape} for {scheme.name}")
    return cast("NDArray[Any]", array)


def _frozen(array: NDArray[Any]) -> bool:
    """Whether no other name of these numbers lets them be changed."""
    flags = array.flags
    return bool(flags.owndata and not flags.writeable)


def _sealed(rows: NDArray[Any]) -> NDArray[Any]:
    """Rows of an array of faces as one that nobody can change, and that does not hold all of it."""
    own = rows if rows.flags.owndata else rows.copy()
    own.flags.writeable = False
    return own


def _nulled(values: NDArray[np.float32]) -> NDArray[Any]:
    """The same numbers as objects, with None where one is not finite."""
    out = values.astype(object)
    out[~np.isfinite(values)] = None
    return out
