"""Where what was downloaded, converted or exported once is kept, and how processes share it."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


def cache_folder() -> Path:
    """The folder that `CANTHUS_CACHE` names; without it the user's, where the system wants it."""
    chosen = os.environ.get("CANTHUS_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "canthus" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "canthus"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "canthus"


def exported_file(weights: Path, *, flip_test: bool = False) -> Path:
    """Where the ONNX file of a weights file is kept, which need not be there yet."""
    return cache_folder() / "exports" / f"{sha256_of(weights)}{'-flip' if flip_test else ''}.onnx"


def sha256_of(path: Path) -> str:
    """The sha256 of a file, 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Alone with `path`: other processes that ask for it wait until the block, or the process, ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("a+b") as file:
        _lock(file)
        try:
            yield
        finally:
            _unlock(file)


def _lock(file: IO[Any]) -> None:
    """Wait for the lock of an open file, which ends with the process at the latest."""
    if sys.platform == "win32":
        import msvcrt

        while True:
            try:
                file.seek(0)
                return msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
            except OSError:  # it gives up after ten seconds
                continue
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX)


def _unlock(file: IO[Any]) -> None:
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        return msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
    import fcntl

    fcntl.flock(file, fcntl.LOCK_UN)
