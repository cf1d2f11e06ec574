"""What is written about a picture, and how a file is written: aside, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from canthus.faces import Faces


@dataclass(frozen=True)
class ImageFaces:
    """The faces of one picture: `file` as it was given, `width` and `height` in px."""

    file: str
    width: int
    height: int
    faces: Faces


class Writer(Protocol):
    """Collects pictures; the file appears, complete, when it is closed."""

    def add(self, picture: ImageFaces) -> None: ...

    def close(self) -> None: ...


def part_file(path: Path) -> Path:
    """The name beside `path` under which it is written until it is complete; makes the folder.

    Raises IsADirectoryError where `path` is a folder.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder, expected the name of a file to write")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """A file to write in place of `path`: renamed to it when the block ends well, removed when it does
    not.
    """
    part = part_file(path)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
