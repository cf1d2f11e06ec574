"""The files that a recipe's reference names: downloaded into the cache when they are first needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from canthus.cache import cache_folder
from canthus.recipe import Recipe

#: The first digits of its sha256 in a published file's name, as in resnet50-0676ba61.pth and
#: x-2bf032a6_20210125.pth; eight digits that are a date are none.
_DIGITS = re.compile(r"-(?!(?:19|20)\d{6}[._])([0-9a-f]{8,64})(?=[._]|$)")


def digits_in_name(name: str) -> str:
    """The first digits of the sha256 that a file's name carries; empty if it carries none."""
    found = _DIGITS.findall(name)
    return found[-1] if found else ""


@dataclass(frozen=True)
class PublishedFile:
    """A file on a server; `sha256` are the first digits of its hash."""

    address: str
    sha256: str

    @property
    def path(self) -> Path:
        """Its place in the cache, where it may be put by hand too."""
        name = PurePosixPath(unquote(urlsplit(self.address).path)).name
        if not digits_in_name(name):  # names such as model_best.pth are given to many files
            name = f"{sha256(self.address.encode()).hexdigest()[:8]}-{name}"
        return cache_folder() / "downloads" / name

    def fetch(self, otherwise: str) -> Path:
        """The file in the cache; `DownloadError` says what to do without a network, `otherwise` included."""
        from canthus.download import fetch  # HTTP and TLS are not loaded for pictures

        advice = f"Without a network: put the file at {self.path}, or {otherwise}"
        return fetch(self.address, self.path, self.sha256, advice=advice)


def checkpoint_of(recipe: Recipe) -> PublishedFile | None:
    """The official weights of a row, if they are published."""
    reference = recipe.reference
    return PublishedFile(reference.checkpoint, reference.sha256 or "") if reference.checkpoint else None


def pretrained_of(recipe: Recipe) -> PublishedFile | None:
    """The weights that the published training of a row started from, if there are any."""
    start = recipe.reference.pretrained
    return PublishedFile(start.address, start.sha256) if start else None
