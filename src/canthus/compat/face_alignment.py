"""The call of the package face-alignment (Bulat and Tzimiropoulos), answered by `Predictor`.

from canthus.compat import face_alignment
fa = face_alignment.FaceAlignment(face_alignment.LandmarksType.TWO_D, device="cpu")
landmarks = fa.get_landmarks("photo.jpg")  # a list of arrays (68, 2), or None
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from canthus.faces import Faces
from canthus.images import read_image
from canthus.runtime.models import model_file
from canthus.runtime.predictor import Predictor

#: Detectors of the original; faces are found by the built-in one whichever of them is named.
DETECTORS = ("sfd", "blazeface", "yunet", "retinaface", "scrfd", "dlib")
#: Device -> provider of ONNX Runtime.
PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "mps": "CoreMLExecutionProvider",
}
FloatArray = NDArray[np.float32]
#: Landmarks, and beside them scores and boxes where they were asked for.
Answer = tuple[list[FloatArray] | None, list[FloatArray] | None, list[FloatArray] | None]


class LandmarksType(IntEnum):
    """Which points are wanted; the 3D ones need a `model` that gives depth."""

    TWO_D = 1
    TWO_HALF_D = 2
    THREE_D = 3


class NetworkSize(IntEnum):
    """Kept for the signature: the size is the model's."""

    LARGE = 4


class FaceAlignment:
    """Landmarks of all faces in pictures, as arrays in px with (0, 0) the centre of the first pixel.

    `device`: cpu, cuda (cuda:0) or mps, if ONNX Runtime has its provider; detection stays on the CPU.
    `flip_input` averages with the mirrored picture, for a `model` that is a .safetensors file or a zoo row.
    `face_detector` is one of the original's names and always means the built-in detector; `network_size`,
    `dtype`, `face_detector_kwargs`, `verbose`, `compile` and `max_batch_size` are accepted and change
    nothing, but `dtype` must be float32. `model`, which the original does not have: as in `Predictor`,
    of 68 points. ValueError for what cannot be had.
    """

    def __init__(
        self,
        landmarks_type: LandmarksType,
        network_size: NetworkSize = NetworkSize.LARGE,
        device: str = "cuda",
        dtype: Any = None,
        flip_input: bool = False,
        face_detector: str = "sfd",
        face_detector_kwargs: dict[str, Any] | None = None,
        verbose: bool = False,
        compile: bool = True,
        max_batch_size: int = 1,
        *,
        model: str | Path | None = None,
    ) -> None:
        if dtype is not None and not str(dtype).endswith("float32"):
            raise ValueError(f"dtype: found {dtype}, expected float32: exported models compute in it")
        if face_detector not in DETECTORS:
            raise ValueError(
                f"face_detector: found {face_detector!r}, expected one of {', '.join(DETECTORS)}"
            )
        self.landmarks_type = LandmarksType(landmarks_type)
        flat = self.landmarks_type is LandmarksType.TWO_D
        if not flat and model is None:
            raise ValueError(
                f"landmarks_type: found {self.landmarks_type.name}, and the bundled model gives 2D points "
                "alone; name a model that gives 3D ones (model=...), or take LandmarksType.TWO_D"
            )
        provider = provider_of(device)
        file = model_file(model, flip_test=flip_input)
        self.predictor = Predictor(file, provider=provider)
        scheme, outputs = self.predictor.scheme, self.predictor.landmarker.session.outputs
        if len(scheme) != 68:
            raise ValueError(f"{model}: found {len(scheme)} points, expected 68")
        if self.landmarks_type is LandmarksType.TWO_HALF_D and scheme.name != "ibug68_3d":
            raise ValueError(f"{model}: found points of {scheme.name}, TWO_HALF_D expects ibug68_3d")
        if self.landmarks_type is LandmarksType.THREE_D and "points3d" not in outputs:
            raise ValueError(f"{model}: found the outputs {', '.join(outputs)}, THREE_D expects points3d")

    def get_landmarks(
        self,
        image_or_path: Any,
        detected_faces: Sequence[Sequence[float]] | None = None,
        return_bboxes: bool = False,
        return_landmark_score: bool = False,
    ) -> list[FloatArray] | Answer | None:
        """The same as `get_landmarks_from_image`."""
        return self.get_landmarks_from_image(
            image_or_path, detected_faces, return_bboxes, return_landmark_score
        )

    def get_landmarks_from_image(
        self,
        image_or_path: Any,
        detected_faces: Sequence[Sequence[float]] | None = None,
        return_bboxes: bool = False,
        return_landmark_score: bool = False,
    ) -> list[FloatArray] | Answer | None:
        """One array (68, 2) a face, or None and a warning where there is no face.

        The picture is a path or an array or tensor (H, W, 3), RGB, 0 to 255. `detected_faces` are boxes
        (x1, y1, x2, y2, ...) in place of the detector. With one of the last two options, a tuple: landmarks,
        scores (68,) a face or None, boxes of the faces or None: those given, or x1, y1, x2, y2 and score.
        """
        pixels = _pixels(image_or_path)
        if detected_faces is None:
            found = self.predictor.detector(pixels)
            faces = self.predictor.align(pixels, found)
            boxes = list(np.concatenate([found.boxes, found.scores[:, None]], axis=1))
        else:
            boxes = [np.asarray(box, dtype=np.float32) for box in detected_faces]
            faces = self.predictor(pixels, [box[:4] for box in boxes])
        asked = return_bboxes or return_landmark_score
        if not len(faces):
            return _nothing(asked)
        landmarks = self._landmarks(faces)
        if not asked:
            return landmarks
        scores = list(faces.scores) if return_landmark_score else None
        return landmarks, scores, boxes if return_bboxes else None

    def get_landmarks_from_batch(
        self,
        image_batch: Any,
        detected_faces: Sequence[Sequence[Sequence[float]]] | None = None,
        return_bboxes: bool = False,
        return_landmark_score: bool = False,
    ) -> list[Any] | tuple[list[Any] | None, list[Any] | None, list[Any] | None] | None:
        """For pictures (B, 3, H, W): the points of all faces of each under one another (68 n, 2), or []; None
        and a warning where there is no picture."""
        if not len(image_batch):
            return _nothing(return_bboxes or return_landmark_score)
        found = []
        for index, image in enumerate(image_batch):
            pixels = np.moveaxis(_array(image), 0, -1)
            boxes = None if detected_faces is None else detected_faces[index]
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append(self.get_landmarks_from_image(pixels, boxes, True, True))
        columns = [[entry[place] or [] for entry in found if entry is not None] for place in range(3)]
        landmarks: list[Any] = [np.concatenate(entry) if entry else [] for entry in columns[0]]
        if not (return_bboxes or return_landmark_score):
            return landmarks
        return landmarks, columns[1] if return_landmark_score else None, columns[2] if return_bboxes else None

    def get_landmarks_from_directory(
        self,
        path: str | Path,
        extensions: Sequence[str] = (".jpg", ".png"),
        recursive: bool = True,
        show_progress_bar: bool = True,
        return_bboxes: bool = False,
        return_landmark_score: bool = False,
    ) -> dict[str, list[FloatArray] | Answer | None]:
        """Path -> what `get_landmarks_from_image` gives for it; there is no progress bar."""
        files = sorted(Path(path).rglob("*") if recursive else Path(path).glob("*"))
        wanted = {extension.lower() for extension in extensions}
        return {
            str(file): self.get_landmarks_from_image(str(file), None, return_bboxes, return_landmark_score)
            for file in files
            if file.suffix.lower() in wanted
        }

    def _landmarks(self, faces: Faces) -> list[FloatArray]:
        if self.landmarks_type is not LandmarksType.THREE_D:
            return list(faces.points)
        assert faces.points3d is not None, "checked when the model was loaded"
        return list(faces.points3d)


def _nothing(asked: bool) -> tuple[None, None, None] | None:
    """What the original answers where there is no face."""
    warnings.warn("No faces were detected.", stacklevel=3)
    return (None, None, None) if asked else None


def provider_of(device: str) -> str:
    """ONNX Runtime's provider for a device as PyTorch names it; ValueError in one line where it has none."""
    kind = str(device).partition(":")[0]
    if kind not in PROVIDERS:
        raise ValueError(f"device: found {str(device)!r}, expected one of {', '.join(PROVIDERS)}")
    available = onnxruntime.get_available_providers()
    if PROVIDERS[kind] not in available:
        raise ValueError(
            f"device: {str(device)!r} needs {PROVIDERS[kind]}, this ONNX Runtime has {', '.join(available)}; "
            "install its build for that device, or give device='cpu'"
        )
    return PROVIDERS[kind]


def _array(value: Any) -> NDArray[Any]:
    """An array of an array or a tensor on any device."""
    return np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)


def _pixels(image: Any) -> NDArray[np.uint8]:
    """RGB uint8 (H, W, 3) of what the original takes for a picture."""
    if isinstance(image, (str, Path)):
        return read_image(image)
    array = _array(image)
    return read_image(np.clip(np.rint(array), 0, 255).astype(np.uint8) if array.dtype != np.uint8 else array)
