"""Moving pictures: frames with their times, from a file or any other source."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, TypeAlias, cast

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

#: Fractions of a second that are written where a source states none.
TIME_BASE = Fraction(1, 90_000)

_Packet: TypeAlias = "av.Packet[av.VideoStream]"
_BUFFER = 64 << 20  # bytes of pictures that wait between two threads
_THREADS = 4  # that decode: each holds a picture
_LONGEST_GROUP = 600  # packets before the start that wait for the next key frame
_MISSING = 0.5  # seconds by which a clip may be shorter than it says


class VideoError(ValueError):
    """A clip or camera that cannot be read, or not to its end; the message names it."""


@dataclass(frozen=True)
class Frame:
    """One picture of a clip: its number from 0 on, its time in seconds, its pixels RGB uint8 (H, W, 3)."""

    index: int
    timestamp: float
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class Span:
    """Which frames: from `start` to before `end`, in seconds, every `stride`-th one."""

    start: float = 0.0
    end: float | None = None
    stride: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.start < math.inf:
            raise ValueError(f"start: found {self.start}, expected seconds, 0 or more")
        if self.end is not None and not self.start < self.end:
            raise ValueError(f"end: found {self.end}, expected more seconds than the start, {self.start}")
        if self.stride < 1:
            raise ValueError(f"stride: found {self.stride}, expected at least 1")

    def over(self, timestamp: float) -> bool:
        """Whether nothing more is wanted from this time on."""
        return self.end is not None and timestamp >= self.end


class FrameSource(Protocol):
    """Where frames come from. `live`: pictures that nobody takes in time are dropped. `rate`: frames a
    second, as far as known. `width` and `height` in px, `time_base` in seconds."""

    name: str
    live: bool
    rate: Fraction | None
    width: int
    height: int
    time_base: Fraction

    def frames(self, span: Span) -> Iterator[Frame]:
        """The frames of a span, once; times increase. Raises `VideoError` after the last one where more was
        to come.
        """
        ...


def frames_ahead(width: int, height: int) -> int:
    """How many pictures of this size in px may wait between two threads."""
    return max(1, min(8, _BUFFER // max(1, width * height * 3)))


class VideoFile:
    """A clip in any container that FFmpeg reads: upright, with its own times.

    Times count from the start of the clip, as players show them; a frame without a time, or with one that
    does not increase, follows its predecessor at the usual distance. Frames that cannot be decoded are left
    out, and counted in `skipped`; they keep their numbers. `threads`: that decode; None chooses.

    Raises `VideoError` for a file that is none.
    """

    live = False

    def __init__(self, path: str | Path, *, threads: int | None = None) -> None:
        self.name = str(path)
        self.skipped = 0
        self._threads = threads
        with self._open() as container:
            stream = _video_stream(container, self.name)
            self.rate: Fraction | None = stream.average_rate or stream.guessed_rate
            self.time_base: Fraction = stream.time_base or TIME_BASE
            self.width, self.height = stream.width, stream.height
            self.aspect: Fraction | None = stream.sample_aspect_ratio
            self._stated = stream.frames
            self.duration = _duration(container, stream)

    def count(self, span: Span) -> int | None:
        """About how many frames a span has; None where the clip does not say."""
        if self.duration is None or self.rate is None:
            return None
        end = self.duration if span.end is None else min(span.end, self.duration)
        return max(1, round(float(self.rate) * (end - span.start) / span.stride))

    def frames(self, span: Span | None = None) -> Iterator[Frame]:
        """The frames of a span. Raises `VideoError` at the end of a file that holds less than it states, and
        where no frame could be read.
        """
        span = span or Span()
        self.skipped = 0
        with self._open() as container:
            yield from _Reading(self, container, span, self._threads).frames()

    def _open(self) -> av.container.InputContainer:
        path = Path(self.name)
        if path.is_dir():
            raise VideoError(f"{self.name}: is a folder, expected a clip")
        if path.is_file() and path.stat().st_size == 0:
            raise VideoError(f"{self.name}: the file is empty")
        try:
            return av.open(self.name, metadata_errors="ignore")
        except FileNotFoundError:
            raise VideoError(f"{self.name}: no such file") from None
        except (av.error.FFmpegError, OSError) as error:
            reason = error.strerror or type(error).__name__
            raise VideoError(
                f"{self.name}: not a clip that can be read, or its header is missing ({reason})"
            ) from None


class _Reading:
    """One pass through an open clip."""

    def __init__(
        self, clip: VideoFile, container: av.container.InputContainer, span: Span, threads: int | None
    ) -> None:
        self._clip, self._container, self._span = clip, container, span
        self._stream = _video_stream(container, clip.name)
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = threads or min(_THREADS, os.cpu_count() or 1)
        self._threads = threads
        self._reformatter = VideoReformatter()
        self._zero = (container.start_time or 0) / av.time_base
        self._period = 1 / float(clip.rate or 25)
        self._index = 0  # of the next frame
        self._time = -math.inf  # of the last frame
        self._reached = 0.0  # end of the last frame
        self._reason = ""  # why no more packets could be read

    def frames(self) -> Iterator[Frame]:
        span, first = self._span, None
        for index, decoded in self._decoded():
            if span.over(self._time):
                return
            if self._time < span.start:
                continue
            first = index if first is None else first
            if (index - first) % span.stride == 0:
                yield Frame(index, self._time, self._pixels(decoded))
        if self._index == self._clip.skipped:
            raise VideoError(f"{self._clip.name}: no frame could be read{self._reason}")
        self._refuse_short()

    def _decoded(self) -> Iterator[tuple[int, av.VideoFrame]]:
        """Number and decoded frame; its time is in `_time`."""
        for packet in self._packets():
            try:
                decoded = packet.decode()
            except av.error.FFmpegError:
                self._skip(packet.pts)
                continue
            for frame in decoded:
                if frame.is_corrupt:
                    self._skip(frame.pts)
                    continue
                time = self._seconds(frame.pts)
                if time is None or time <= self._time:
                    time = max(self._time, -self._period) + self._period
                self._time = time
                lasts = (frame.duration or 0) * self._clip.time_base
                self._reached = time + (float(lasts) or self._period)
                self._index += 1
                yield self._index - 1, frame

    def _packets(self) -> Iterator[_Packet]:
        """The packets from the last key frame before the start on, and the one that ends the decoding."""
        group: list[_Packet] = []  # since that key frame
        waiting = self._span.start > 0
        for packet in self._demuxed():
            if not waiting:
                yield packet
                continue
            time = self._seconds(packet.dts)
            if packet.is_keyframe and time is not None and time <= self._span.start:
                self._index += len(group)
                group.clear()
            group.append(packet)
            if time is None or time >= self._span.start or len(group) > _LONGEST_GROUP:
                waiting = False
                yield from group
                group.clear()
        yield from group

    def _demuxed(self) -> Iterator[_Packet]:
        try:
            yield from self._container.demux(self._stream)
        except av.error.FFmpegError as error:
            self._reason = f" ({error.strerror or type(error).__name__})"
            yield cast(_Packet, av.Packet())

    def _seconds(self, pts: int | None) -> float | None:
        return None if pts is None else float(pts * self._clip.time_base) - self._zero

    def _skip(self, pts: int | None) -> None:
        time = self._seconds(pts)
        if time is None or time >= self._span.start:
            self._clip.skipped += 1
        self._index += 1

    def _pixels(self, frame: av.VideoFrame) -> NDArray[np.uint8]:
        rgb = self._reformatter.reformat(frame, format="rgb24", threads=self._threads)
        return upright(rgb.to_ndarray().astype(np.uint8, copy=False), _display_matrix(frame))

    def _refuse_short(self) -> None:
        """`VideoError` where the file has ended before the clip has."""
        clip = self._clip
        missing = (clip.duration or 0) - self._reached
        whole = clip._stated > 0 and self._index >= clip._stated
        if self._reason or (missing > _MISSING and not whole):
            stated = f" of {clip.duration:.2f}" if clip.duration else ""
            read = f"{max(self._reached, 0):.2f}{stated} s could be read{self._reason}"
            broken = f"; {clip.skipped} broken frames in it" if clip.skipped else ""
            raise VideoError(f"{clip.name}: ends early, {read}{broken}")


def upright(image: NDArray[np.uint8], matrix: NDArray[np.int32] | None) -> NDArray[np.uint8]:
    """The picture (H, W, 3) as a display matrix (2, 2) turns and mirrors it, in steps of 90 degrees; None: as
    it is. A stored place (x, y), as a row, times the matrix is its direction on the screen.
    """
    if matrix is None:
        return image
    (a, b), (c, d) = matrix.tolist()
    if abs(b) > abs(a):  # x and y change places
        image, a, d = image.transpose(1, 0, 2), c, b
    return np.ascontiguousarray(image[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1])


def _display_matrix(frame: av.VideoFrame) -> NDArray[np.int32] | None:
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return None
    return np.frombuffer(bytes(cast("av.buffer.Buffer", matrix)), np.int32)[:9].reshape(3, 3)[:2, :2]


def _video_stream(container: av.container.InputContainer, name: str) -> av.VideoStream:
    stream = container.streams.best("video")
    if not isinstance(stream, av.VideoStream):
        raise VideoError(f"{name}: has no moving picture in it")
    return stream


def _duration(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """Seconds of moving picture that a clip states; Matroska does so in a tag."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    tag = stream.metadata.get("DURATION", "").split(":")
    if len(tag) == 3:
        hours, minutes, seconds = (float(part) for part in tag)
        return 3600 * hours + 60 * minutes + seconds
    if container.duration and len(container.streams.audio) == 0:
        return container.duration / av.time_base
    return None
