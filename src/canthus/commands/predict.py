"""`canthus predict`: pictures in, annotated pictures and result files out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import cast, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.commands.inputs import Input, find_inputs, output_paths
from canthus.commands.progress import Progress
from canthus.detectors import WORKING_SIZE, BoxFile
from canthus.draw import Layers, draw_onto
from canthus.faces import Faces
from canthus.formats import WRITERS, ImageFaces, Writer, aside, image_dict, make_folder
from canthus.geometry import BoxKind
from canthus.images import read_image
from canthus.runtime.models import DEFAULT_MODEL
from canthus.runtime.predictor import Predictor
from canthus.runtime.read_ahead import read_ahead


@dataclass(frozen=True)
class Search:
    """What to look for, and how; of `detector`, `boxes` and `whole_image` at most one."""

    model: str | None = None
    detector: str | None = None
    detector_size: int = WORKING_SIZE
    boxes: Path | None = None
    box_kind: str = "face"
    whole_image: bool = False
    min_presence: float = 0.0
    threads: int | None = None


@dataclass(frozen=True)
class Outputs:
    """Where to: a folder for annotated pictures, and result files by the name of their format (None:
    none).
    """

    save: Path | None = None
    ellipses: float | None = None
    files: Mapping[str, Path | None] = field(default_factory=dict)


@dataclass(frozen=True)
class _Picture:
    """One input on its way: its pixels and faces, or the error that ended it."""

    item: Input
    save: Path | None
    pixels: NDArray[np.uint8] | None = None
    faces: Faces | None = None
    error: Exception | None = None


def predict(names: Sequence[str], search: Search, outputs: Outputs) -> int:
    """Run the command; returns its exit code: 0, or 1 when some inputs failed.

    Raises ValueError, OSError or ImportError for bad usage.
    """
    inputs, unmatched = find_inputs(names, outputs.save)
    if not inputs:
        raise ValueError(f"no file, folder with pictures or glob match: {', '.join(names)}")
    saves = output_paths(inputs, outputs.save) if outputs.save else [None] * len(inputs)
    targets = [path.resolve() for path in outputs.files.values() if path is not None]
    if len(set(targets)) < len(targets):
        raise ValueError("two result files have the same name; give each its own")
    layers = Layers(ellipses=outputs.ellipses)
    finder = _Finder(search)
    _refuse_unused(search, outputs)
    if outputs.save is not None:
        make_folder(outputs.save)
    found = 0
    failures = len(unmatched)
    with ExitStack() as stack:
        writers: list[Writer] = []
        for kind, path in outputs.files.items():
            if path is not None:
                writers.append(WRITERS[kind](path, finder.predictor.scheme, finder.model))
                stack.callback(writers[-1].close)  # after Ctrl-C too: what is finished is kept
        if not writers and outputs.save is None:
            writers.append(_JsonLines())
        progress = stack.enter_context(Progress("pictures", len(inputs)))
        for name in unmatched:
            progress.say(f"canthus: {name}: no such file, and no pictures in it")
        finish = partial(_finish, layers=layers)
        for picture, saving in read_ahead(
            _predicted(zip(inputs, saves, strict=True), finder), finish, threads=1
        ):
            try:
                record = saving.result()
                for writer in writers:
                    writer.add(record)
                found += len(record.faces)
            except BrokenPipeError:  # nobody reads our stdout any more
                raise
            except Exception as error:  # one bad picture must not end the rest
                progress.say(f"canthus: {_reason(picture.item.path, error)}")
                failures += 1
            progress.advance()
        if progress.terminal:
            places = [str(path) for path in (outputs.save, *outputs.files.values()) if path is not None]
            where = f" -> {', '.join(places)}" if places else ""
            progress.say(f"{len(inputs)} pictures, {found} faces, {failures} failed{where}")
    return 1 if failures else 0


def _refuse_unused(search: Search, outputs: Outputs) -> None:
    """ValueError for an option that would change nothing."""
    if outputs.ellipses is not None and outputs.save is None:
        raise ValueError("--ellipses is about annotated pictures: add --save DIR")
    if search.boxes is None and search.box_kind != Search.box_kind:
        raise ValueError("--box-kind is about the boxes of a file: add --boxes FILE")
    if search.detector_size != WORKING_SIZE and (search.boxes is not None or search.whole_image):
        raise ValueError("--detector-size is about a detector; --boxes and --whole-image use none")


class _Finder:
    """Pixels to faces, with the boxes that the options ask for."""

    def __init__(self, search: Search) -> None:
        sources = {
            "--detector": search.detector,
            "--boxes": search.boxes,
            "--whole-image": search.whole_image,
        }
        chosen = [name for name, value in sources.items() if value]
        if len(chosen) > 1:
            raise ValueError(f"{' and '.join(chosen)} exclude each other: choose one")
        detector = "whole_image" if search.whole_image else search.detector
        self.predictor = Predictor(
            search.model, detector, detector_size=search.detector_size, threads=search.threads
        )
        self.model = Path(search.model).name if search.model else DEFAULT_MODEL
        self._boxes = BoxFile(search.boxes) if search.boxes else None
        self._box_kind = _box_kind(search.box_kind)
        self._min_presence = search.min_presence
        if self._boxes is None:
            _ = self.predictor.detector  # an unknown one is bad usage, to be told before the work begins
        if self._min_presence > 0 and "presence" not in self.predictor.landmarker.session.outputs:
            raise ValueError(f"--min-presence: model {self.model} has no presence output")

    def __call__(self, path: Path, pixels: NDArray[np.uint8]) -> Faces:
        boxes = None
        if self._boxes is not None:
            boxes = self._boxes(path)
            if boxes is None:
                raise ValueError(f"{path}: not listed in {self._boxes.path}")
        faces = self.predictor(pixels, boxes, self._box_kind)
        return faces if faces.presence is None else faces[faces.presence >= self._min_presence]


class _JsonLines:
    """One JSON object a line on stdout."""

    def add(self, picture: ImageFaces) -> None:
        sys.stdout.write(json.dumps(image_dict(picture), allow_nan=False) + "\n")
        sys.stdout.flush()

    def close(self) -> None:
        """Nothing is left to write."""


def _predicted(items: Iterable[tuple[Input, Path | None]], finder: _Finder) -> Iterator[_Picture]:
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


def _box_kind(name: str) -> BoxKind:
    if name in get_args(BoxKind):
        return cast(BoxKind, name)
    raise ValueError(f"--box-kind: found {name!r}, expected {' or '.join(get_args(BoxKind))}")


def _reason(path: Path, error: Exception) -> str:
    text, name = (" ".join(str(value).splitlines()) for value in (error, path))
    kind = "" if isinstance(error, (ValueError, OSError)) else f"{type(error).__name__}: "
    return text if text.startswith(name) else f"{name}: {kind}{text}"
