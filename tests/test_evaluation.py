"""Running a model over a split, and scoring what it said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.commands.report import render
from canthus.datasets import SampleList
from canthus.datasets.dataset import labelled
from canthus.detectors import Detections
from canthus.evaluation import (
    FoundBoxes,
    LabelBoxes,
    background_crops,
    by_picture,
    detector_boxes,
    predict_split,
    with_backgrounds,
)
from canthus.faces import Faces
from canthus.formats.predictions import Predictions
from canthus.geometry import BoxKind, CropRule, convert_boxes
from canthus.morphable_models import rotation_matrix, sparse_model
from canthus.sample import Sample
from canthus.schemes import FIVE, SCHEMES, Scheme
from canthus.scoring import Measure, compare, score, subsets

#: Five points in a box of width and height 1.
SHAPE = np.array([[0, 0], [1, 0], [0.5, 0.5], [0, 1], [1, 1]])


class ShapeModel:
    """Puts SHAPE into the tight box of each `face` box, one px too far to the right."""

    scheme: Scheme = FIVE
    crop_rule = CropRule(box_kind="landmarks", scale=2.0)

    def __init__(self, **extra: float) -> None:
        self.extra = extra
        self.calls: list[int] = []

    def __call__(self, image: NDArray[np.uint8], boxes: NDArray[np.float32], box_kind: BoxKind) -> Faces:
        self.calls.append(len(boxes))
        tight = convert_boxes(boxes, box_kind, "landmarks")
        points = tight[:, None, :2] + SHAPE * (tight[:, 2:] - tight[:, :2])[:, None] + (1, 0)
        extra = {name: np.full(len(boxes), value) for name, value in self.extra.items()}
        return Faces(
            points, np.ones(points.shape[:2]), convert_boxes(boxes, box_kind, "face"), self.scheme, **extra
        )


class Split(SampleList):
    name = "made_up"


def dataset(boxes: list[list[float]], **tags: list[float]) -> Split:
    """One picture with a face of SHAPE in each tight box, and a second picture with the first face."""
    image = Path("one.png")
    samples = []
    for i, box in enumerate([*boxes, boxes[0]]):
        low, high = np.array(box[:2]), np.array(box[2:])
        points = (low + SHAPE * (high - low)).astype(np.float32)
        values = {name: value[i] for name, value in tags.items()}
        samples.append(labelled(image, points, id=str(i), group="g", tags=values))
    samples[-1] = replace(samples[-1], image=np.zeros((50, 50, 3), np.uint8))
    return Split("test", FIVE, samples)


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Split:
    """Faces 10 x 10 and 20 x 10 px in one picture, the first again in another."""
    cv2.imwrite(str(tmp_path / "one.png"), np.zeros((50, 50, 3), np.uint8))
    monkeypatch.chdir(tmp_path)
    return dataset([[5, 5, 15, 15], [20, 20, 40, 30]], yaw_abs=[0, 30, 75])


def test_faces_of_a_picture_go_together(two: Split) -> None:
    model = ShapeModel()
    done: list[int] = []
    predictions = predict_split(model, two, LabelBoxes(), progress=lambda: done.append(1))
    assert list(by_picture(two)) == [[0, 1], [2]]
    assert model.calls == [2, 1] and done == [1, 1, 1]
    np.testing.assert_allclose(predictions.points - (1, 0), [s.points for s in two], atol=1e-5)
    np.testing.assert_allclose(predictions.crop_side, [20, 40, 20])


def test_report_by_hand(two: Split) -> None:
    report = score(predict_split(ShapeModel(), two, LabelBoxes()), two)
    metrics = report["metrics"]
    assert metrics["nme/inter_pupil"] == pytest.approx((10 + 5 + 10) / 3, abs=1e-4)
    assert metrics["nme/crop_side"] == pytest.approx((5 + 2.5 + 5) / 3, abs=1e-4)
    assert metrics["yaw_0_30/faces"] == metrics["yaw_30_60/faces"] == metrics["yaw_60/faces"] == 1
    bins = [metrics[f"{name}/nme/landmark_box_sqrt_wh"] for name in ("yaw_0_30", "yaw_30_60", "yaw_60")]
    assert metrics["mean_of_yaw_bins/nme/landmark_box_sqrt_wh"] == pytest.approx(np.mean(bins))
    assert metrics["yaw_30_60/nme/inter_pupil"] == pytest.approx(5, abs=1e-4)
    assert metrics["failure_rate/inter_pupil@0.08"] == pytest.approx(200 / 3)
    assert (report["images"], report["faces"], report["missed"]) == (2, 3, 0)
    assert report["boxes"] == "landmarks" and report["crop_rule"]["scale"] == 2
    assert report["ced"]["share"][0] == 0 and report["ced"]["share"][-1] == 1
    assert len(report["ced"]["error"]) == len(report["ced"]["share"])
    json.dumps(report, allow_nan=False)


def heads(*yaws: float) -> Split:
    """The mean of the package's shape model turned by degrees of yaw, 100 px large, each in a picture."""
    samples = []
    for i, yaw in enumerate(yaws):
        turned = sparse_model().mean @ rotation_matrix([yaw, 5.0, -10.0]).T
        points = 60 + 40 * turned[:, :2] * (1, -1)
        picture = np.zeros((120, 120, 3), np.uint8)
        samples.append(replace(labelled(Path(), points, id=str(i), group="g"), image=picture))
    return Split("test", SCHEMES["ibug68_3d"], samples)


def predicted(split: Split, *errors: float) -> Predictions:
    """Points that lie `errors` px to the right of the labels."""
    points = np.stack(
        [sample.points + np.array([error, 0]) for sample, error in zip(split, errors, strict=True)]
    )
    n = len(points)
    return Predictions(
        ids=tuple(sample.id for sample in split),
        provenance={"scheme": split.scheme.name},
        points=points.astype(np.float32),
        scores=np.ones((n, 68), np.float32),
        boxes=np.zeros((n, 4), np.float32),
        crop_side=np.full(n, 100.0, np.float32),
    )


def test_yaw_bins_of_labels_without_a_yaw() -> None:
    """A face a bin, by the fitted yaw, whichever side it turns to; the mean over faces and over bins."""
    split = heads(-10, 45, -70, 20)
    predictions = predicted(split, 1, 2, 6, 3)
    assert not [name for name in score(predictions, split)["metrics"] if "yaw" in name]
    report = score(predictions, split, Measure(split.scheme, "crop_side", yaw_bins=True))
    metrics = report["metrics"]
    assert report["yaw"] == {"stated": 0, "fitted": 4, "unknown": 0}
    bins = {"yaw_0_30": (2, 2.0), "yaw_30_60": (1, 2.0), "yaw_60": (1, 6.0)}
    for name, (faces, error) in bins.items():
        assert metrics[f"{name}/faces"] == faces
        assert metrics[f"{name}/nme/crop_side"] == pytest.approx(error, rel=1e-5)
    assert metrics["nme/crop_side"] == pytest.approx(3)
    assert metrics["mean_of_yaw_bins/nme/crop_side"] == pytest.approx(10 / 3)
    text = render(report)
    assert "fitted to the labelled points with the package's shape model: 4 faces" in text
    assert "NME, % (mean over faces)" in text and "NME, % (mean of the yaw bins)" in text


def test_a_stated_yaw_is_kept_and_an_unknown_one_is_in_no_bin() -> None:
    split = heads(0, 0, 0)
    stated = replace(split[0], tags={"yaw_abs": 80.0})
    blank = replace(split[2], points=np.full((68, 2), np.nan, np.float32))
    split = Split("test", split.scheme, [stated, split[1], blank])
    report = score(predicted(split, 1, 1, 1), split, Measure(split.scheme, yaw_bins=True))
    assert report["yaw"] == {"stated": 1, "fitted": 1, "unknown": 1}
    assert report["metrics"]["yaw_60/faces"] == report["metrics"]["yaw_0_30/faces"] == 1
    assert "stated by the labels: 1 faces, fitted" in render(report) and "in no bin: 1 faces" in render(
        report
    )


def test_yaw_bins_need_points_that_the_shape_model_knows() -> None:
    with pytest.raises(ValueError, match=r"no yaw can be fitted to points of scheme five.*--yaw-bins"):
        Measure(FIVE, yaw_bins=True)


def test_a_single_labelled_point_spans_no_box(two: Split) -> None:
    lonely = np.full((5, 2), np.nan, np.float32)
    lonely[2] = (10, 10)
    split = Split("test", FIVE, [*two, replace(two[0], points=lonely, id="lonely")])
    report = score(predict_split(ShapeModel(), split, LabelBoxes()), split)
    assert (report["faces"], report["metrics"]["left_out/inter_pupil"]) == (4, 1)
    assert report["metrics"]["nme/inter_pupil"] == pytest.approx((10 + 5 + 10) / 3, abs=1e-4)


def test_boxes_of_the_dataset_keep_their_kind(two: Split) -> None:
    samples = [
        replace(s, box=convert_boxes(s.box, "landmarks", "face").astype(np.float32), box_kind="face")
        for s in two
    ]
    other = Split("test", FIVE, samples)
    report = score(predict_split(ShapeModel(), other, LabelBoxes("dataset")), other)
    assert report["metrics"]["nme/inter_pupil"] == pytest.approx(25 / 3, abs=1e-4)
    assert report["boxes"] == "dataset" and report["box_kind"] == "face"


def detections(boxes: list[list[float]]) -> Any:
    found = convert_boxes(np.reshape(boxes, (-1, 4)), "landmarks", "face")
    return lambda image: Detections(found.astype(np.float32), np.ones(len(found), np.float32))


def test_detected_faces_are_matched_and_missed_ones_are_failures(two: Split) -> None:
    """The first face is found exactly (beside a false one), the second by a box that overlaps too little."""
    source = detector_boxes(detections([[30, 30, 49, 49], [5, 5, 15, 15], [6, 5, 16, 15], [36, 20, 56, 30]]))
    report = score(predict_split(ShapeModel(), two, source), two)
    metrics = report["metrics"]
    assert report["missed"] == 1 and report["boxes"] == "detector"
    assert metrics["nme/inter_pupil"] == pytest.approx(10, abs=1e-4)  # of the faces found
    assert metrics["failure_rate/inter_pupil@0.08"] == 100
    assert metrics["auc/inter_pupil@0.10"] == pytest.approx(0, abs=5e-4)
    assert metrics["yaw_30_60/missed"] == 1 and metrics["yaw_30_60/nme/inter_pupil"] is None


def test_a_detector_that_finds_nothing(two: Split) -> None:
    model = ShapeModel()
    report = score(predict_split(model, two, detector_boxes(detections([]))), two)
    assert model.calls == [] and report["missed"] == 3
    assert report["metrics"]["failure_rate/inter_pupil@0.08"] == 100
    assert report["metrics"]["nme/inter_pupil"] is None


def test_boxes_of_a_file_know_their_picture(two: Split) -> None:
    asked: list[Path | None] = []

    def find(image: NDArray[np.uint8], path: Path | None) -> NDArray[np.float64]:
        asked.append(path)
        return np.array([[5.0, 5, 15, 15]])

    predictions = predict_split(ShapeModel(), two, FoundBoxes("file x", find, "landmarks"))
    assert asked == [Path("one.png"), None]
    assert np.isnan(predictions.points[1]).all() and not np.isnan(predictions.points[[0, 2]]).any()


def test_kept_predictions_score_the_same(two: Split, tmp_path: Path) -> None:
    predictions = predict_split(ShapeModel(presence=0.5), two, LabelBoxes())
    predictions.save(tmp_path / "p.npz")
    again = Predictions.load(tmp_path / "p.npz")
    assert score(again, two) == score(predictions, two)
    assert again.presence is not None and again.visibility is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "p.npz"]


def test_other_files_are_no_predictions(tmp_path: Path) -> None:
    path = tmp_path / "p.npz"
    with pytest.raises(FileNotFoundError, match=r"p\.npz: no such predictions file"):
        Predictions.load(path)
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(ValueError, match=r"p\.npz: not a predictions file"):
        Predictions.load(path)
    np.savez(path, ids=np.array(["a"]))
    with pytest.raises(ValueError, match=r"it lacks points, scores, boxes, crop_side, provenance"):
        Predictions.load(path)


def test_predictions_of_another_split_are_refused(two: Split) -> None:
    predictions = predict_split(ShapeModel(), two, LabelBoxes())
    with pytest.raises(ValueError, match=r"lack 1 of the 3 faces of made_up test \(1\)"):
        compare(replace(predictions, ids=("0", "x", "2")), two)


def test_rows_are_matched_by_id(two: Split) -> None:
    predictions = predict_split(ShapeModel(), two, LabelBoxes())
    order = [2, 0, 1]
    shuffled = replace(
        predictions,
        ids=tuple(predictions.ids[i] for i in order),
        points=predictions.points[order],
        crop_side=predictions.crop_side[order],
    )
    assert score(shuffled, two)["metrics"] == pytest.approx(score(predictions, two)["metrics"], nan_ok=True)


def test_labels_of_another_scheme_are_met_by_conversion() -> None:
    points = np.random.default_rng(0).uniform(0, 90, (1, 68, 2)).astype(np.float32)
    labels = SCHEMES["ibug68"].convert(points, FIVE)
    split = Split("test", FIVE, [labelled(Path("x"), labels[0], id="a", group="g")])
    predictions = Predictions(
        ids=("a",),
        points=points,
        scores=np.ones((1, 68), np.float32),
        boxes=np.zeros((1, 4), np.float32),
        crop_side=np.ones(1, np.float32),
        provenance={"scheme": "ibug68"},
    )
    assert score(predictions, split)["metrics"]["nme/inter_pupil"] == pytest.approx(0, abs=1e-4)


def test_presence_against_backgrounds(two: Split) -> None:
    class Empty(ShapeModel):
        def __call__(self, image: NDArray[np.uint8], boxes: NDArray[np.float32], box_kind: BoxKind) -> Faces:
            faces = super().__call__(image, boxes, box_kind)
            level = 0.9 if image.shape[0] == 50 else 0.1
            return replace(faces, presence=np.full(len(boxes), level, np.float32))

    backgrounds = Split("test", FIVE, [sample((40, 60), i) for i in range(3)])
    predictions = with_backgrounds(predict_split(Empty(), two, LabelBoxes()), Empty(), backgrounds)
    assert predictions.background_presence is not None and len(predictions.background_presence) == 12
    assert score(predictions, two)["metrics"]["presence_auc"] == 1.0
    with pytest.raises(ValueError, match="no output `presence`"):
        with_backgrounds(predictions, ShapeModel(), backgrounds)


def sample(size: tuple[int, int], number: int) -> Sample:
    none = np.full((5, 2), np.nan, np.float32)
    box = np.array([0, 0, 9, 9], np.float32)
    return Sample(
        np.zeros((*size, 3), np.uint8), none, none[:, 0], box, "face", str(number), str(number), presence=0.0
    )


def test_background_crops_are_squares_inside_and_the_same_again() -> None:
    backgrounds = Split("test", FIVE, [sample((40, 60), i) for i in range(5)])
    boxes = np.concatenate([boxes for _, boxes in background_crops(backgrounds)])
    again = np.concatenate([boxes for _, boxes in background_crops(backgrounds)])
    np.testing.assert_array_equal(boxes, again)
    sides = boxes[:, 2:] - boxes[:, :2]
    np.testing.assert_allclose(sides[:, 0], sides[:, 1])
    assert sides.min() >= 12 and (boxes[:, :2] >= -0.5).all()
    assert (boxes[:, 2] <= 59.5).all() and (boxes[:, 3] <= 39.5).all()
    other = np.concatenate([boxes for _, boxes in background_crops(backgrounds, seed=1)])
    assert not np.allclose(boxes, other)


def test_subsets_by_tag_and_yaw() -> None:
    tags: list[dict[str, float]] = [
        {"subset/all": 1, "subset/dark": 1, "yaw_abs": 29.99},
        {"subset/all": 1, "yaw_abs": 60},
        {"subset/all": 1},
    ]
    found = subsets([labelled(Path(), SHAPE, id="i", group="g", tags=tag) for tag in tags])
    assert {name: rows.tolist() for name, rows in found.items()} == {
        "subset/dark": [True, False, False],
        "yaw_0_30": [True, False, False],
        "yaw_60": [False, True, False],
    }
