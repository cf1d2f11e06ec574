"""The bundled detector, and every ONNX file that keeps its contract."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.detectors.detector import WORKING_SIZE, Detections, fit, select
from canthus.session import Session


def bundled_detector() -> Path:
    """The detector file that comes with the package."""
    return Path(str(files("canthus").joinpath("assets", "face_detector.onnx")))


class BuiltinDetector:
    """An ONNX graph with its decoding inside: `image` uint8 (1, H, W, 3) RGB, H and W multiples of 32,
    becomes `boxes` (N, 4) xyxy px of the `face` kind, `scores` (N,) and `five_points` (N, 5, 2), one of
    each an anchor.

    `score_threshold` and `nms_iou` default to the file's metadata. Raises ValueError for a file of another
    kind.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        working_size: int = WORKING_SIZE,
        score_threshold: float | None = None,
        nms_iou: float | None = None,
        threads: int | None = None,
    ) -> None:
        self._session = Session(path if path is not None else bundled_detector(), threads=threads)
        outputs = {"boxes", "scores", "five_points"}
        if self._session.inputs != ("image",) or not outputs <= set(self._session.outputs):
            raise ValueError(
                f"{self._session.name}: not a face detector of this kind: found "
                f"{', '.join(self._session.inputs)} -> {', '.join(self._session.outputs)}, "
                "expected image -> boxes, scores, five_points"
            )
        self.card = dict(self._session.metadata)
        self.working_size = working_size
        self.score_threshold = self._setting("score_threshold", score_threshold, 0.5)
        self.nms_iou = self._setting("nms_iou", nms_iou, 0.45)

    def __call__(self, image: NDArray[np.uint8]) -> Detections:
        fitted = fit(image, self.working_size)
        out = self._session.run(image=fitted.image[None])
        found = select(out["boxes"], out["scores"], out["five_points"], self.score_threshold, self.nms_iou)
        boxes = fitted.back(found.boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        points = None if found.five_points is None else fitted.back(found.five_points)
        return replace(found, boxes=boxes, five_points=points)

    def _setting(self, name: str, given: float | None, default: float) -> float:
        return given if given is not None else float(self.card.get(name, default))
