"""The pictures of `canthus predict`: read ahead, annotated behind, reported in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.commands.finish import reason
from canthus.commands.inputs import Input
from canthus.commands.progress import Progress
from canthus.commands.result_files import Results
from canthus.commands.search import Finder
from canthus.draw import Layers, draw_onto
from canthus.faces import Faces
from canthus.formats import ImageFaces, aside
from canthus.images import read_image
from canthus.runtime.read_ahead import read_ahead


@dataclass(frozen=True)
class _Picture:
    """One input on its way: its pixels and faces, or the error that ended it."""

    item: Input
    save: Path | None
    pixels: NDArray[np.uint8] | None = None
    faces: Faces | None = None
    error: Exception | None = None


def predict_pictures(
    items: Sequence[tuple[Input, Path | None]], finder: Finder, results: Results, layers: Layers
) -> int:
    """Find the faces of each picture, with the place of its annotated copy; returns how many failed."""
    failures = 0
    with Progress("pictures", len(items)) as progress:
        finish = partial(_finish, layers=layers)
        for picture, saving in read_ahead(_predicted(items, finder), finish, threads=1):
            try:
                results.add(saving.result())
            except BrokenPipeError:  # nobody reads our stdout any more
                raise
            except Exception as error:  # one bad picture must not end the rest
                progress.say(f"canthus: {reason(picture.item.path, error)}")
                failures += 1
            progress.advance()
    return failures


def _predicted(items: Iterable[tuple[Input, Path | None]], finder: Finder) -> Iterator[_Picture]:
    for (item, save), reading in read_ahead(items, lambda pair: read_image(pair[0].path)):
        try:
            pixels = reading.result()
            picture = _Picture(item, save, pixels, finder(item.path, pixels))
        except Exception as error:  # handed on, so that pictures are reported in order
            picture = _Picture(item, save, error=error)
        yield picture


def _finish(picture: _Picture, layers: Layers) -> ImageFaces:
    """Save the annotated copy, if asked for, and sum the picture up."""
    if picture.pixels is None or picture.faces is None:
        raise picture.error or ValueError("no result")
    if picture.save is not None:
        draw_onto(picture.pixels, picture.faces, layers)
        for row in picture.pixels:  # to BGR in place, for the picture may be large
            row[:] = row[:, ::-1].copy()
        suffix = picture.save.suffix
        done, content = cv2.imencode(suffix, picture.pixels, _quality(suffix))
        if not done:
            raise OSError(f"{picture.save}: cannot be written in this format")
        with aside(picture.save) as part:
            part.write_bytes(content.tobytes())
    height, width = picture.pixels.shape[:2]
    return ImageFaces(str(picture.item.path), width, height, picture.faces)


def _quality(suffix: str) -> list[int]:
    return [cv2.IMWRITE_JPEG_QUALITY, 92] if suffix.lower() in (".jpg", ".jpeg") else []
