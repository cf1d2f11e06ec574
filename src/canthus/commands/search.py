"""What to look for in pictures and clips, and the predictor that does it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

import numpy as np
from numpy.typing import NDArray

from canthus.detectors import WORKING_SIZE, BoxFile
from canthus.faces import Faces
from canthus.geometry import BoxKind
from canthus.runtime.models import DEFAULT_MODEL
from canthus.runtime.predictor import Predictor

if TYPE_CHECKING:
    from canthus.runtime.video import Span


@dataclass(frozen=True)
class Search:
    """What to look for, and how; of `detector`, `boxes` and `whole_image` at most one."""

    model: str | None = None
    detector: str | None = None
    detector_size: int = WORKING_SIZE
    boxes: Path | None = None
    box_kind: str = "face"
    whole_image: bool = False
    min_presence: float = 0.0
    threads: int | None = None


@dataclass(frozen=True)
class Watch:
    """How clips and cameras are followed: level of smoothing, over later frames too, and which frames,
    `start` and `end` in seconds.
    """

    smooth: str = "medium"
    look_ahead: bool = False
    start: float = 0.0
    end: float | None = None
    stride: int = 1

    @property
    def span(self) -> Span:
        """The frames. Raises ValueError where there cannot be any."""
        from canthus.runtime.video import Span  # brings FFmpeg, which pictures do not need

        return Span(self.start, self.end, self.stride)


class Finder:
    """Pixels to faces, with the boxes that the options ask for."""

    def __init__(self, search: Search) -> None:
        sources = {
            "--detector": search.detector,
            "--boxes": search.boxes,
            "--whole-image": search.whole_image,
        }
        chosen = [name for name, value in sources.items() if value]
        if len(chosen) > 1:
            raise ValueError(f"{' and '.join(chosen)} exclude each other: choose one")
        detector = "whole_image" if search.whole_image else search.detector
        self.predictor = Predictor(
            search.model, detector, detector_size=search.detector_size, threads=search.threads
        )
        self.model = Path(search.model).name if search.model else DEFAULT_MODEL
        self._boxes = BoxFile(search.boxes) if search.boxes else None
        self._box_kind = _box_kind(search.box_kind)
        self._min_presence = search.min_presence
        if self._boxes is None:
            _ = self.predictor.detector  # an unknown one is bad usage, to be told before the work begins
        if self._min_presence > 0 and "presence" not in self.predictor.landmarker.session.outputs:
            raise ValueError(f"--min-presence: model {self.model} has no presence output")

    def __call__(self, path: Path, pixels: NDArray[np.uint8]) -> Faces:
        boxes = None
        if self._boxes is not None:
            boxes = self._boxes(path)
            if boxes is None:
                raise ValueError(f"{path}: not listed in {self._boxes.path}")
        return self.likely(self.predictor(pixels, boxes, self._box_kind))

    def likely(self, faces: Faces) -> Faces:
        """Those that the options want by their presence."""
        return faces if faces.presence is None else faces[faces.presence >= self._min_presence]


def _box_kind(name: str) -> BoxKind:
    if name in get_args(BoxKind):
        return cast(BoxKind, name)
    raise ValueError(f"--box-kind: found {name!r}, expected {' or '.join(get_args(BoxKind))}")
