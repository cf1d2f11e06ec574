"""The clips of `canthus predict`, and its camera: decoding, finding and writing at the same time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.commands.finish import reason
from canthus.commands.inputs import Input
from canthus.commands.progress import Progress, say
from canthus.commands.result_files import Results
from canthus.commands.search import Finder, Watch
from canthus.draw import Layers, draw_onto
from canthus.faces import Faces
from canthus.formats import ImageFaces
from canthus.formats.clip import ClipWriter
from canthus.runtime.background import Behind
from canthus.runtime.camera import Camera
from canthus.runtime.video import Frame, FrameSource, VideoError, VideoFile, frames_ahead

#: Shows a picture; False when nobody wants to see more.
Show = Callable[[NDArray[np.uint8]], bool]


@dataclass(frozen=True)
class Recorder:
    """Follows the faces of one source after the other, into the same results."""

    finder: Finder
    results: Results
    layers: Layers
    watch: Watch

    def clips(self, items: Sequence[tuple[Input, Path | None]]) -> int:
        """Each clip, with the place of its annotated copy; returns how many failed."""
        failures = 0
        for item, save in items:
            try:
                self._clip(item.path, save)
            except BrokenPipeError:  # nobody reads our stdout any more
                raise
            except Exception as error:  # one bad clip must not end the rest
                say(f"canthus: {reason(item.path, error)}")
                failures += 1
        return failures

    def camera(self, device: int | str, save: Path | None, show: Show | None) -> int:
        """A camera until it is unplugged, its window is closed or its time is over; returns the exit code."""
        camera = Camera(device)
        try:
            with ExitStack() as stack:
                progress = stack.enter_context(Progress(camera.name, None))
                clip = None if save is None else stack.enter_context(ClipWriter(save, rate=camera.rate))
                self._record(camera, clip, progress, show)
        except VideoError as error:
            say(f"canthus: {error}")
            return 1
        return 0

    def _clip(self, path: Path, save: Path | None) -> None:
        source, watch = VideoFile(path), self.watch
        with ExitStack() as stack:
            progress = stack.enter_context(Progress(path.name, source.count(watch.span)))
            clip = None
            if save is not None:
                rate = None if source.rate is None else source.rate / watch.stride
                clip = ClipWriter(
                    save,
                    rate=rate,
                    time_base=source.time_base,
                    aspect=source.aspect,
                    sound=path,
                    start=watch.start,
                )
                stack.enter_context(clip)
            self._record(source, clip, progress)
            if clip is not None:
                clip.copy_sound(math.inf if watch.end is None else watch.end)
                if clip.without:
                    kinds = ", ".join(clip.without)
                    progress.say(f"canthus: {path}: sound of this kind cannot be copied: {kinds}")
            if source.skipped:
                progress.say(f"canthus: {path}: broken frames left out: {source.skipped}")

    def _record(
        self, source: FrameSource, clip: ClipWriter | None, progress: Progress, show: Show | None = None
    ) -> None:
        watch = self.watch

        def keep(item: tuple[Frame, Faces]) -> None:
            frame, faces = item
            height, width = frame.image.shape[:2]
            self.results.add(ImageFaces(source.name, width, height, faces, frame.index, frame.timestamp))
            if clip is not None:
                if show is None:
                    draw_onto(frame.image, faces, self.layers)
                clip.add(frame.image, frame.timestamp)

        pairs = self.finder.predictor.video(
            source,
            smooth=watch.smooth,
            look_ahead=watch.look_ahead,
            start=watch.start,
            end=watch.end,
            stride=watch.stride,
        )
        with closing(pairs), Behind(keep, frames_ahead(source.width, source.height)) as behind:
            for frame, found in pairs:
                faces = self.finder.likely(found)
                if show is not None:
                    draw_onto(frame.image, faces, self.layers)
                    if not show(frame.image):
                        return
                behind.put((frame, faces))
                progress.advance()
