"""Downloading one file: resumed where it stopped, checked by its sha256, in place only when it is whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from canthus.cache import locked, sha256_of
from canthus.formats import make_folder

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

#: Seconds without a byte after which a server counts as silent.
TIMEOUT = 30.0
#: How often a connection that broke off half-way is taken up again.
RESUMPTIONS = 5
_CHUNK = 1 << 18
_AGENT = "canthus (urllib)"


class DownloadError(OSError):
    """A file that could not be had: no network, no such address, or another content than expected."""


class WrongFileError(DownloadError):
    """A file whose sha256 is not the published one."""


class _BrokenOffError(Exception):
    """The connection ended before the file did."""


def fetch(address: str, path: Path, sha256: str, *, advice: str) -> Path:
    """`path`, downloaded from `address` unless it is there; its sha256 begins with the digits `sha256`.

    What a broken connection left is kept beside it and completed by the next call; of several processes one
    downloads and the others wait. `advice` ends the message of a `DownloadError`: what to do without a
    network.
    """
    make_folder(path.parent)
    with locked(path):
        if path.is_file():
            found = sha256_of(path)
            if not found.startswith(sha256.lower()):
                raise WrongFileError(
                    f"{path}: found a file whose sha256 begins with {found[:8]}, expected {sha256[:8]}, "
                    "that of the published one; delete it, and it is downloaded again"
                )
            return path
        part = path.with_name(f"{path.name}.part")
        _download(address, part, sha256.lower(), advice)
        part.replace(path)
    return path


def _download(address: str, part: Path, sha256: str, advice: str) -> None:
    """Complete `part`; a continued file that turns out wrong is downloaded once more from its beginning."""
    while True:
        continued = _size(part) > 0
        _complete(address, part, advice)
        found = sha256_of(part)
        if found.startswith(sha256):
            return
        part.unlink()
        if not continued:
            raise WrongFileError(
                f"{address}: the file that came has a sha256 that begins with {found[:8]}, expected "
                f"{sha256[:8]}; it was not kept. {advice}"
            )


def _complete(address: str, part: Path, advice: str) -> None:
    """Receive the rest of `part`, over several connections if they bring it on."""
    if urlsplit(address).scheme not in ("http", "https"):
        raise DownloadError(f"{address}: expected an address that begins with https:// or http://")
    with _bar(part.name.removesuffix(".part")) as bar:
        for resumptions in range(RESUMPTIONS, -1, -1):
            before = _size(part)
            try:
                return _receive(address, part, bar)
            except HTTPError as error:
                if error.code == 416 and before:  # nothing lies beyond what we have; its sha256 will tell
                    return None
                reason = f"the server answered {error.code} {error.reason}"
            except (URLError, HTTPException, _BrokenOffError, TimeoutError, ConnectionError) as error:
                cause = error.reason if isinstance(error, URLError) else error
                reason = getattr(cause, "strerror", None) or str(cause) or type(cause).__name__
            except OSError as error:
                raise DownloadError(f"{part}: cannot be written ({error.strerror or error})") from None
            if resumptions == 0 or _size(part) == before:
                break
    kept = f"; the {_size(part) / 1e6:.1f} MB that came are kept for the next try" if _size(part) else ""
    raise DownloadError(f"{address}: cannot be downloaded ({reason}){kept}. {advice}")


def _receive(address: str, part: Path, bar: _Bar) -> None:
    """One connection: append to `part` what it lacks, or write it anew where the server sends all of it."""
    have = _size(part)
    headers = {"User-Agent": _AGENT, **({"Range": f"bytes={have}-"} if have else {})}
    with urlopen(Request(address, headers=headers), timeout=TIMEOUT) as response:
        if response.status == 206 and not response.headers.get("Content-Range", "").startswith(
            f"bytes {have}-"
        ):
            part.unlink()
            raise _BrokenOffError("the server sent another part than was asked for")
        appends = response.status == 206
        done = have if appends else 0
        length = response.headers.get("Content-Length")
        total = done + int(length) if length is not None else None
        with part.open("ab" if appends else "wb") as file:
            for chunk in _chunks(response):
                file.write(chunk)
                done += len(chunk)
                bar.show(done, total)
    if total is not None and done < total:
        raise _BrokenOffError(f"the connection ended after {done} of {total} bytes")


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            chunk = response.read(_CHUNK)
        except OSError as error:
            raise _BrokenOffError(str(error) or type(error).__name__) from None
        if not chunk:
            return
        yield chunk


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


class _Bar:
    """What was received so far; without a terminal it shows nothing."""

    def __init__(self, progress: Progress | None, task: TaskID | None) -> None:
        self._progress, self._task = progress, task

    def show(self, done: int, total: int | None) -> None:
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done, total=total)


@contextmanager
def _bar(title: str) -> Iterator[_Bar]:
    if not sys.stderr.isatty():
        yield _Bar(None, None)
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield _Bar(progress, progress.add_task(title, total=None))
