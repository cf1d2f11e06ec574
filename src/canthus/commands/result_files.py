"""Where `canthus predict` puts what it has found."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from canthus.formats import WRITERS, ImageFaces, JsonLinesWriter, Writer, face_lines, image_dict
from canthus.schemes import Scheme


class Results:
    """All result files of a run, by the name of their format; without any, lines on stdout unless `quiet`.

    With `moving` pictures, `json` is a file of JSON lines. As a context it completes the files at its end,
    also after an interruption. Raises ValueError or OSError for files that cannot be written.
    """

    def __init__(
        self,
        files: Mapping[str, Path | None],
        scheme: Scheme,
        model: str,
        *,
        moving: bool = False,
        quiet: bool = False,
    ) -> None:
        self.paths = [path for path in files.values() if path is not None]
        if len({path.resolve() for path in self.paths}) < len(self.paths):
            raise ValueError("two result files have the same name; give each its own")
        self.faces = 0
        self._writers: list[Writer] = []
        try:
            for kind, path in files.items():
                if path is not None:
                    writer = JsonLinesWriter if kind == "json" and moving else WRITERS[kind]
                    self._writers.append(writer(path, scheme, model))
        except BaseException:
            self.close()
            raise
        if not self._writers and not quiet:
            self._writers.append(_Lines())

    def add(self, picture: ImageFaces) -> None:
        """The faces of one picture, or of one frame."""
        for writer in self._writers:
            writer.add(picture)
        self.faces += len(picture.faces)

    def close(self) -> None:
        """Complete the files."""
        for writer in self._writers:
            writer.close()

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Lines:
    """JSON on stdout: an object a picture, or a face of a frame, a line."""

    def add(self, picture: ImageFaces) -> None:
        if picture.frame is None:
            sys.stdout.write(json.dumps(image_dict(picture), allow_nan=False) + "\n")
        else:
            sys.stdout.writelines(face_lines(picture))
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing is left to write."""
