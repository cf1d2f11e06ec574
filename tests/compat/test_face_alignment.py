"""The call that users of face-alignment know, and what it gives back."""

from __future__ import annotations

import inspect
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from canthus import Predictor
from canthus.compat import face_alignment
from canthus.compat.face_alignment import FaceAlignment, LandmarksType, provider_of
from canthus.images import read_image

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
PHOTO = next(path for path in sorted(SAMPLES.glob("*.jpg")) if len(Predictor()(path)) > 0)


@pytest.fixture(scope="module")
def aligner() -> FaceAlignment:
    return FaceAlignment(LandmarksType.TWO_D, device="cpu")


def test_landmarks_are_those_of_the_predictor(aligner: FaceAlignment) -> None:
    faces = Predictor()(PHOTO)
    landmarks = aligner.get_landmarks(str(PHOTO))
    assert isinstance(landmarks, list) and len(landmarks) == len(faces)
    assert all(points.shape == (68, 2) and points.dtype == np.float32 for points in landmarks)
    np.testing.assert_array_equal(np.stack(landmarks), faces.points)
    pixels = read_image(PHOTO)
    for picture in (pixels, torch.from_numpy(pixels), pixels.astype(np.float64)):
        np.testing.assert_array_equal(aligner.get_landmarks_from_image(picture)[0], landmarks[0])


def test_scores_boxes_and_given_boxes(aligner: FaceAlignment) -> None:
    faces = Predictor()(PHOTO)
    landmarks, scores, boxes = aligner.get_landmarks(PHOTO, return_bboxes=True, return_landmark_score=True)
    assert scores[0].shape == (68,) and boxes[0].shape == (5,)
    np.testing.assert_array_equal(np.stack(boxes)[:, :4], faces.boxes)
    assert 0 < boxes[0][4] <= 1
    landmarks, scores, boxes = aligner.get_landmarks(PHOTO, return_landmark_score=True)
    assert boxes is None and len(scores) == len(landmarks)
    given = aligner.get_landmarks(PHOTO, detected_faces=[[*faces.boxes[0].tolist(), 0.99]])
    assert len(given) == 1
    np.testing.assert_allclose(given[0], faces.points[0], atol=1e-3)
    own = aligner.get_landmarks(PHOTO, detected_faces=[faces.boxes[0]], return_bboxes=True)[2]
    np.testing.assert_array_equal(np.stack(own), faces.boxes[:1])


def test_no_face(aligner: FaceAlignment) -> None:
    blank = np.zeros((64, 64, 3), np.uint8)
    with pytest.warns(UserWarning, match="No faces were detected"):
        assert aligner.get_landmarks(blank) is None
    with pytest.warns(UserWarning, match="No faces were detected"):
        assert aligner.get_landmarks(blank, return_bboxes=True) == (None, None, None)
    with pytest.warns(UserWarning, match="No faces were detected"):
        assert aligner.get_landmarks(PHOTO, detected_faces=[]) is None
    for options, answer in (({}, None), ({"return_landmark_score": True}, (None, None, None))):
        with pytest.warns(UserWarning, match="No faces were detected"):
            assert aligner.get_landmarks_from_batch(torch.zeros(0, 3, 9, 9), **options) == answer


def test_batches_and_folders(aligner: FaceAlignment, tmp_path: Path) -> None:
    pixels = read_image(PHOTO)
    alone = aligner.get_landmarks(pixels)
    batch = torch.from_numpy(np.stack([pixels, np.zeros_like(pixels)])).permute(0, 3, 1, 2)
    first, second = aligner.get_landmarks_from_batch(batch)
    np.testing.assert_array_equal(first, np.concatenate(alone))
    assert second == []
    landmarks, scores, boxes = aligner.get_landmarks_from_batch(batch, return_bboxes=True)
    assert len(landmarks) == len(boxes) == 2 and scores is None
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.JPG").write_bytes(PHOTO.read_bytes())
    (tmp_path / "b.txt").write_text("no picture")
    found = aligner.get_landmarks_from_directory(tmp_path)
    assert list(found) == [str(tmp_path / "deep" / "a.JPG")]
    np.testing.assert_array_equal(next(iter(found.values()))[0], alone[0])
    assert aligner.get_landmarks_from_directory(tmp_path, recursive=False) == {}


def test_the_signature_is_the_known_one() -> None:
    names = list(inspect.signature(FaceAlignment).parameters)
    assert names[:6] == ["landmarks_type", "network_size", "device", "dtype", "flip_input", "face_detector"]
    assert names[6:10] == ["face_detector_kwargs", "verbose", "compile", "max_batch_size"]
    known = ["image_or_path", "detected_faces", "return_bboxes", "return_landmark_score"]
    assert list(inspect.signature(FaceAlignment.get_landmarks).parameters)[1:] == known
    assert list(face_alignment.LandmarksType) == [1, 2, 3] and face_alignment.NetworkSize.LARGE == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"landmarks_type": LandmarksType.THREE_D}, "found THREE_D, .* name a model that gives 3D ones"),
        ({"landmarks_type": LandmarksType.TWO_HALF_D, "model": "face68"}, "TWO_HALF_D expects ibug68_3d"),
        ({"landmarks_type": LandmarksType.THREE_D, "model": "face68"}, "THREE_D expects points3d"),
        ({"device": "tpu"}, "device: found 'tpu', expected one of cpu, cuda, mps"),
        ({"dtype": "torch.bfloat16"}, "dtype: found torch.bfloat16, expected float32"),
        ({"face_detector": "haar"}, "face_detector: found 'haar', expected one of sfd, "),
        ({"flip_input": True}, "its passes are fixed"),
    ],
)
def test_what_cannot_be_had_is_told_in_one_line(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        FaceAlignment(**{"landmarks_type": LandmarksType.TWO_D, "device": "cpu", **options})
    assert "\n" not in str(caught.value)


def test_devices_are_providers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider_of("cpu") == "CPUExecutionProvider"
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(ValueError, match="'cuda:0' needs CUDAExecutionProvider, this ONNX Runtime has CPU"):
        provider_of("cuda:0")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    assert provider_of("cuda:0") == "CUDAExecutionProvider"
