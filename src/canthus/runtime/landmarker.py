"""Boxes to landmarks: one exported model on ONNX Runtime."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.faces import Faces
from canthus.geometry import BoxKind, Crop, CropRule, compose_affine, convert_boxes
from canthus.runtime.head_pose import pose_of
from canthus.schemes import SCHEMES
from canthus.session import Session

#: Faces in one call of the network; more go through in several, so that memory stays bounded.
CHUNK = 128
_WIDEST = 32766  # px: OpenCV 4 warps no larger pictures


class OnnxLandmarker:
    """An exported landmark model: `images` uint8 (B, S, S, 3) RGB becomes `points` (B, K, 2) in crop px,
    `scores` (B, K), and where it has them `presence` (B,), `visibility` (B, K), `covariance` (B, K, 2, 2)
    in crop px², `points3d` (B, K, 3) in crop px, z toward the viewer.

    The file's metadata states scheme, input size and crop rule. Raises
    FileNotFoundError for a missing file, ValueError for a file that is no such model.
    """

    def __init__(
        self, path: str | Path, *, threads: int | None = None, provider: str = "CPUExecutionProvider"
    ) -> None:
        self.session = Session(path, threads=threads, provider=provider)
        metadata = self.session.metadata
        lacking = [key for key in ("scheme", "input_size", "crop_rule") if key not in metadata]
        if (
            lacking
            or self.session.inputs != ("images",)
            or not {"points", "scores"} <= set(self.session.outputs)
        ):
            raise ValueError(
                f"{path}: not a landmark model exported by canthus: found "
                f"{', '.join(self.session.inputs)} -> {', '.join(self.session.outputs)}, metadata lacks "
                f"{', '.join(lacking) or 'nothing'}; expected images -> points, scores"
            )
        if metadata["scheme"] not in SCHEMES:
            raise ValueError(f"{path}: unknown scheme {metadata['scheme']!r}; known: {', '.join(SCHEMES)}")
        self.scheme = SCHEMES[metadata["scheme"]]
        try:
            self.input_size = int(metadata["input_size"])
            self.crop_rule = CropRule.model_validate_json(metadata["crop_rule"])
            self._card = {**metadata, **json.loads(metadata.get("card", "{}"))}
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: unusable metadata ({' '.join(str(error).split())})") from None

    @cached_property
    def card(self) -> dict[str, Any]:
        """What the file states: training data, licence, parameters, ...; its `sha256`; and, where a NAME.md
        lies beside NAME.onnx as it does for bundled models, that page with the figures and limits as `text`.
        """
        path = Path(self.session.name)
        page = path.with_suffix(".md")
        text = {"text": page.read_text(encoding="utf-8")} if page.is_file() else {}
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        stated = {k: v for k, v in self._card.items() if k not in ("card", "recipe_content")}
        return {**stated, "sha256": digest, **text}

    def __call__(self, image: NDArray[np.uint8], boxes: ArrayLike, box_kind: BoxKind) -> Faces:
        """The faces in these boxes (N, 4) xyxy of an RGB picture (H, W, 3), in the order of the boxes; their
        poses, where the shape model knows the scheme, are solved for when they are read.
        """
        rows = check_boxes(boxes)
        face_boxes = convert_boxes(rows, box_kind, "face")
        if not len(rows):
            return Faces.empty(self.scheme)
        offset = self.crop_rule.label_offset_px
        crops = [self.crop_rule.crop(row - offset, box_kind, self.input_size) for row in rows]
        parts = [self._run(image, crops[start : start + CHUNK]) for start in range(0, len(crops), CHUNK)]
        out = parts[0]
        if len(parts) > 1:
            out = {name: np.concatenate([part[name] for part in parts]) for name in out}
        covariance = out.get("covariance")
        if covariance is not None:
            covariance = _stacked(
                [crop.covariance_to_image(c) for crop, c in zip(crops, covariance, strict=True)]
            )
        points = _stacked([crop.to_image(p) for crop, p in zip(crops, out["points"], strict=True)])
        return Faces(
            np.asarray(points + offset, dtype=np.float32),
            out["scores"],
            np.asarray(face_boxes, dtype=np.float32),
            self.scheme,
            presence=out.get("presence"),
            visibility=out.get("visibility"),
            covariance=covariance,
            points3d=_in_image(out.get("points3d"), crops, offset),
            pose=pose_of,
        )

    def _run(self, image: NDArray[np.uint8], crops: list[Crop]) -> dict[str, NDArray[Any]]:
        if max(image.shape[:2]) > _WIDEST:
            crops_of = [_part_under(image, crop) for crop in crops]
        else:
            crops_of = [(image, crop) for crop in crops]
        return self.session.run(images=_stacked([crop.warp(part) for part, crop in crops_of]))


def _stacked(rows: list[NDArray[Any]]) -> NDArray[Any]:
    """Arrays of one shape as one array; a single one is not copied."""
    return rows[0][None] if len(rows) == 1 else np.stack(rows)


def _in_image(
    points: NDArray[np.float32] | None, crops: list[Crop], offset: float
) -> NDArray[np.float32] | None:
    """Points (N, K, 3) of the crops in image px; the depth is scaled as width and height are on average."""
    if points is None:
        return None
    out = points.astype(np.float64)
    for space, crop in zip(out, crops, strict=True):
        space[:, :2] = crop.to_image(space[:, :2]) + offset
        space[:, 2] *= 2 / (crop.matrix[0, 0] + crop.matrix[1, 1])
    return out.astype(np.float32)


def _part_under(image: NDArray[np.uint8], crop: Crop) -> tuple[NDArray[np.uint8], Crop]:
    """The part of a picture that a crop shows, and the same crop of that part."""
    edge = crop.size + 1.0
    corners = crop.to_image([[-2.0, -2.0], [edge, -2.0], [-2.0, edge], [edge, edge]])
    limit = (image.shape[1], image.shape[0])
    left, top = (int(v) for v in np.clip(np.floor(corners.min(0)) - 2, 0, limit))
    right, bottom = (int(v) for v in np.clip(np.ceil(corners.max(0)) + 3, 0, limit))
    if left >= right or top >= bottom:  # nothing of the picture: any black pixel will do
        return np.zeros((1, 1, 3), np.uint8), crop
    place = np.array([[1.0, 0.0, left], [0.0, 1.0, top]])  # px of the part -> px of the picture
    matrix = compose_affine(crop.matrix, place)
    return image[top:bottom, left:right], replace(crop, matrix=matrix)


def check_boxes(boxes: ArrayLike) -> NDArray[np.float64]:
    """Boxes as float64 (N, 4); ValueError unless they are finite with x1 < x2 and y1 < y2."""
    rows = np.asarray(boxes, dtype=np.float64)
    if rows.size == 0:
        return np.zeros((0, 4))
    if rows.shape == (4,):
        rows = rows[None]
    if rows.ndim != 2 or rows.shape[1] != 4:
        raise ValueError(f"boxes: found shape {rows.shape}, expected (N, 4) as x1, y1, x2, y2")
    low, high = rows[:, :2], rows[:, 2:]
    right = (low < high) & (low > -np.inf) & (high < np.inf)
    if not right.all():
        first = int(np.flatnonzero(~right.all(axis=1))[0])
        raise ValueError(
            f"boxes: number {first} is {rows[first].tolist()}, expected finite x1 < x2 and y1 < y2"
        )
    return rows
