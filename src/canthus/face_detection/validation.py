"""The validation slice of the training photos, and the network's figures on it during training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from canthus.detectors import Detections
from canthus.detectors.detector import WORKING_SIZE, fit, select
from canthus.face_detection.network import DeployedDetector, FaceDetector
from canthus.face_detection.pasting import paste_faces
from canthus.face_detection.scenes import Image
from canthus.face_detection.scoring import Picture, face_scores, operating_threshold
from canthus.face_detection.sources import HELD_OUT, negative_scenes, photo_scenes
from canthus.geometry import FloatArray

#: False positives allowed on the test negatives; the validation negatives are fewer and allow fewer.
ALLOWED = 5
#: Negatives in all; every 5th of them is a test picture.
NEGATIVES = 1155


@dataclass(frozen=True)
class ValidationSet:
    """`photos` and `pasted`: pictures and the true boxes (N, 4) in them; `negatives`: pictures without
    faces.
    """

    photos: list[tuple[Image, FloatArray]]
    pasted: list[tuple[Image, FloatArray]]
    negatives: list[Image]

    @property
    def allowed(self) -> int:
        """False positives that correspond to `ALLOWED` on the test negatives (a fifth of all negatives)."""
        return max(1, round(ALLOWED * len(self.negatives) / (NEGATIVES / HELD_OUT)))


def validation_set(root: Path) -> ValidationSet:
    """Photos, negatives and pasted faces kept from training."""
    scenes = photo_scenes(root, "validation")
    negatives = [scene.levels[0] for scene in negative_scenes(root, "validation")]
    photos = [(s.levels[0], s.labels.boxes[~s.labels.ignore]) for s in scenes]
    pasted = [(image, labels.boxes) for image, labels in paste_faces(negatives, scenes, seed=1)]
    return ValidationSet(photos, pasted, negatives)


class TorchDetector:
    """A network in memory as a `Detector`, for figures during training; boxes of the `face` kind in
    image px.
    """

    def __init__(self, network: FaceDetector, *, score_threshold: float, nms_iou: float) -> None:
        self.network = DeployedDetector(network).eval()
        self.score_threshold, self.nms_iou = score_threshold, nms_iou

    def __call__(self, image: Image) -> Detections:
        fitted = fit(image, WORKING_SIZE)
        with torch.no_grad():
            boxes, scores, five = (
                part.numpy() for part in self.network(torch.from_numpy(fitted.image[None].copy()))
            )
        found = select(boxes, scores, five, self.score_threshold, self.nms_iou)
        points = None if found.five_points is None else fitted.back(found.five_points)
        return Detections(fitted.back(found.boxes.reshape(-1, 2, 2)).reshape(-1, 4), found.scores, points)


def validate(network: FaceDetector, material: ValidationSet) -> dict[str, float]:
    """Recall in per cent on photos and pasted faces at the threshold that the negatives set."""
    detector = TorchDetector(network, score_threshold=0.02, nms_iou=0.45)
    threshold = operating_threshold([detector(image) for image in material.negatives], material.allowed)
    figures = {"threshold": threshold}
    for name, pictures in (("photos", material.photos), ("pasted", material.pasted)):
        figures[name] = _recall(detector, pictures, threshold)
    return figures


def _recall(detector: TorchDetector, pictures: Sequence[tuple[Image, FloatArray]], threshold: float) -> float:
    scores = [
        face_scores(Picture(detector(image), truth, image.shape[1], image.shape[0]))
        for image, truth in pictures
    ]
    return float((np.concatenate(scores) > threshold).mean() * 100)
