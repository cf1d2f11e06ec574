"""Face detectors. Adding one: a file with a class and a row here."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from canthus.detectors.boxes import BoxFile
from canthus.detectors.builtin import BuiltinDetector
from canthus.detectors.detector import WORKING_SIZE, Detections, Detector
from canthus.detectors.whole_image import WholeImage
from canthus.detectors.yunet import YuNetDetector
from canthus.session import Session

DETECTORS: dict[str, type[Detector]] = {
    "builtin": BuiltinDetector,
    "yunet": YuNetDetector,
    "whole_image": WholeImage,
}

__all__ = [
    "DETECTORS",
    "WORKING_SIZE",
    "BoxFile",
    "BuiltinDetector",
    "Detections",
    "Detector",
    "WholeImage",
    "YuNetDetector",
    "load",
]


def load(
    name: str | Path = "builtin", *, working_size: int = WORKING_SIZE, threads: int | None = None
) -> Detector:
    """The detector of this name, or the one an .onnx file holds (its outputs tell the kind).

    Raises ValueError for a name that is none, FileNotFoundError for a missing file.
    """
    if name == "builtin":
        return BuiltinDetector(working_size=working_size, threads=threads)
    if name == "whole_image":
        return WholeImage()
    if Path(name).suffix.lower() != ".onnx":
        hint = "; YuNet needs its file: give the path of the .onnx" if name == "yunet" else ""
        close = get_close_matches(str(name), ["builtin", "whole_image"], n=1, cutoff=0.4)
        nearest = f"; did you mean {close[0]}?" if close and not hint else ""
        raise ValueError(
            f"no detector {str(name)!r}: expected builtin, whole_image or an .onnx file{hint}{nearest}"
        )
    kind = YuNetDetector if "cls_8" in Session(name).outputs else BuiltinDetector
    return kind(name, working_size=working_size, threads=threads)
