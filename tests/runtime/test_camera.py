"""Cameras, with a clip in the place of one: OpenCV opens both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from clips import coloured, number, write_clip

from canthus.runtime.camera import Camera
from canthus.runtime.video import Frame, Span, VideoError


@pytest.fixture
def clip(tmp_path: Path) -> str:
    return str(write_clip(tmp_path / "a.avi", coloured(10), codec="mjpeg"))


def test_pictures_until_it_is_unplugged(clip: str) -> None:
    camera = Camera(clip)
    assert (camera.width, camera.height, camera.rate, camera.live) == (64, 48, 25, True)
    frames: list[Frame] = []
    with pytest.raises(VideoError, match=r"camera .*a\.avi: gives no more pictures; was it unplugged\?"):
        frames.extend(camera.frames(Span(stride=3)))
    assert [(frame.index, number(frame.image)) for frame in frames] == [(0, 0), (3, 3), (6, 6), (9, 9)]
    np.testing.assert_allclose(frames[1].image[40, 50], [120, 16, 16], atol=12)  # RGB
    times = [frame.timestamp for frame in frames]
    assert times[0] == 0 and times == sorted(times) and times[-1] < 60


def test_its_end_can_be_set(clip: str) -> None:
    assert len(list(Camera(clip).frames(Span(0.0, 1e-9)))) == 1


def test_no_camera(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(VideoError, match=r"camera 97: cannot be opened; is it connected, and free\?"):
        Camera(97)
    assert capfd.readouterr() == ("", "")
