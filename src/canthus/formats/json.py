"""JSON: everything that is known about each face."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from canthus import __version__
from canthus.faces import Faces
from canthus.formats.format import ImageFaces, begin
from canthus.schemes import SCHEMES, Scheme

_DIGITS = {"points": 3, "boxes": 2, "covariance": 4, "points3d": 3}
_NAMES = {"boxes": "box", "track_ids": "track_id"}
_FIELDS = (
    "boxes",
    "points",
    "scores",
    "presence",
    "visibility",
    "covariance",
    "points3d",
    "pose",
    "track_ids",
)


def image_dict(picture: ImageFaces) -> dict[str, Any]:
    """One picture as plain lists and numbers; px to a thousandth, missing numbers as null."""
    faces = [face_dict(face) for face in picture.faces]
    return {"file": picture.file, "width": picture.width, "height": picture.height, "faces": faces}


def face_dict(face: Faces) -> dict[str, Any]:
    """What is known about one face, as `image_dict` tells it."""
    known = [name for name in _FIELDS if getattr(face, name) is not None]
    return {_NAMES.get(name, name): _plain(getattr(face, name)[0], _DIGITS.get(name, 4)) for name in known}


class JsonWriter:
    """`{"canthus": version, "model": ..., "scheme": ..., "images": [one object a picture]}`."""

    def __init__(self, path: Path, scheme: Scheme, model: str) -> None:
        self._path, self._part = begin(path)
        self._file = self._part.open("w", encoding="utf-8")
        head = {"canthus": __version__, "model": model, "scheme": scheme.name}
        self._file.write(json.dumps(head)[:-1] + ', "images": [')
        self._separator = "\n"

    def add(self, picture: ImageFaces) -> None:
        self._file.write(self._separator + json.dumps(image_dict(picture), allow_nan=False))
        self._separator = ",\n"

    def close(self) -> None:
        self._file.write("\n]}\n")
        self._file.close()
        self._part.replace(self._path)


def read_json(path: Path) -> list[ImageFaces]:
    """The pictures of a file that `JsonWriter` wrote. Raises ValueError that names the file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        scheme = SCHEMES[content["scheme"]]
        return [_read_image(row, scheme) for row in content["images"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: not a result file of canthus ({type(error).__name__}: {error})") from None


def _read_image(row: dict[str, Any], scheme: Scheme) -> ImageFaces:
    if not row["faces"]:
        return ImageFaces(row["file"], row["width"], row["height"], Faces.empty(scheme))
    fields: dict[str, Any] = {
        name: np.array([face[_NAMES.get(name, name)] for face in row["faces"]], dtype=np.float64)
        for name in _FIELDS
        if _NAMES.get(name, name) in row["faces"][0]
    }
    return ImageFaces(row["file"], row["width"], row["height"], Faces(scheme=scheme, **fields))


def _plain(value: Any, digits: int) -> Any:
    """Rounded lists and numbers; None for what is not finite."""
    if np.asarray(value).dtype.kind == "i":
        return np.asarray(value).tolist()
    rounded = np.round(np.asarray(value, dtype=np.float64), digits)
    if not np.isfinite(rounded).all():
        finite = np.isfinite(rounded)
        rounded = rounded.astype(object)
        rounded[~finite] = None
    return rounded.tolist()
