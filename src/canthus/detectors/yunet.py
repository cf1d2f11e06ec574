"""YuNet (Wu, Peng, Yu 2023, A Tiny Millisecond-level Face Detector) from the user's own ONNX file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.detectors.detector import WORKING_SIZE, Detections, fit, select
from canthus.geometry import FloatArray
from canthus.session import Session

STRIDES = (8, 16, 32)
#: What to add to YuNet's edges, in shares of its box's width and height, to get `face` boxes: the medians
#: over the 300-W training photos of AFW and HELEN (`benchmarks/yunet_boxes.py`), left and right made equal.
TO_FACE = (-0.015, 0.056, 0.015, 0.0)


class YuNetDetector:
    """A file of libfacedetection.train or the OpenCV zoo: float BGR (1, 3, H, W) in 0..255, twelve raw maps.

    Its boxes are moved to the `face` kind. A file with a fixed input size searches at that size.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        working_size: int = WORKING_SIZE,
        score_threshold: float = 0.5,
        nms_iou: float = 0.45,
        threads: int | None = None,
    ) -> None:
        self._session = Session(path, threads=threads)
        missing = {f"{kind}_{stride}" for kind in ("cls", "obj", "bbox", "kps") for stride in STRIDES}
        missing -= set(self._session.outputs)
        if missing or len(self._session.inputs) != 1:
            raise ValueError(f"{path}: not a YuNet file: no outputs {', '.join(sorted(missing))}")
        self._input = self._session.inputs[0]
        height, width = self._session.input_shape(self._input)[2:]
        self._fixed = (height, width) if isinstance(height, int) and isinstance(width, int) else None
        self.card = dict(self._session.metadata)
        self.working_size = working_size if self._fixed is None else min(self._fixed)
        self.score_threshold = score_threshold
        self.nms_iou = nms_iou

    def __call__(self, image: NDArray[np.uint8]) -> Detections:
        fitted = fit(image, self.working_size)
        pixels = fitted.image
        if self._fixed is not None:
            rest = [(0, wanted - found) for wanted, found in zip(self._fixed, pixels.shape[:2], strict=True)]
            pixels = np.pad(pixels, (*rest, (0, 0)))
        blob = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR).transpose(2, 0, 1)[None].astype(np.float32)
        boxes, scores, points = decode(self._session.run(**{self._input: blob}), pixels.shape[:2])
        found = select(boxes, scores, points, self.score_threshold, self.nms_iou)
        assert found.five_points is not None
        in_image = fitted.back(found.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        return Detections(to_face_boxes(in_image), found.scores, fitted.back(found.five_points))


def decode(
    outputs: dict[str, NDArray[np.float32]], size: tuple[int, ...]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Boxes (N, 4) xyxy, scores (N,) and five points (N, 5, 2) of all anchors for a picture (H, W)."""
    boxes, scores, points = [], [], []
    for stride in STRIDES:
        rows, columns = (side // stride for side in size)
        y, x = np.mgrid[:rows, :columns].reshape(2, -1)
        anchors = np.stack([x, y], axis=-1)  # (A, 2) in cells
        box = outputs[f"bbox_{stride}"][0]  # (A, 4): centre offset in cells, log of the size in cells
        center, half = anchors + box[:, :2], np.exp(box[:, 2:]) / 2
        boxes.append(np.concatenate([center - half, center + half], axis=-1) * stride)
        points.append((outputs[f"kps_{stride}"][0].reshape(-1, 5, 2) + anchors[:, None]) * stride)
        pair = [np.clip(outputs[f"{kind}_{stride}"].reshape(-1), 0, 1) for kind in ("cls", "obj")]
        scores.append(np.sqrt(pair[0] * pair[1]))
    return np.concatenate(boxes), np.concatenate(scores), np.concatenate(points)


def to_face_boxes(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """YuNet's own boxes (N, 4) as boxes of the `face` kind."""
    width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    return boxes + np.asarray(TO_FACE, dtype=np.float32) * np.stack([width, height, width, height], axis=1)
