"""Pictures to faces: the front door of the package."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus import detectors
from canthus.detectors import Detections, Detector
from canthus.faces import Faces
from canthus.geometry import BoxKind
from canthus.images import Picture, read_image
from canthus.runtime.head_pose import pose_of
from canthus.runtime.landmarker import OnnxLandmarker
from canthus.runtime.models import model_file
from canthus.runtime.read_ahead import read_ahead
from canthus.runtime.tracker import Tracker
from canthus.schemes import Scheme

if TYPE_CHECKING:
    from canthus.runtime.video import Frame, FrameSource


class Predictor:
    """Finds the faces of a picture and their landmarks; needs no torch.

    `model`: a bundled name (default `face68`), an .onnx file, a zoo row or a .safetensors file.
    `detector`: a name (default `builtin`), an .onnx file, or any object that keeps the `Detector` protocol;
    it is loaded when it is first needed. `detector_size`: longest side in px at which faces are searched.
    `provider`: ONNX Runtime's name of where the landmark model runs.
    Raises ValueError or FileNotFoundError for names and files that are none.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        detector: str | Path | Detector | None = None,
        *,
        detector_size: int = detectors.WORKING_SIZE,
        threads: int | None = None,
        provider: str = "CPUExecutionProvider",
    ) -> None:
        self.landmarker = OnnxLandmarker(model_file(model), threads=threads, provider=provider)
        self._detector = detector
        self._detector_size = detector_size
        self._threads = threads

    @property
    def scheme(self) -> Scheme:
        """The meaning of the points."""
        return self.landmarker.scheme

    @property
    def card(self) -> dict[str, Any]:
        """The model card: training data, licence, sha256, and as `text` the page with figures and limits."""
        return self.landmarker.card

    @property
    def detector(self) -> Detector:
        """The face detector."""
        if self._detector is None or isinstance(self._detector, (str, Path)):
            name = self._detector or "builtin"
            self._detector = detectors.load(name, working_size=self._detector_size, threads=self._threads)
        return self._detector

    def __call__(self, image: Picture, boxes: ArrayLike | None = None, box_kind: BoxKind = "face") -> Faces:
        """The faces of one picture; with `boxes` (N, 4) xyxy of `box_kind` the detector is not asked.

        Every detected face is returned, however low its `presence`. Raises `ImageError` for a picture that
        cannot be read.
        """
        pixels = read_image(image)
        if boxes is not None:
            return self.landmarker(pixels, boxes, box_kind)
        return self.align(pixels, self.detector(pixels))

    def align(self, pixels: NDArray[np.uint8], found: Detections) -> Faces:
        """The faces of an RGB picture (H, W, 3) that were detected in it."""
        rule = self.landmarker.crop_rule
        if rule.box_kind == "head" and found.five_points is not None and len(found):
            faces = self.landmarker(pixels, rule.head_boxes(found.five_points), "head")
            return replace(faces, boxes=found.boxes, pose=pose_of)
        return self.landmarker(pixels, found.boxes, "face")

    def stream(self, images: Iterable[Picture]) -> Iterator[Faces]:
        """The faces of each picture in turn, while the next ones are read in threads.

        Raises `ImageError` when the turn of a picture comes that cannot be read.
        """
        for _, reading in read_ahead(images, read_image):
            yield self(reading.result())

    def tracker(
        self,
        *,
        smooth: str = "medium",
        detect_every: float = 1.0,
        min_presence: float = 0.5,
        max_faces: int = 32,
    ) -> Tracker:
        """A new `Tracker` for one stream: `faces = tracker(image, timestamp)`; see there for the options."""
        return Tracker(
            self.landmarker,
            self.detector,
            smooth=smooth,
            detect_every=detect_every,
            min_presence=min_presence,
            max_faces=max_faces,
        )

    def video(
        self,
        clip: str | Path | FrameSource,
        *,
        smooth: str = "medium",
        look_ahead: bool = False,
        start: float = 0.0,
        end: float | None = None,
        stride: int = 1,
    ) -> Generator[tuple[Frame, Faces], None, None]:
        """Each frame of a clip with its faces, followed by `track_ids`, while the next frames are decoded.

        `smooth`: `off`, `low`, `medium`, `high`; with `look_ahead` over later frames too. `start` and `end`
        in seconds; every `stride`-th frame. Raises `VideoError`, a ValueError, for a file that is no clip,
        and after the last frame of one that ends early.
        """
        from canthus.runtime.following import follow  # brings FFmpeg, which pictures do not need
        from canthus.runtime.video import Span, VideoFile

        if look_ahead and smooth == "off":
            raise ValueError("look_ahead is about smoothing: found smooth off, expected low, medium or high")
        source = VideoFile(clip) if isinstance(clip, (str, Path)) else clip
        span = Span(start, end, stride)
        if not look_ahead:
            return follow(source, span, self.tracker(smooth=smooth))
        raw = self.tracker(smooth="off")
        return follow(source, span, raw, look_ahead=smooth)
