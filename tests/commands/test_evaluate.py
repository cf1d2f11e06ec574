"""evaluate, score and doctor as a user calls them, on a model and a dataset made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import dataset_trees
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from canthus.cli import app
from canthus.morphable_models import sparse_model

SPOTS = ((30, 34), (20, 40))


def call(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def spots(tmp_path: Path) -> Path:
    """64 x 64 pictures with one white pixel; labels as the tiny model predicts them in the box of the whole
    picture, moved 2 px down."""
    root = tmp_path / "spots"
    root.mkdir()
    for number, (x, y) in enumerate(SPOTS):
        picture = np.zeros((64, 64, 3), np.uint8)
        picture[y, x] = 255
        cv2.imwrite(str(root / f"{number}.png"), picture)
        points = [[x + k / 10, y + 2] for k in range(68)]
        label = {
            "scheme": "ibug68",
            "points": points,
            "box": [-0.5, 12.3, 63.5, 63.5],
            "visibility": [1] * 34 + [0] * 34,
        }
        (root / f"{number}.json").write_text(json.dumps(label))
    boxes = {f"{number}.png": [[-0.5, -0.5, 63.5, 63.5]] for number in range(len(SPOTS))}
    (tmp_path / "boxes.json").write_text(json.dumps(boxes))
    return root


def test_evaluate_then_score(tiny_landmark_onnx: Path, spots: Path, tmp_path: Path) -> None:
    report, kept = tmp_path / "r.json", tmp_path / "p.npz"
    common = ("--dataset", "folder", "--root", spots)
    result = call(
        *("evaluate", tiny_landmark_onnx, *common, "--boxes", tmp_path / "boxes.json"),
        *("--json", report, "--save-predictions", kept),
    )
    assert result.exit_code == 0, result.output
    content = json.loads(report.read_text())
    ocular = 0.9  # points 36 and 45
    assert content["metrics"]["nme/inter_ocular"] == pytest.approx(100 * 2 / ocular, rel=1e-4)
    assert content["metrics"]["nme/crop_side"] == pytest.approx(100 * 2 / 64, rel=1e-4)
    assert content["metrics"]["calibration/inside_50"] == 0  # 2 px at a deviation of 1
    assert content["metrics"]["calibration/inside_90"] == 100
    assert content["metrics"]["visibility_auc"] == pytest.approx(0.5, abs=0.02)
    assert content["boxes"] == "file boxes.json" and content["faces"] == 2 and content["missed"] == 0
    assert content["model"] == "tiny.onnx" and len(content["sha256"]) == 64
    assert {"crop_rule", "seconds", "versions", "ced", "images", "split"} <= set(content)
    assert "nme/inter_ocular" in result.stdout and "file boxes.json" in result.stdout
    again = tmp_path / "again.json"
    result = call("score", kept, *common, "--json", again)
    assert result.exit_code == 0, result.output
    assert json.loads(again.read_text()) == content


def test_yaw_bins_where_labels_state_no_yaw(tiny_landmark_onnx: Path, spots: Path, tmp_path: Path) -> None:
    shape = 32 + 12 * sparse_model().mean[:, :2] * (1, -1)
    for number, yaw in enumerate((0, 1)):
        label = json.loads((spots / f"{number}.json").read_text()) | {"points": (shape + yaw).tolist()}
        (spots / f"{number}.json").write_text(json.dumps(label))
    report, kept = tmp_path / "r.json", tmp_path / "p.npz"
    common = ("--dataset", "folder", "--root", spots)
    result = call("evaluate", tiny_landmark_onnx, *common, "--save-predictions", kept)
    assert result.exit_code == 0 and "yaw" not in result.output, result.output
    for verb, model in (("evaluate", tiny_landmark_onnx), ("score", kept)):
        result = call(verb, model, *common, "--yaw-bins", "--json", report)
        assert result.exit_code == 0 and "fitted to the labelled points" in result.output, result.output
        content = json.loads(report.read_text())
        assert content["yaw"] == {"stated": 0, "fitted": 2, "unknown": 0}
        assert content["metrics"]["yaw_0_30/faces"] == 2


def test_presence_and_detector(
    tiny_landmark_onnx: Path, tiny_detector_onnx: Path, spots: Path, tmp_path: Path
) -> None:
    """The tiny detector finds nothing in dark pictures: every face is missed."""
    dataset_trees.backgrounds(tmp_path / "none")
    result = call(
        *("evaluate", tiny_landmark_onnx, "--dataset", "folder", "--root", spots, "--boxes", "detector"),
        *("--detector", tiny_detector_onnx, "--json", tmp_path / "r.json"),
    )
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "r.json").read_text())
    assert content["missed"] == 2 and content["metrics"]["failure_rate/inter_ocular@0.08"] == 100
    assert content["boxes"] == "detector detector.onnx at 800 px"
    result = call(
        *("evaluate", tiny_landmark_onnx, "--dataset", "folder", "--root", spots, "--boxes", "dataset"),
        *("--backgrounds", tmp_path / "none", "--json", tmp_path / "r.json"),
    )
    assert result.exit_code == 0, result.output
    content = json.loads((tmp_path / "r.json").read_text())
    assert content["metrics"]["presence_auc"] == 0  # the model's presence is brightness


def test_thresholds_plot_and_the_table_of_subsets(
    tiny_landmark_onnx: Path, spots: Path, tmp_path: Path
) -> None:
    """Every point is 2 px off at 0.9 px between the eyes; half of them are labelled hidden."""
    report, picture = tmp_path / "r.json", tmp_path / "curve.png"
    result = call(
        *("evaluate", tiny_landmark_onnx, "--dataset", "folder", "--root", spots, "--json", report),
        *(
            "--boxes",
            tmp_path / "boxes.json",
            "--plot",
            picture,
            "--threshold",
            "0.5",
            "--threshold",
            "0.075",
        ),
    )
    assert result.exit_code == 0, result.output
    content = json.loads(report.read_text())
    metrics = content["metrics"]
    assert metrics["failure_rate/inter_ocular@0.50"] == metrics["failure_rate/inter_ocular@0.075"] == 100
    assert "auc/inter_ocular@0.10" not in metrics
    for name in ("points_visible", "points_hidden"):
        assert metrics[f"{name}/faces"] == 2
        assert metrics[f"{name}/nme/inter_ocular"] == pytest.approx(100 * 2 / 0.9, rel=1e-4)
        assert set(content["ced"]["subsets"]) == {"points_visible", "points_hidden"}
    low, high = content["intervals"]["metrics"]["nme/inter_ocular"]
    assert low <= metrics["nme/inter_ocular"] <= high
    table = [line.split() for line in result.stdout.splitlines() if line.startswith("  points_hidden")]
    assert [line[1:3] for line in table] == [["2", f"{metrics['points_hidden/nme/inter_ocular']:.4f}"]]
    assert cv2.imread(str(picture)).shape[0] > 100
    assert "failure_rate/crop_side@0.08" not in metrics
    result = call(
        *("evaluate", tiny_landmark_onnx, "--dataset", "folder", "--root", spots, "--json", report),
        *("--boxes", tmp_path / "boxes.json", "--normalizer", "crop_side"),
    )
    metrics = json.loads(report.read_text())["metrics"]
    assert metrics["failure_rate/crop_side@0.08"] == 0  # 2 px of 64
    assert metrics["part/jaw/crop_side"] == pytest.approx(100 * 2 / 64, rel=1e-4)
    assert metrics["points_hidden/auc/crop_side@0.10"] == pytest.approx(1 - 2 / 6.4, abs=1e-3)
    assert "subsets (crop_side)" in result.stdout


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (
            ("--boxes", "nowhere.json"),
            "--boxes is landmarks, dataset, five_points, detector or a file; found 'nowhere.json'",
        ),
        (("--detector", "x.onnx"), "need --boxes detector; the boxes are landmarks"),
        (("--detector-size", "320", "--boxes", "dataset"), "need --boxes detector; the boxes are dataset"),
        (("--box-kind", "landmarks"), "--box-kind is about the boxes of a file; the boxes are landmarks"),
        (("--split", "train"), "no folder at"),
        (("--scheme", "ibug69"), "no scheme 'ibug69'; there are ibug68"),
        (("--flip-test",), "--flip-test: .* is an ONNX file"),
        (
            ("--normalizer", "inter_oculars"),
            "scheme ibug68 has no normaliser 'inter_oculars'; it has inter_oc",
        ),
        (("--threshold", "8"), r"thresholds are shares of the denominator in \(0, 1\]; found \[8.0\]"),
        (("--plot", "curve.doc"), "--plot curve.doc: found the ending '.doc', expected one of .*png"),
    ],
)
def test_wrong_options_are_one_line(
    extra: tuple[str, ...], message: str, tiny_landmark_onnx: Path, spots: Path
) -> None:
    import re

    result = call("evaluate", tiny_landmark_onnx, "--dataset", "folder", "--root", spots, *extra)
    assert result.exit_code == 2 and result.stdout == ""
    assert re.search(message, result.stderr) and result.stderr.count("\n") == 1


def test_a_published_set_is_scored_in_its_own_boxes(tiny_landmark_onnx: Path, tmp_path: Path) -> None:
    """Of three faces of COCO-WholeBody one lacks an outer eye corner: no inter-ocular distance for it."""
    report, root = tmp_path / "r.json", dataset_trees.coco_wholebody_face(tmp_path / "wb")
    arguments = ("evaluate", tiny_landmark_onnx, "--dataset", "coco_wholebody_face", "--root", root)
    result = call(*arguments, "--json", report)
    assert result.exit_code == 0, result.output
    content = json.loads(report.read_text())
    assert (content["boxes"], content["box_kind"], content["split"]) == ("dataset", "landmarks", "val")
    assert content["faces"] == 3 and content["images"] == 2
    assert content["metrics"]["left_out/inter_ocular"] == 1
    assert "inter_ocular                                 1" in result.stdout.partition("left out")[2]


@pytest.mark.parametrize(
    ("name", "file", "message"),
    [
        ("cofw", "COFW_test_color.mat", "not a readable MATLAB 7.3 file"),
        ("aflw", "AFLWinfo_release.mat", "not a readable .mat file"),
        ("wflw", "annotations/face_landmarks_wflw_test.json", "not a JSON file"),
    ],
)
def test_a_broken_release_is_one_line(
    name: str, file: str, message: str, tiny_landmark_onnx: Path, tmp_path: Path
) -> None:
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"not what it says")
    result = call("evaluate", tiny_landmark_onnx, "--dataset", name, "--root", tmp_path)
    assert result.exit_code == 2 and result.stdout == "" and result.stderr.count("\n") == 1
    assert file in result.stderr and message in result.stderr


def test_schemes_have_to_agree(tiny_landmark_onnx: Path, tmp_path: Path) -> None:
    dataset_trees.coco(tmp_path, info={"scheme": "ibug68_3d"})
    arguments = ("evaluate", tiny_landmark_onnx, "--dataset", "coco", "--root", tmp_path, "--split", "train")
    result = call(*arguments)
    assert result.exit_code == 2 and "--allow-scheme-mismatch" in result.stderr
    result = call(*arguments, "--allow-scheme-mismatch")
    assert result.exit_code == 0, result.output
    assert "warning: the model predicts scheme ibug68, the labels are ibug68_3d" in result.stderr


def test_a_partial_split_is_said_to_be_one(tiny_landmark_onnx: Path, tmp_path: Path) -> None:
    dataset_trees.w300(tmp_path)
    result = call(
        "evaluate", tiny_landmark_onnx, "--dataset", "300w", "--root", tmp_path, "--split", "challenge"
    )
    assert result.exit_code == 0 and "300w challenge is partial: ibug: 134 of 135 faces" in result.stderr


def test_doctor_on_the_installation() -> None:
    result = call("doctor")
    assert result.exit_code == 0
    assert (
        "onnxruntime" in result.stdout and "providers" in result.stdout and "bundled face68" in result.stdout
    )


def test_doctor_counts_a_dataset(tmp_path: Path) -> None:
    dataset_trees.w300(tmp_path)
    dataset_trees.pts(tmp_path / "afw" / "111_1.pts", dataset_trees.face(0, 12))
    (tmp_path / "lfpw" / "trainset" / "image_0002.png").unlink()
    result = call("doctor", "--dataset", "300w", "--root", tmp_path, "--split", "train")
    assert result.exit_code == 1
    assert "faces: 3 in 3 pictures (2 .jpg, 1 .png), scheme ibug68" in result.stdout
    assert "111_1.pts: found 12 points, expected 68" in result.stdout
    assert "image_0002.pts: no picture of that name" in result.stdout
    assert "missing: helen/trainset: 1999 of 2000 faces" in result.stdout


def test_doctor_on_a_whole_dataset_and_on_none(tmp_path: Path) -> None:
    dataset_trees.youtube_faces(tmp_path)
    result = call("doctor", "--dataset", "youtube_faces", "--root", tmp_path)
    assert result.exit_code == 0 and result.stdout.endswith("whole\n")
    result = call("doctor", "--dataset", "youtube_faces", "--root", tmp_path / "x")
    assert result.exit_code == 1 and "expected ROOT/" in result.stdout
    assert call("doctor", "--dataset", "youtub_faces", "--root", tmp_path).exit_code == 2


def test_doctor_says_what_an_absent_dataset_needs(tmp_path: Path) -> None:
    result = call("doctor", "--dataset", "300w", "--root", tmp_path / "none")
    assert result.exit_code == 1
    assert "expected: ROOT/{afw," in result.stdout and "comes from: iBUG" in result.stdout


@pytest.mark.parametrize("option", ["--root", "--split", "--scheme"])
def test_doctor_options_without_a_dataset(option: str) -> None:
    result = call("doctor", option, "x")
    assert result.exit_code == 2 and f"{option}: of which dataset? add --dataset NAME" in result.stderr


@pytest.mark.parametrize("option", ["--json", "--save-predictions"])
def test_unwritable_results_are_told_before_the_work(option: str, spots: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = call(
        *("evaluate", "none.onnx", "--dataset", "folder", "--root", spots, option, tmp_path / "file" / "x")
    )
    assert result.exit_code == 2 and "file: is a file, expected a folder" in result.stderr


def test_score_refuses_damaged_files(tiny_landmark_onnx: Path, spots: Path, tmp_path: Path) -> None:
    kept, common = tmp_path / "kept.npz", ("--dataset", "folder", "--root", spots)
    boxes = ("--boxes", "dataset", "--save-predictions", kept)
    assert call("evaluate", tiny_landmark_onnx, *common, *boxes).exit_code == 0
    good = dict(np.load(kept))
    changes: dict[str, dict[str, object]] = {
        "found provenance": {"provenance": np.array("[1]")},
        "not a predictions file": {"provenance": np.array("{x")},
        "unknown scheme 'ibug69'": {"provenance": np.array('{"scheme": "ibug69"}')},
        "found points of shape": {"points": good["points"][..., 0]},
        "found boxes as <U32, expected float32": {"boxes": good["boxes"].astype(str)},
        "have 5 points a face, expected 68": {
            "points": good["points"][:, :5],
            "scores": good["scores"][:, :5],
        },
    }
    for message, change in changes.items():
        content = {**good, **change}
        if "have 5" in message:
            content = {k: v for k, v in content.items() if k not in ("visibility", "covariance")}
        np.savez(tmp_path / "bad.npz", **content)
        result = call("score", tmp_path / "bad.npz", *common, "--allow-scheme-mismatch")
        assert result.exit_code == 2 and message in result.stderr, result.output
        assert result.stderr.count("\n") == 1
    np.save(tmp_path / "plain.npy", good["points"])
    assert call("score", tmp_path / "plain.npy", *common).exit_code == 2
