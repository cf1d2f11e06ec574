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
    """The faces of one picture: `file` as it was given, `width` and `height` in px; of a frame of a clip or
    camera its number and its time in seconds too.
    """

    file: str
    width: int
    height: int
    faces: Faces
    frame: int | None = None
    timestamp: float | None = None


class Writer(Protocol):
    """Collects pictures; the file appears, complete, when it is closed."""

    def add(self, picture: ImageFaces) -> None: ...

    def close(self) -> None: ...


def make_folder(folder: Path) -> None:
    """Make a folder and its parents. Raises OSError that says what is in the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        for place in (folder, *folder.parents):
            if place.exists() and not place.is_dir():
                raise NotADirectoryError(f"{place}: is a file, expected a folder") from None
        raise OSError(f"{folder}: the folder cannot be made ({error.strerror})") from None


def begin(path: Path) -> tuple[Path, Path]:
    """The file to write, links followed, and an empty file beside it that is renamed to it when complete.

    Makes the folder. Raises OSError for a place where no file can be written: a folder, a device, a pipe.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path}: is a folder, expected the name of a file to write")
    if path.exists() and not path.is_file():  # renaming would put a file in place of the device
        raise OSError(f"{path}: is a device or a pipe, expected the name of a file to write")
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    make_folder(target.parent)
    part = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        part.touch()
    except OSError as error:
        raise OSError(f"{path}: cannot be written ({error.strerror})") from None
    return target, part


def check_writable(*paths: Path | None) -> None:
    """Raise what writing these files would raise, before the work for them is done."""
    for path in paths:
        if path is not None:
            begin(path)[1].unlink()


def beside(file: str | Path, folder: Path) -> str:
    """A file's name from a folder, with forward slashes."""
    path = Path(file)
    try:
        place = Path(os.path.relpath(os.path.realpath(path.parent), os.path.realpath(folder)))
    except ValueError:  # another drive
        return str(file)
    return (place / path.name).as_posix()


@contextmanager
def aside(path: Path) -> Iterator[Path]:
    """A file to write in place of `path`: renamed to it when the block ends well, removed when it does
    not.
    """
    target, part = begin(path)
    try:
        yield part
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
