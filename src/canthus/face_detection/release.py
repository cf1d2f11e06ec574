"""From a checkpoint to the file that is shipped: choose the default threshold, then export."""

from __future__ import annotations

from pathlib import Path

from canthus.face_detection.checkpoint import load_checkpoint
from canthus.face_detection.evaluation import LOWEST
from canthus.face_detection.export import export_detector
from canthus.face_detection.network import FaceDetector
from canthus.face_detection.scoring import operating_threshold
from canthus.face_detection.sources import negative_paths
from canthus.face_detection.validation import TorchDetector
from canthus.images import read_image

#: Overlap above which the weaker of two boxes is dropped.
NMS_IOU = 0.45
#: False positives on the 93 validation negatives at the default threshold.
FALSE_POSITIVES = 1


def release(checkpoint: Path, root: Path, path: Path) -> Path:
    """Export `checkpoint` to `path` with the threshold that the validation negatives give."""
    network, _ = load_checkpoint(checkpoint)
    export_detector(network, path, score_threshold=default_threshold(network, root), nms_iou=NMS_IOU)
    return path


def default_threshold(network: FaceDetector, root: Path) -> float:
    """The threshold that leaves `FALSE_POSITIVES` on the validation negatives.

    Those it was trained on would give one that is too low.
    """
    detector = TorchDetector(network, score_threshold=LOWEST, nms_iou=NMS_IOU)
    found = [detector(read_image(path)) for path in negative_paths(root, "validation")]
    return operating_threshold(found, FALSE_POSITIVES)
