"""Small clips for tests, made with PyAV."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

BASE = Fraction(1, 90_000)


def coloured(count: int, height: int = 48, width: int = 64) -> list[NDArray[np.uint8]]:
    """Pictures (H, W, 3) whose upper left quarter is as bright as their number times ten; the rest is dark,
    and reddish in the lower half."""
    out = []
    for number in range(count):
        image = np.full((height, width, 3), 16, np.uint8)
        image[height // 2 :, :, 0] = 120
        image[: height // 2, : width // 2] = 10 * number + 20
        out.append(image)
    return out


def number(image: NDArray[np.uint8]) -> int:
    """Which of the `coloured` pictures this is."""
    height, width = image.shape[:2]
    return round((float(image[2 : height // 2 - 2, 2 : width // 2 - 2].mean()) - 20) / 10)


def write_clip(
    path: Path,
    images: Sequence[NDArray[np.uint8]],
    times: Sequence[float] | None = None,
    *,
    codec: str = "libx264",
    group: int = 5,
    rotation: int = 0,
    sound: str | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """A clip of RGB pictures at these times in s (default: 25 a second), a key frame every `group` pictures;
    `sound`: a codec for as much silence."""
    times = times or [index / 25 for index in range(len(images))]
    with av.open(str(path), "w", options=options or {}) as out:
        stream = out.add_stream(codec, rate=25)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.gop_size = group
        if codec == "libx264":
            stream.codec_context.time_base = BASE
            stream.options = {"crf": "10", "preset": "ultrafast"}
        if rotation:
            stream.set_display_rotation(rotation)
        track = out.add_stream(sound, rate=16_000, layout="mono") if sound else None
        for image, time in zip(images, times, strict=True):
            frame = av.VideoFrame.from_ndarray(image, "rgb24")
            base = stream.codec_context.time_base or BASE
            frame.pts, frame.time_base = round(time / base), base
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        if track is not None:
            size, kind = track.codec_context.frame_size or 1024, track.format.name
            for start in range(0, round(16_000 * times[-1]), size):
                quiet = av.AudioFrame.from_ndarray(
                    np.zeros(
                        (1, size), {"fltp": np.float32, "flt": np.float32, "u8": np.uint8}.get(kind, np.int16)
                    ),
                    kind,
                    "mono",
                )
                quiet.sample_rate, quiet.pts = 16_000, start
                out.mux(track.encode(quiet))
            out.mux(track.encode(None))
    return path
