"""Frames of clips: their pictures, numbers and times; what is broken costs nothing else."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from clips import coloured, number, write_clip

from canthus.runtime.video import Frame, Span, VideoError, VideoFile, frames_ahead, upright


def seen(path: Path, span: Span | None = None) -> list[tuple[int, int, float]]:
    """(index, number of the picture, time) of each frame."""
    return [(f.index, number(f.image), round(f.timestamp, 4)) for f in VideoFile(path).frames(span)]


def test_pictures_numbers_and_times(tmp_path: Path) -> None:
    clip = VideoFile(write_clip(tmp_path / "a.mp4", coloured(12)))
    frames = list(clip.frames())
    assert [(f.index, number(f.image), round(f.timestamp, 4)) for f in frames] == [
        (i, i, i / 25) for i in range(12)
    ]
    assert (clip.width, clip.height, clip.rate, clip.count(Span())) == (64, 48, Fraction(25), 12)
    assert clip.count(Span(0.2, 0.4, 2)) == 2
    image = frames[3].image
    assert image.dtype == np.uint8 and image.flags["C_CONTIGUOUS"] and image.flags["WRITEABLE"]
    np.testing.assert_allclose(image[40, 50], [120, 16, 16], atol=12)  # RGB, not BGR
    assert clip.skipped == 0


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mov"])
def test_variable_frame_rate(tmp_path: Path, suffix: str) -> None:
    times = [0.0, 0.04, 0.05, 0.5, 0.51, 2.0]
    assert seen(write_clip(tmp_path / f"a.{suffix}", coloured(6), times)) == [
        (i, i, time) for i, time in enumerate(times)
    ]


@pytest.mark.parametrize(
    ("name", "codec"), [("a.avi", "mjpeg"), ("a.ts", "mpeg2video"), ("a.h264", "libx264")]
)
def test_other_containers(tmp_path: Path, name: str, codec: str) -> None:
    found = seen(write_clip(tmp_path / name, coloured(8), codec=codec))
    assert [row[:2] for row in found] == [(i, i) for i in range(8)]
    np.testing.assert_allclose(np.diff([row[2] for row in found]), 1 / 25, atol=1e-3)
    assert found[0][2] == pytest.approx(0, abs=0.05)  # the container's own start is the clip's zero


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (Span(0.4), range(10, 30)),
        (Span(0.41, 0.6), range(11, 15)),
        (Span(0.0, 0.5, 4), range(0, 13, 4)),
        (Span(0.48, None, 7), range(12, 30, 7)),
        (Span(1.16), range(29, 30)),
    ],
)
@pytest.mark.parametrize("group", [4, 100])
def test_spans(tmp_path: Path, span: Span, expected: range, group: int) -> None:
    path = write_clip(tmp_path / "a.mp4", (coloured(20) * 2)[:30], group=group)
    assert [(index, found) for index, found, _ in seen(path, span)] == [(i, i % 20) for i in expected]


def test_a_start_is_reached_without_decoding_what_lies_before(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", coloured(20), group=5)
    broken = bytearray(path.read_bytes())
    start = broken.index(b"mdat") + 8
    broken[start + 60 : start + 400] = bytes(340)  # within the first group
    path.write_bytes(broken)
    clip = VideoFile(path)
    assert [(f.index, number(f.image)) for f in clip.frames(Span(0.6))] == [(i, i) for i in range(15, 20)]
    assert clip.skipped == 0


def test_odd_sizes(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.avi", coloured(2, 47, 63), codec="mjpeg")
    assert next(VideoFile(path).frames()).image.shape == (47, 63, 3)


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_rotation(tmp_path: Path, rotation: int) -> None:
    frame = next(VideoFile(write_clip(tmp_path / "a.mp4", coloured(11)[-1:], rotation=rotation)).frames())
    expected = np.rot90(coloured(11)[-1], rotation // 90)  # anticlockwise, as a display matrix turns
    assert frame.image.shape == expected.shape
    np.testing.assert_allclose(frame.image.mean(2)[8:-8, 8:-8], expected.mean(2)[8:-8, 8:-8], atol=60)
    assert np.abs(frame.image.astype(float) - expected).mean() < 8


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[1, 0], [0, 1]], [[1, 2, 3], [4, 5, 6]]),
        ([[-1, 0], [0, 1]], [[3, 2, 1], [6, 5, 4]]),
        ([[1, 0], [0, -1]], [[4, 5, 6], [1, 2, 3]]),
        ([[-1, 0], [0, -1]], [[6, 5, 4], [3, 2, 1]]),
        ([[0, 1], [1, 0]], [[1, 4], [2, 5], [3, 6]]),  # x goes down, y goes right: transposed
        ([[0, 1], [-1, 0]], [[4, 1], [5, 2], [6, 3]]),  # x goes down, y goes left: a quarter clockwise
        ([[0, -1], [1, 0]], [[3, 6], [2, 5], [1, 4]]),  # x goes up: a quarter anticlockwise
        ([[0, -1], [-1, 0]], [[6, 3], [5, 2], [4, 1]]),
    ],
)
def test_all_eight_display_matrices(matrix: list[list[int]], expected: list[list[int]]) -> None:
    image = np.repeat(np.array([[[1], [2], [3]], [[4], [5], [6]]], np.uint8), 3, axis=2)
    turned = upright(image, np.array(matrix, np.int32) * 65536)
    assert turned[..., 0].tolist() == expected
    assert turned.flags["C_CONTIGUOUS"]


def test_broken_frames_are_left_out_and_keep_their_numbers(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.avi", coloured(10), codec="mjpeg")
    content = bytearray(path.read_bytes())
    starts = [at for at in range(len(content)) if content[at : at + 3] == b"\xff\xd8\xff"]
    content[starts[3] : starts[4] - 16] = bytes(starts[4] - 16 - starts[3])
    path.write_bytes(content)
    clip = VideoFile(path)
    assert [(f.index, number(f.image)) for f in clip.frames()] == [(i, i) for i in range(10) if i != 3]
    assert clip.skipped == 1


def test_a_file_that_ends_early_gives_what_it_holds(tmp_path: Path) -> None:
    times = [i / 5 for i in range(20)]
    whole = write_clip(tmp_path / "a.mp4", coloured(20), times, options={"movflags": "faststart"})
    content = whole.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(content[: content.index(b"mdat") + (len(content) - content.index(b"mdat")) // 2])
    frames: list[Frame] = []
    with pytest.raises(VideoError, match=r"cut\.mp4: ends early, .* of 3\.84 s could be read"):
        frames.extend(VideoFile(cut).frames())
    assert 4 <= len(frames) < 18
    assert [(f.index, number(f.image)) for f in frames] == [(i, i) for i in range(len(frames))]
    assert len(list(VideoFile(cut).frames(Span(0, 0.5)))) == 3  # the end that was asked for is there


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file"),
        (b"", "the file is empty"),
        (b"no clip " * 40, "not a clip that can be read"),
    ],
)
def test_what_is_no_clip(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "a.mp4"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VideoError, match=rf"a\.mp4: {reason}"):
        VideoFile(path)
    with pytest.raises(VideoError, match="is a folder"):
        VideoFile(tmp_path)


def test_a_header_without_frames(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.avi", coloured(3), codec="mjpeg")
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"movi") + 4])
    with pytest.raises(VideoError, match=r"a\.avi: no frame could be read"):
        list(VideoFile(path).frames())


def test_sound_alone(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "a.wav"), "w") as out:
        track = out.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        frame.sample_rate = 8000
        out.mux(track.encode(frame))
    with pytest.raises(VideoError, match="no moving picture"):
        VideoFile(tmp_path / "a.wav")


@pytest.mark.parametrize(
    "wrong", [{"start": -1.0}, {"start": float("nan")}, {"start": 2.0, "end": 2.0}, {"stride": 0}]
)
def test_spans_that_hold_nothing(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"found .*, expected"):
        Span(**wrong)


def test_large_pictures_wait_in_smaller_numbers() -> None:
    assert frames_ahead(640, 480) == 8
    assert frames_ahead(3840, 2160) == 2
    assert frames_ahead(7680, 4320) == 1
