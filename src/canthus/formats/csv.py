"""CSV: one row a face."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from canthus.formats.format import ImageFaces, begin
from canthus.schemes import Scheme


class CsvWriter:
    """Columns `file, width, height, face, x1, y1, x2, y2, presence`, then for every point of the scheme
    `NAME_x, NAME_y, NAME_score, NAME_visibility`; empty where the model does not say."""

    def __init__(self, path: Path, scheme: Scheme, model: str) -> None:
        self._path, self._part = begin(path)
        self._file = self._part.open("w", encoding="utf-8", errors="surrogateescape", newline="")
        self._rows = csv.writer(self._file)
        points = [f"{name}_{what}" for name in scheme.names for what in ("x", "y", "score", "visibility")]
        self._rows.writerow(["file", "width", "height", "face", "x1", "y1", "x2", "y2", "presence", *points])

    def add(self, picture: ImageFaces) -> None:
        faces = picture.faces
        for i in range(len(faces)):
            row = [picture.file, str(picture.width), str(picture.height), str(i)]
            row += [f"{value:.2f}" for value in faces.boxes[i]]
            row.append("" if faces.presence is None else f"{faces.presence[i]:.4f}")
            for k, (x, y) in enumerate(faces.points[i]):
                visible = "" if faces.visibility is None else f"{faces.visibility[i, k]:.4f}"
                place = [f"{x:.3f}", f"{y:.3f}"] if np.isfinite([x, y]).all() else ["", ""]
                row += [*place, f"{faces.scores[i, k]:.4f}", visible]
            self._rows.writerow(row)

    def close(self) -> None:
        self._file.close()
        self._part.replace(self._path)
