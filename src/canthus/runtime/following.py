"""Frames in, frames with their faces out: reading in one thread, finding faces in another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from canthus.faces import Faces
from canthus.runtime.background import ahead
from canthus.runtime.smoothing import smooth_offline
from canthus.runtime.video import Frame, FrameSource, Span, VideoError, frames_ahead

#: (RGB uint8 (H, W, 3), seconds) -> its faces with their ids, such as a `Tracker`.
Track: TypeAlias = Callable[[NDArray[np.uint8], float], Faces]


def follow(
    source: FrameSource, span: Span, track: Track, *, look_ahead: str | None = None
) -> Generator[tuple[Frame, Faces], None, None]:
    """Each frame of a span with its faces, while the next frames are read in a thread.

    `look_ahead`: the level at which the points are smoothed over earlier and later frames; the frames come
    as much later. `VideoError` of the source comes after its last frame.
    """
    most = frames_ahead(source.width, source.height)
    with closing(ahead(source.frames(span), most, newest=source.live)) as frames:
        if look_ahead is None:
            for frame in frames:
                yield frame, track(frame.image, frame.timestamp)
        else:
            yield from _smoothed(frames, track, look_ahead)


def _smoothed(frames: Iterator[Frame], track: Track, level: str) -> Iterator[tuple[Frame, Faces]]:
    waiting: deque[Frame] = deque()
    errors: list[VideoError] = []

    def tracked() -> Iterator[tuple[float, Faces]]:
        try:
            for frame in frames:
                waiting.append(frame)
                yield frame.timestamp, track(frame.image, frame.timestamp)
        except VideoError as error:  # kept until the frames that wait are smoothed
            errors.append(error)

    for faces in smooth_offline(tracked(), level):
        yield waiting.popleft(), faces
    if errors:
        raise errors[0]
