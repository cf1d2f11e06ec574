"""JSON lines: one object a face, for clips and cameras of any length."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from canthus.formats.format import ImageFaces, begin
from canthus.formats.json import face_dict
from canthus.schemes import Scheme


def face_lines(picture: ImageFaces) -> Iterator[str]:
    """A line for each face: `file, width, height, scheme`, of a frame also `frame` and `timestamp` in s, then
    what `JsonWriter` writes of a face.
    """
    head: dict[str, object] = {"file": picture.file, "width": picture.width, "height": picture.height}
    head["scheme"] = picture.faces.scheme.name
    if picture.frame is not None and picture.timestamp is not None:
        head |= {"frame": picture.frame, "timestamp": round(picture.timestamp, 6)}
    for face in picture.faces:
        yield json.dumps(head | face_dict(face), allow_nan=False) + "\n"


class JsonLinesWriter:
    """One line a face, as `face_lines` gives them; a picture without faces has none."""

    def __init__(self, path: Path, scheme: Scheme, model: str) -> None:
        self._path, self._part = begin(path)
        self._file = self._part.open("w", encoding="utf-8")

    def add(self, picture: ImageFaces) -> None:
        self._file.writelines(face_lines(picture))

    def close(self) -> None:
        self._file.close()
        self._part.replace(self._path)
