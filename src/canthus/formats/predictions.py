"""Predictions on a split, kept so that they can be scored again without the network (.npz)."""

from __future__ import annotations

import json
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canthus.formats.format import aside

_UNREADABLE = (ValueError, OSError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error)
_OPTIONAL = ("visibility", "presence", "covariance", "background_presence")


@dataclass(frozen=True)
class Predictions:
    """What a model said about N labelled faces, in image px; a face that no box was found for is all NaN.

    `ids` (N,) names of the samples, `points` (N, K, 2), `scores` (N, K), `boxes` (N, 4) xyxy of `box_kind`
    that the crops were made from, `crop_side` (N,) px of the image that a crop covered. Where the model has
    them: `visibility` (N, K), `presence` (N,), `covariance` (N, K, 2, 2) px², `background_presence` (M,) on
    pictures without faces. `provenance` says how they were made: model, scheme, dataset, split, boxes, crop
    rule, versions.
    """

    ids: tuple[str, ...]
    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    boxes: NDArray[np.float32]
    crop_side: NDArray[np.float32]
    visibility: NDArray[np.float32] | None = None
    presence: NDArray[np.float32] | None = None
    covariance: NDArray[np.float32] | None = None
    background_presence: NDArray[np.float32] | None = None
    provenance: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def save(self, path: Path) -> None:
        """Write the .npz file aside, then rename it."""
        arrays: dict[str, Any] = {
            name: getattr(self, name) for name in ("points", "scores", "boxes", "crop_side")
        }
        arrays |= {name: getattr(self, name) for name in _OPTIONAL if getattr(self, name) is not None}
        arrays["ids"] = np.array(self.ids, dtype=np.str_)
        arrays["provenance"] = np.array(json.dumps(self.provenance))
        with aside(path) as part, part.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> Predictions:
        """Read a file of `save`. Raises FileNotFoundError, ValueError for another kind of file."""
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such predictions file")
        try:
            with np.load(path, allow_pickle=False) as content:
                found = {name: content[name] for name in content.files}
            provenance = json.loads(str(found.get("provenance", "{}")))
        except _UNREADABLE as error:
            raise ValueError(
                f"{path}: not a predictions file (.npz of `canthus evaluate`): {error}"
            ) from error
        needed = ("ids", "points", "scores", "boxes", "crop_side", "provenance")
        lacking = [name for name in needed if name not in found]
        if lacking:
            raise ValueError(f"{path}: not a predictions file: it lacks {', '.join(lacking)}")
        _check_shapes(path, found)
        if not isinstance(provenance, dict):
            raise ValueError(f"{path}: found provenance {str(provenance)[:40]!r}, expected an object")
        return cls(
            ids=tuple(str(name) for name in found["ids"]),
            provenance=provenance,
            **{name: found[name] for name in (*needed[1:5], *_OPTIONAL) if name in found},
        )


def _check_shapes(path: Path, found: dict[str, NDArray[Any]]) -> None:
    """ValueError that names the file and the array that is not as `Predictions` says."""
    count, k = found["ids"].size, found["points"].shape[1] if found["points"].ndim > 1 else 0
    shapes: dict[str, tuple[int, ...]] = {
        "ids": (count,),
        "points": (count, k, 2),
        "scores": (count, k),
        "boxes": (count, 4),
        "crop_side": (count,),
        "visibility": (count, k),
        "presence": (count,),
        "covariance": (count, k, 2, 2),
    }
    for name, shape in shapes.items():
        if name in found and found[name].shape != shape:
            raise ValueError(f"{path}: found {name} of shape {found[name].shape}, expected {shape}")
        if name in found and name != "ids" and found[name].dtype.kind != "f":
            raise ValueError(f"{path}: found {name} as {found[name].dtype}, expected float32")
