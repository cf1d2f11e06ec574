"""Annotated clips: H.264 with the times of the original, and its sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from canthus.formats.format import begin

_SoundPacket: TypeAlias = "av.Packet[av.AudioStream]"
_TIME_BASE = Fraction(1, 90_000)
# frames in the order of their times: nothing is late when the file is ended
_OPTIONS = {"crf": "20", "preset": "veryfast", "bf": "0"}


class ClipWriter:
    """Writes pictures to `path` as H.264; the file appears, complete, when it is closed.

    `rate`: usual frames a second. `sound`: a clip whose sound is copied, from `start` seconds on, which is
    time 0 of the new clip; a track that the kind of file cannot hold is left out and named in `without`.
    All pictures get the size of the first; odd sides are padded by a pixel. A clip without pictures is not
    written. Raises OSError or ValueError where it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        rate: Fraction | None = None,
        time_base: Fraction = _TIME_BASE,
        aspect: Fraction | None = None,
        sound: Path | None = None,
        start: float = 0.0,
    ) -> None:
        self._path, self._part = begin(path)
        self._rate, self._time_base, self._aspect = rate or Fraction(30), time_base, aspect
        self._start, self._last = start, -1
        self.without: list[str] = []
        self._resources = ExitStack()
        self._resources.callback(self._part.unlink, missing_ok=True)
        self._out = self._resources.enter_context(av.open(str(self._part), "w"))
        self._sound_of = sound
        self._sound: Iterator[_SoundPacket] = iter(())
        self._packet: _SoundPacket | None = None  # the next one
        self._video: av.VideoStream | None = None
        self._reformatter = VideoReformatter()

    def add(self, image: NDArray[np.uint8], timestamp: float) -> None:
        """One picture, RGB (H, W, 3), at a time in seconds of the original, later than the last one."""
        if self._video is None:
            self._video = self._begin(image)
            self._sound = self._copied()
            self._packet = next(self._sound, None)
        self.copy_sound(timestamp)
        frame = av.VideoFrame.from_ndarray(_sized(image, self._video.width, self._video.height), "rgb24")
        frame = self._reformatter.reformat(
            frame, format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        self._last = max(self._last + 1, round((timestamp - self._start) / self._time_base))
        frame.pts, frame.time_base = self._last, self._time_base
        self._out.mux(self._video.encode(frame))

    def copy_sound(self, until: float) -> None:
        """Copy the sound up to a time in seconds of the original; `add` does so up to its picture."""
        while self._packet is not None:
            if float((self._packet.dts or 0) * self._packet.time_base) > until - self._start:
                return
            self._out.mux(self._packet)
            self._packet = next(self._sound, None)

    def close(self) -> None:
        """End the file and give it its name."""
        with self._resources:
            if self._video is not None:
                self._out.mux(self._video.encode(None))
                self._out.close()
                self._part.replace(self._path)

    def __enter__(self) -> ClipWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self, image: NDArray[np.uint8]) -> av.VideoStream:
        height, width = image.shape[:2]
        stream = self._out.add_stream("libx264", rate=self._rate, options=_OPTIONS)
        stream.width, stream.height = width + width % 2, height + height % 2
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = self._time_base
        stream.codec_context.colorspace = 1  # ITU-R BT.709
        stream.codec_context.color_range = 1  # 16 to 235
        if self._aspect:
            stream.codec_context.sample_aspect_ratio = self._aspect
        return stream

    def _copied(self) -> Iterator[_SoundPacket]:
        """The packets of all tracks that can be copied, at their new times; begins with adding the tracks."""
        if self._sound_of is None:
            return
        source = self._resources.enter_context(av.open(str(self._sound_of), metadata_errors="ignore"))
        tracks: dict[int, av.AudioStream] = {}
        for track in source.streams.audio:
            if track.codec_context.name in self._out.supported_codecs:
                tracks[track.index] = self._out.add_stream_from_template(track)
            else:
                self.without.append(track.codec_context.name)
        if not tracks:
            return
        zero = (source.start_time or 0) / av.time_base + self._start
        with suppress(av.error.FFmpegError):  # what there is of a broken clip
            for packet in source.demux(tuple(source.streams.audio)):
                if packet.dts is None or packet.stream.index not in tracks:
                    continue
                if self._start > 0 and float(packet.dts * packet.time_base) < zero:
                    continue
                shift = round(zero / packet.time_base)
                packet.dts -= shift
                packet.pts = None if packet.pts is None else packet.pts - shift
                packet.stream = tracks[packet.stream.index]
                yield packet


def _sized(image: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The picture in the clip's even size: a missing last column or row is repeated, other sizes are
    scaled.
    """
    rows, columns = image.shape[:2]
    if height - rows in (0, 1) and width - columns in (0, 1):
        if (rows, columns) != (height, width):
            image = np.pad(image, ((0, height - rows), (0, width - columns), (0, 0)), mode="edge")
        return np.ascontiguousarray(image)
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
