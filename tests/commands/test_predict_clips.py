"""`canthus predict` on clips and a camera, as a user calls it."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import write_clip
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from canthus.cli import app
from canthus.commands import predict_clips
from canthus.runtime.video import TIME_BASE, Frame, Span, VideoError

SAMPLE = Path(__file__).parents[2] / "samples" / "astronaut.jpg"


def moving(count: int) -> list[NDArray[np.uint8]]:
    """Pictures of 160 x 120 px in which a face moves 3 px to the right from each to the next."""
    photo = cv2.cvtColor(cv2.imread(str(SAMPLE)), cv2.COLOR_BGR2RGB)
    return [np.ascontiguousarray(photo[50:170, 190 - 3 * i : 350 - 3 * i]) for i in range(count)]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "face.mp4", moving(10), sound="aac")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["predict", *(str(a) for a in arguments), "--threads", "1"])


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_everything_about_a_clip(clip: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(clip, "--save", out, "--json", out / "a.jsonl", "--csv", out / "a.csv", "--smooth", "off")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    rows = lines(out / "a.jsonl")
    assert [(row["frame"], row["timestamp"], row["track_id"]) for row in rows] == [
        (i, round(i / 25, 6), rows[0]["track_id"]) for i in range(10)
    ]
    fields = {"file", "width", "height", "scheme", "frame", "timestamp", "track_id", "box", "points"}
    assert set(rows[0]) == fields | {"scores", "presence", "visibility", "covariance", "pose"}
    assert np.shape(rows[0]["covariance"]) == (68, 2, 2)
    nose = np.array([row["points"][30] for row in rows])
    np.testing.assert_allclose(np.diff(nose[:, 0]), 3, atol=1.6)  # as the picture was moved
    with (out / "a.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [(row["frame"], row["timestamp"], row["track_id"]) for row in table] == [
        (str(i), f"{i / 25:.6f}", str(rows[0]["track_id"])) for i in range(10)
    ]
    assert float(table[4]["nose_bridge_3_x"]) == rows[4]["points"][30][0]
    assert float(table[4]["nose_bridge_3_xy"]) == pytest.approx(rows[4]["covariance"][30][0][1], abs=1e-3)
    with av.open(str(out / "face.mp4")) as drawn, av.open(str(clip)) as original:
        assert drawn.streams.video[0].codec_context.name == "h264"
        assert len(drawn.streams.audio) == 1
        pairs = list(zip(drawn.decode(video=0), original.decode(video=0), strict=True))
        assert [a.time for a, _ in pairs] == [b.time for _, b in pairs]
        after, before = (frame.to_ndarray(format="gray").astype(int) for frame in pairs[5])
    x, y = rows[5]["points"][27]
    changed = np.abs(after - before)
    assert changed[round(y) - 5 : round(y) + 40, round(x) - 25 : round(x) + 26].max() > 60


def test_a_part_on_stdout_beside_a_picture(clip: Path) -> None:
    result = run(clip, SAMPLE, "--start", 0.08, "--end", 0.3, "--stride", 2)
    assert result.exit_code == 0
    picture, *frames = (json.loads(line) for line in result.stdout.splitlines())
    assert len(picture["faces"]) == 1  # as ever
    assert [(row["file"], row["frame"]) for row in frames] == [(str(clip), i) for i in (2, 4, 6)]


@pytest.mark.parametrize("smooth", [["--smooth", "high"], ["--smooth", "high", "--look-ahead"]])
def test_smoothing_changes_points(clip: Path, smooth: list[str]) -> None:
    raw, smoothed = (run(clip, "--smooth", "off"), run(clip, *smooth))
    assert smoothed.exit_code == 0
    first, second = ([json.loads(line) for line in r.stdout.splitlines()] for r in (raw, smoothed))
    assert [row["frame"] for row in second] == list(range(10))
    assert first[6]["points"] != second[6]["points"]
    np.testing.assert_allclose(first[6]["points"], second[6]["points"], atol=10)


def test_a_clip_that_ends_early_and_one_that_is_none(clip: Path, tmp_path: Path) -> None:
    times = [i / 5 for i in range(10)]
    whole = write_clip(tmp_path / "slow.mp4", moving(10), times, options={"movflags": "faststart"})
    content = whole.read_bytes()
    at = content.index(b"mdat")
    (tmp_path / "cut.mp4").write_bytes(content[: at + (len(content) - at) // 2])
    (tmp_path / "empty.mp4").touch()
    names = [tmp_path / "cut.mp4", tmp_path / "empty.mp4", clip]
    result = run(*names, "--save", tmp_path / "out", "--json", tmp_path / "a.jsonl", "--look-ahead")
    assert result.exit_code == 1
    first, second = result.stderr.splitlines()
    assert "cut.mp4: ends early" in first and "empty.mp4: the file is empty" in second
    rows = lines(tmp_path / "a.jsonl")
    kept = sum(row["file"].endswith("cut.mp4") for row in rows)
    assert 1 <= kept < 10
    assert sum(row["file"] == str(clip) for row in rows) == 10
    with av.open(str(tmp_path / "out" / "cut.mp4")) as drawn:
        assert len(list(drawn.decode(video=0))) == kept
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["cut.mp4", "face.mp4"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["CLIP", "--coco", "a.json"], "--coco is about pictures"),
        (["CLIP", "--boxes", "BOXES"], "--boxes is about pictures"),
        (["CLIP", "--smooth", "much"], "found 'much', expected off"),
        (["CLIP", "--smooth", "off", "--look-ahead"], "look_ahead is about smoothing"),
        (["CLIP", "--start", "2", "--end", "1"], "end: found 1.0"),
        ([SAMPLE, "--smooth", "high"], "are about clips; found pictures only"),
        ([SAMPLE, "--stride", "2"], "are about clips; found pictures only"),
        ([SAMPLE, "--no-window"], "--no-window is about cameras"),
        ([SAMPLE, "--camera", "0"], "exclude each other"),
        (["--camera", "0", "--look-ahead"], "a camera cannot be looked ahead of"),
        ([], "nothing to look at"),
        (["--camera", "no-such-device", "--no-window"], "camera no-such-device: cannot be opened"),
    ],
)
def test_bad_usage(clip: Path, tmp_path: Path, arguments: list[object], message: str) -> None:
    (tmp_path / "b.json").write_text("{}")
    files = {"CLIP": clip, "BOXES": tmp_path / "b.json"}
    result = run(*(files.get(str(a), a) for a in arguments))
    assert result.exit_code in (1, 2)
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_ctrl_c_finishes_the_files(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "long.mp4", moving(10) * 300)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "canthus", "predict", str(path), "--save", str(out), "--threads", "1"]
    child = subprocess.Popen(
        [*command, "--json", str(tmp_path / "a.jsonl")],
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    for _ in range(600):  # until some of it is written
        parts = list(tmp_path.glob(".a.*.part.jsonl"))
        if parts and parts[0].stat().st_size > 50_000:
            break
        time.sleep(0.05)
    child.send_signal(signal.SIGINT)
    error = child.communicate(timeout=60)[1].decode()
    assert (child.returncode, error) == (130, "canthus: interrupted; what was finished is kept\n")
    rows = lines(tmp_path / "a.jsonl")
    with av.open(str(out / "long.mp4")) as drawn:
        frames = sum(1 for _ in drawn.decode(video=0))
    assert 5 < frames < 3000
    assert {row["frame"] for row in rows} <= set(range(frames))
    assert max(row["frame"] for row in rows) >= frames - 5
    assert not [name for name in os.listdir(tmp_path) if "part" in name]


class Pictures:
    """A camera that shows pictures, and is unplugged then."""

    live = True
    rate = Fraction(25)
    time_base = TIME_BASE
    height, width = 120, 160

    def __init__(self, device: int | str) -> None:
        self.name = f"camera {device}"

    def frames(self, span: Span) -> Iterator[Frame]:
        for index, image in enumerate(moving(6)):
            time.sleep(0.1)  # a camera's pace, which the reader keeps
            yield Frame(index, index / 10, image)
        raise VideoError(f"{self.name}: gives no more pictures; was it unplugged?")


def test_a_camera_that_is_unplugged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict_clips, "Camera", Pictures)
    result = run("--camera", "3", "--no-window", "--save", tmp_path, "--json", tmp_path / "a.jsonl")
    assert result.exit_code == 1
    assert result.stderr == "canthus: camera 3: gives no more pictures; was it unplugged?\n"
    rows = lines(tmp_path / "a.jsonl")
    assert {row["file"] for row in rows} == {"camera 3"}
    with av.open(str(tmp_path / "camera-3.mp4")) as drawn:
        assert [frame.time for frame in drawn.decode(video=0)] == [row["timestamp"] for row in rows]
    assert len(rows) >= 3


def test_a_window_without_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tkinter")
    monkeypatch.delenv("DISPLAY", raising=False)
    if sys.platform != "linux":
        pytest.skip("only X11 has no display then")
    result = run("--camera", "0")
    assert result.exit_code == 2
    assert "no window can be shown" in result.stderr and "--no-window" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_window_shows_the_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[NDArray[np.uint8]] = []

    class Window:
        def __init__(self, title: str) -> None:
            assert "camera 3" in title

        def __enter__(self) -> Window:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def show(self, image: NDArray[np.uint8]) -> bool:
            shown.append(image.copy())
            return len(shown) < 3

    monkeypatch.setattr(predict_clips, "Camera", Pictures)
    monkeypatch.setattr("canthus.commands.window.Window", Window)
    result = run("--camera", "3")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")  # closed after three pictures
    assert len(shown) == 3
    assert all((image != original).any() for image, original in zip(shown, moving(6), strict=False))
