"""Annotated clips: pictures, times and sound as they were."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from clips import coloured, number, write_clip

from canthus.formats.clip import ClipWriter


def pictures(path: Path) -> list[tuple[float, np.ndarray]]:
    with av.open(str(path)) as clip:
        return [(round(f.time, 4), f.to_ndarray(format="rgb24")) for f in clip.decode(video=0)]


def sound(path: Path) -> list[tuple[float, bytes]]:
    with av.open(str(path)) as clip:
        packets = clip.demux(clip.streams.audio)
        return [(round(float(p.pts * p.time_base), 3), bytes(p)) for p in packets if p.pts is not None]


def test_pictures_and_times_come_back(tmp_path: Path) -> None:
    images, times = coloured(6), [0.0, 0.04, 0.05, 0.5, 0.51, 2.0]
    path = tmp_path / "new" / "a.mp4"
    with ClipWriter(path, rate=Fraction(25)) as clip:
        for image, time in zip(images, times, strict=True):
            clip.add(image, time)
        assert not path.exists()
    assert [file.name for file in path.parent.iterdir()] == ["a.mp4"]
    found = pictures(path)
    assert [time for time, _ in found] == times
    for (_, image), expected in zip(found, images, strict=True):
        np.testing.assert_allclose(image[4:20, 4:28], expected[4:20, 4:28], atol=10)
        np.testing.assert_allclose(image[28:44, 4:60], expected[28:44, 4:60], atol=10)  # its colour too


@pytest.mark.parametrize(("height", "width"), [(47, 64), (48, 63), (47, 63)])
def test_odd_sides_are_padded(tmp_path: Path, height: int, width: int) -> None:
    image = coloured(1, height, width)[0]
    with ClipWriter(tmp_path / "a.mkv") as clip:
        clip.add(image, 0.0)
    found = pictures(tmp_path / "a.mkv")[0][1]
    assert found.shape == (48, 64, 3)
    np.testing.assert_allclose(found[2:20, 2:28], image[2:20, 2:28], atol=10)
    np.testing.assert_allclose(found[-1, -1], image[-1, -1], atol=25)


def test_pictures_of_another_size_are_scaled(tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "a.mp4") as clip:
        clip.add(coloured(4)[3], 0.0)
        clip.add(coloured(8, 96, 128)[7], 0.1)
    assert [(image.shape, number(image)) for _, image in pictures(tmp_path / "a.mp4")] == [
        ((48, 64, 3), 3),
        ((48, 64, 3), 7),
    ]


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "aac"), ("a.mkv", "libopus"), ("a.mov", "pcm_s16le")])
def test_sound_is_copied(tmp_path: Path, name: str, codec: str) -> None:
    images = coloured(10)
    source = write_clip(tmp_path / name, images, sound=codec)
    path = tmp_path / "out" / name
    with ClipWriter(path, sound=source) as clip:
        for index, image in enumerate(images):
            clip.add(image, index / 25)
        clip.copy_sound(float("inf"))
    assert clip.without == []
    assert len(sound(source)) > 5 or codec.startswith("pcm")
    assert b"".join(data for _, data in sound(path)) == b"".join(data for _, data in sound(source))
    assert sound(path)[0][0] == pytest.approx(sound(source)[0][0], abs=0.002)


def test_sound_of_a_part(tmp_path: Path) -> None:
    images = coloured(20)
    source = write_clip(tmp_path / "a.mp4", images, sound="aac")
    with ClipWriter(tmp_path / "b.mp4", sound=source, start=0.2) as clip:
        for index in range(5, 15):
            clip.add(images[index], index / 25)
        clip.copy_sound(0.6)
    assert [time for time, _ in pictures(tmp_path / "b.mp4")] == [round(i / 25, 4) for i in range(10)]
    whole, part = sound(source), sound(tmp_path / "b.mp4")
    first = whole.index(next(packet for packet in whole if packet[0] >= 0.2))
    assert [data for _, data in part] == [data for time, data in whole[first:] if time <= 0.6]
    for (time, _), (original, _) in zip(part, whole[first:], strict=False):
        assert time == pytest.approx(original - 0.2, abs=0.002)


def test_sound_that_a_container_cannot_hold_is_named(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.avi", coloured(5), codec="mjpeg", sound="pcm_u8")
    with ClipWriter(tmp_path / "a.mp4", sound=source) as clip:
        clip.add(coloured(1)[0], 0.0)
    with ClipWriter(tmp_path / "a.mkv", sound=source) as kept:
        kept.add(coloured(1)[0], 0.0)
    assert (clip.without, kept.without) == (["pcm_u8"], [])


def test_no_pictures_no_file(tmp_path: Path) -> None:
    with ClipWriter(tmp_path / "a.mp4"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_no_file_can_be(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a folder"):
        ClipWriter(tmp_path)


def test_what_was_added_is_kept_after_an_interruption(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "a.mp4", coloured(10), sound="aac")
    with pytest.raises(KeyboardInterrupt), ClipWriter(tmp_path / "b.mp4", sound=source) as clip:
        for index in range(4):
            clip.add(coloured(10)[index], index / 25)
        raise KeyboardInterrupt
    assert [number(image) for _, image in pictures(tmp_path / "b.mp4")] == [0, 1, 2, 3]
    assert sound(tmp_path / "b.mp4")[-1][0] <= 0.12  # no more of it than there are pictures
