"""`canthus benchmark`: the arithmetic, and that every kind of model is timed."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from canthus.cli import app
from canthus.commands.benchmark import Settings, alternate, benchmark, prepare, quantiles
from canthus.commands.benchmark_video import PARTS, benchmark_video
from canthus.commands.moving_clip import moving_clip
from canthus.runtime.video import VideoFile


def test_quantiles_by_hand() -> None:
    assert quantiles(np.arange(11.0)) == {"median_ms": 5.0, "p10_ms": 1.0, "p90_ms": 9.0}


def test_calls_are_taken_in_turn() -> None:
    order: list[str] = []

    def slow() -> None:
        order.append("a")
        time.sleep(0.003)

    first, second = alternate([slow, lambda: order.append("b")], 4)
    assert "".join(order[-8:]) == "abababab"
    assert len(first) == len(second) == 4
    assert first.min() >= 3


def test_the_clock_and_the_warm_up_can_be_chosen() -> None:
    ticks, calls = iter(range(100)), []
    (times,) = alternate([lambda: calls.append(1)], 3, warm_up=2, clock=lambda: next(ticks) ** 2)
    assert len(calls) == 5
    assert times.tolist() == [1000.0, 5000.0, 9000.0], "from tick to tick, in ms"


def test_what_is_timed(tiny_landmark_onnx: Path, tiny_detector_onnx: Path, shared: Path) -> None:
    settings = Settings(batch=3, size=64)
    landmarks = prepare(str(tiny_landmark_onnx), settings)
    assert landmarks["network"]()["points"].shape == (3, 68, 2)
    assert len(landmarks["whole"]()) == 3
    detector = prepare(str(tiny_detector_onnx), settings)
    assert detector["network"]()["boxes"].shape == (4, 4)
    assert set(detector) == {"network", "whole"}
    outside = prepare(str(shared / "peers" / "pfld_68_112.onnx"), settings)
    assert set(outside) == {"network"}
    assert outside["network"]()["output"].shape == (3, 136)


def test_report_and_ratio(tiny_landmark_onnx: Path, tmp_path: Path) -> None:
    report = tmp_path / "b.json"
    arguments = [str(tiny_landmark_onnx), "--against", str(tiny_landmark_onnx), "--repeats", "5"]
    result = CliRunner().invoke(app, ["benchmark", *arguments, "--json", str(report)])
    assert result.exit_code == 0
    assert "network: the first takes" in result.stdout
    content = json.loads(report.read_text())
    assert content["settings"] == {"threads": 1, "batch": 1, "size": 320, "repeats": 5}
    assert [row["what"] for row in content["times"]] == ["network", "whole", "network", "whole"]
    assert set(content["ratio_to_second"]) == {"network", "whole"}
    assert "onnxruntime" in content["versions"]


def test_an_unwritable_report_is_told_first(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file: is a file, expected a folder"):
        benchmark("none.onnx", None, Settings(), tmp_path / "file" / "x.json")


@pytest.mark.parametrize("model", ["none.onnx", "face67"])
def test_unknown_models(model: str) -> None:
    result = CliRunner().invoke(app, ["benchmark", model])
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


def test_the_parts_of_a_frame(tmp_path: Path) -> None:
    photo = Path(__file__).parents[2] / "samples" / "astronaut.jpg"
    clip, report = tmp_path / "clip.mp4", tmp_path / "report.json"
    moving_clip(photo, clip, frames=60, width=320, height=240)
    assert benchmark_video(clip, "face68", report=report) == 0
    result = json.loads(report.read_text())
    assert (result["width"], result["height"], result["frames"], result["faces"]) == (320, 240, 60, 1.0)
    mean = {name: part["mean_ms"] for name, part in result["parts"].items()}
    assert tuple(mean) == PARTS
    assert all(value > 0 for value in mean.values())
    beyond = sum(mean[name] for name in ("detect", "crop", "network", "track"))
    assert mean["total"] == pytest.approx(beyond, abs=0.01)
    assert result["parts"]["detect"]["median_ms"] == 0  # faces are followed, not searched in every frame


def test_a_moving_clip_is_the_same_every_time(tmp_path: Path) -> None:
    photo = Path(__file__).parents[2] / "samples" / "astronaut.jpg"
    clips = []
    for name in ("a.mp4", "b.mp4"):
        moving_clip(photo, tmp_path / name, frames=3, width=160, height=120)
        clips.append([frame.image for frame in VideoFile(tmp_path / name).frames()])
    np.testing.assert_array_equal(*clips)
    assert np.abs(clips[0][2].astype(int) - clips[0][0]).mean() > 1


@pytest.mark.parametrize("option", [["--batch", "2"], ["--against", "face68"], ["--repeats", "9"]])
def test_options_that_a_clip_has_no_use_for(option: list[str]) -> None:
    result = CliRunner().invoke(app, ["benchmark", "face68", "--video", "clip.mp4", *option])
    assert result.exit_code == 2
    assert "are not about --video" in " ".join(result.stderr.replace("│", " ").split())


def test_a_clip_that_is_too_short_to_time(tmp_path: Path) -> None:
    photo = Path(__file__).parents[2] / "samples" / "astronaut.jpg"
    moving_clip(photo, tmp_path / "a.mp4", frames=5, width=64, height=48)
    with pytest.raises(ValueError, match="found 5 frames, expected more than"):
        benchmark_video(tmp_path / "a.mp4", "face68")
