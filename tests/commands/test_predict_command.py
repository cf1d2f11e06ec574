"""`canthus predict`, as a user calls it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from canthus.cli import app
from canthus.datasets import DATASETS
from canthus.formats import read_json


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two pictures with one bright cell each, one dark picture, and four files that are no pictures."""
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    cell = np.zeros((96, 160, 3), np.uint8)
    cell[32:64, 64:96] = 250
    Image.fromarray(cell).save(folder / "a.png")
    Image.fromarray(np.roll(cell, 32, axis=1)).save(folder / "sub" / "a.png")
    Image.fromarray(cell * 0).save(folder / "dark.jpg")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "full.jpg")
    (folder / "cut.jpg").write_bytes((folder / "full.jpg").read_bytes()[:900])
    (folder / "full.jpg").unlink()
    (folder / "empty.jpg").touch()
    (folder / "text.png").write_text("no picture")
    return folder


@pytest.fixture
def models(tiny_landmark_onnx: Path, tiny_detector_onnx: Path) -> list[str]:
    return ["--model", str(tiny_landmark_onnx), "--detector", str(tiny_detector_onnx), "--threads", "1"]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["predict", *(str(a) for a in arguments)])


def test_folder_with_broken_files(photos: Path, models: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(photos, *models, "--save", out, "--json", out / "a.json", "--coco", out / "c.json")
    assert result.exit_code == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 3
    for name, reason in (("cut.jpg", "truncated"), ("empty.jpg", "empty"), ("text.png", "not a picture")):
        assert any(str(photos / name) in line and reason in line for line in lines)
    found = {picture.file: picture.faces for picture in read_json(out / "a.json")}
    assert {Path(name).relative_to(photos).as_posix(): len(faces) for name, faces in found.items()} == {
        "a.png": 1,
        "dark.jpg": 0,
        "sub/a.png": 1,
    }
    np.testing.assert_allclose(found[str(photos / "a.png")].points[0, 0], [79.5, 47.5], atol=0.05)
    np.testing.assert_allclose(found[str(photos / "sub" / "a.png")].boxes, [[96, 32, 127, 63]], atol=0.01)
    drawn = np.asarray(Image.open(out / "a.png"))
    assert drawn.shape == (96, 160, 3)
    assert (drawn != np.asarray(Image.open(photos / "a.png"))).any()
    assert (out / "sub" / "a.png").is_file()
    assert sorted(path.name for path in out.iterdir()) == ["a.json", "a.png", "c.json", "dark.jpg", "sub"]


def test_the_coco_dataset_reads_the_result(photos: Path, models: list[str], tmp_path: Path) -> None:
    out = tmp_path / "results"
    assert run(photos / "a.png", photos / "dark.jpg", *models, "--coco", out / "mine.json").exit_code == 0
    dataset = DATASETS["coco"](out, "mine")
    assert len(dataset) == 1
    sample = dataset[0]
    assert dataset.scheme.name == "ibug68"
    assert sample.read().shape == (96, 160, 3)
    np.testing.assert_allclose(sample.points[0], [79.5, 47.5], atol=0.05)
    np.testing.assert_array_equal(sample.visibility[:3], [0, 1, 1])


def test_json_lines_on_stdout(photos: Path, models: list[str]) -> None:
    result = run(photos / "a.png", photos / "dark.jpg", *models)
    assert result.exit_code == 0
    assert result.stderr == ""
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(Path(row["file"]).name, len(row["faces"])) for row in rows] == [("a.png", 1), ("dark.jpg", 0)]
    assert rows[0]["width"] == 160


def test_boxes_and_whole_image(photos: Path, models: list[str], tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.json"
    boxes.write_text('{"a.png": [[60, 30, 100, 70], [0, 0, 20, 20]]}')
    result = run(photos / "a.png", *models[:2], "--boxes", boxes)
    rows = json.loads(result.stdout)["faces"]
    assert [row["box"] for row in rows] == [[60, 30, 100, 70], [0, 0, 20, 20]]
    raised = json.loads(
        run(photos / "a.png", *models[:2], "--boxes", boxes, "--box-kind", "landmarks").stdout
    )
    assert raised["faces"][0]["box"] == [60, 20, 100, 70]
    missing = run(photos / "a.png", photos / "dark.jpg", *models[:2], "--boxes", boxes)
    assert missing.exit_code == 1
    assert "dark.jpg: not listed in" in missing.stderr
    whole = json.loads(run(photos / "a.png", *models[:2], "--whole-image").stdout)
    assert [row["box"] for row in whole["faces"]] == [[0, 0, 159, 95]]


def test_min_presence_drops_faces(photos: Path, models: list[str]) -> None:
    """The tiny model's presence is the crop's mean brightness: 250 / 255 inside the cell."""
    assert len(json.loads(run(photos / "a.png", *models, "--min-presence", 0.9).stdout)["faces"]) == 1
    assert len(json.loads(run(photos / "a.png", *models, "--min-presence", 0.99).stdout)["faces"]) == 0


def test_detector_size(photos: Path, models: list[str], tmp_path: Path) -> None:
    large = np.zeros((640, 1280, 3), np.uint8)
    large[:32, :32] = 255
    Image.fromarray(large).save(tmp_path / "large.png")
    for size, count in ((320, 0), (1280, 1)):
        row = json.loads(run(tmp_path / "large.png", *models, "--detector-size", size).stdout)
        assert len(row["faces"]) == count


def test_exif_is_applied_to_the_annotated_picture(models: list[str], tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20), (160, 30, 60)).save(tmp_path / "turned.jpg", exif=exif)
    assert run(tmp_path / "turned.jpg", *models, "--save", tmp_path / "out").exit_code == 0
    with Image.open(tmp_path / "out" / "turned.jpg") as saved:
        assert saved.size == (20, 40)
        assert 0x0112 not in saved.getexif()
        np.testing.assert_allclose(np.asarray(saved)[10, 10], [160, 30, 60], atol=4)  # red stays red


def test_the_same_name_from_two_folders(photos: Path, models: list[str], tmp_path: Path) -> None:
    result = run(photos / "a.png", photos / "sub" / "a.png", *models, "--save", tmp_path / "out")
    assert result.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a-2.png", "a.png"]


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (["--detector", "buildin"], "did you mean builtin"),
        (["--model", "face86"], "did you mean face68"),
        (["--model", "none.onnx"], "none.onnx: no such model file"),
        (["--whole-image", "--detector", "builtin"], "--detector and --whole-image exclude each other"),
        (["--boxes", "none.json"], "none.json"),
        (["--whole-image", "--box-kind", "body"], "found 'body', expected landmarks or face"),
        (["--whole-image", "--ellipses", "2"], "between 0 and 1"),
        (["--whole-image", "--ellipses", "0.5"], "--ellipses is about annotated pictures: add --save"),
        (["--whole-image", "--box-kind", "landmarks"], "--box-kind is about the boxes of a file"),
        (["--whole-image", "--detector-size", "320"], "--detector-size is about a detector"),
    ],
)
def test_bad_usage(photos: Path, models: list[str], extra: list[str], reason: str) -> None:
    base = [] if "--model" in extra else models[:2]
    result = run(photos / "a.png", *base, *extra)
    assert result.exit_code == 2
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_odd_file_names_are_one_line_each(models: list[str], tmp_path: Path) -> None:
    for name in ("new\nline.jpg", "two  spaces.jpg"):
        (tmp_path / name).write_text("no picture")
    result = run(tmp_path, *models)
    assert result.exit_code == 1
    folder = tmp_path.as_posix()
    assert [line.partition(": not a picture")[0] for line in result.stderr.splitlines()] == [
        f"canthus: {folder}/new line.jpg",
        f"canthus: {folder}/two  spaces.jpg",
    ]


def test_nothing_matches(models: list[str]) -> None:
    result = run("nowhere/*.jpg", *models)
    assert result.exit_code == 2
    assert result.stderr == "canthus: no file, folder with pictures or glob match: nowhere/*.jpg\n"


def test_one_of_two_names_matches(photos: Path, models: list[str]) -> None:
    result = run(photos / "a.png", "none.jpg", *models)
    assert result.exit_code == 1
    assert "none.jpg" in result.stderr
    assert len(result.stdout.splitlines()) == 1


def test_unknown_option() -> None:
    assert run("a.jpg", "--sav", "x").exit_code == 2


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_ctrl_c_keeps_finished_work(photos: Path, models: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for i in range(3000):
        (folder / f"{i:04}.png").write_bytes((photos / "a.png").read_bytes())
    out = tmp_path / "out"
    command = [sys.executable, "-m", "canthus", "predict", str(folder), *models]
    process = subprocess.Popen(
        [*command, "--save", str(out), "--json", str(out / "faces.json")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A suite that runs in the background of a shell hands an ignored interrupt down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60
    while len(list(out.glob("*.png"))) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors == "canthus: interrupted; what was finished is kept\n"
    saved = sorted(path.name for path in out.iterdir())
    assert not [name for name in saved if "part" in name]
    kept = read_json(out / "faces.json")
    assert 0 < len(kept) < 3000
    assert len(saved) - 1 >= len(kept)
    for picture in kept:
        assert Path(picture.file).name in saved


def test_two_results_under_one_name(photos: Path, models: list[str], tmp_path: Path) -> None:
    result = run(photos / "a.png", *models, "--json", tmp_path / "x.json", "--coco", tmp_path / "x.json")
    assert result.exit_code == 2
    assert "same name" in result.stderr


def test_outputs_that_cannot_be(photos: Path, models: list[str], tmp_path: Path) -> None:
    for option, place, reason in (
        ("--json", tmp_path, "is a folder"),
        ("--save", photos / "a.png", "a.png: is a file, expected a folder"),
        ("--coco", photos / "a.png" / "x.json", "a.png: is a file, expected a folder"),
        ("--csv", Path(os.devnull), "is a device or a pipe"),
    ):
        result = run(photos / "dark.jpg", *models, option, place)
        assert result.exit_code == 2
        assert reason in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_a_reader_that_leaves(photos: Path, models: list[str]) -> None:
    """`canthus predict ... | head -1`: no traceback, no list of failures."""
    many = [str(photos / "sub" / "a.png"), str(photos / "a.png"), str(photos / "dark.jpg")]
    command = [sys.executable, "-m", "canthus", "predict", *many, *models]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        errors = process.stderr.read()
    assert errors == b""
    assert process.returncode == 1


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_bar_and_a_summary(photos: Path, models: list[str], tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "canthus",
        "predict",
        str(photos),
        *models,
        "--json",
        str(tmp_path / "x.json"),
    ]
    done = subprocess.run(command, stderr=theirs, stdout=subprocess.PIPE, env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert done.returncode == 1
    assert done.stdout == b""
    assert "6/6" in shown
    assert "empty.jpg: the file is empty" in shown.replace("\r\n", "")
    assert "6 pictures, 2 faces, 3 failed" in shown
