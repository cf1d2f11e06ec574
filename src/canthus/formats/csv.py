"""CSV: one row a face."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.faces import Faces
from canthus.formats.format import ImageFaces, begin
from canthus.schemes import Scheme

_HEAD = (
    *("file", "width", "height", "frame", "timestamp", "track_id", "face", "x1", "y1", "x2", "y2"),
    *("presence", "yaw", "pitch", "roll"),
)
_OF_A_POINT = ("x", "y", "score", "visibility", "xx", "xy", "yy", "z")


class CsvWriter:
    """Columns `file, width, height, frame, timestamp, track_id, face, x1, y1, x2, y2, presence, yaw, pitch,
    roll`, then for every point of the scheme `NAME_x, NAME_y, NAME_score, NAME_visibility, NAME_xx, NAME_xy,
    NAME_yy, NAME_z`, of which xx, xy, yy are its covariance and z its depth; empty where it is not known."""

    def __init__(self, path: Path, scheme: Scheme, model: str) -> None:
        self._path, self._part = begin(path)
        self._file = self._part.open("w", encoding="utf-8", errors="surrogateescape", newline="")
        self._rows = csv.writer(self._file)
        points = [f"{name}_{what}" for name in scheme.names for what in _OF_A_POINT]
        self._rows.writerow([*_HEAD, *points])

    def add(self, picture: ImageFaces) -> None:
        time = "" if picture.timestamp is None else f"{picture.timestamp:.6f}"
        frame = "" if picture.frame is None else str(picture.frame)
        for i, face in enumerate(picture.faces):
            track = "" if face.track_ids is None else str(face.track_ids[0])
            row = [picture.file, str(picture.width), str(picture.height), frame, time, track, str(i)]
            row += [f"{value:.2f}" for value in face.boxes[0].tolist()]
            row += [""] if face.presence is None else [f"{face.presence[0]:.4f}"]
            row += [""] * 3 if face.pose is None else [f"{value:.2f}" for value in face.pose[0].tolist()]
            self._rows.writerow(row + _points(face))

    def close(self) -> None:
        self._file.close()
        self._part.replace(self._path)


def _points(face: Faces) -> list[str]:
    """The cells of all points of one face."""
    unknown = np.full(len(face.scheme), np.nan)
    visibility = unknown if face.visibility is None else face.visibility[0]
    spread = np.full((len(unknown), 2, 2), np.nan) if face.covariance is None else face.covariance[0]
    x, y = face.points[0].T
    cells = [_cells(x, 3), _cells(y, 3), _cells(face.scores[0], 4), _cells(visibility, 4)]
    cells += [_cells(spread[:, i, j], 4) for i, j in ((0, 0), (0, 1), (1, 1))]
    cells.append(_cells(unknown if face.points3d is None else face.points3d[0, :, 2], 3))
    return [cell for point in zip(*cells, strict=True) for cell in point]


def _cells(values: NDArray[np.floating], digits: int) -> list[str]:
    return [f"{value:.{digits}f}" if math.isfinite(value) else "" for value in values.tolist()]
