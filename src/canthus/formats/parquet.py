"""Parquet: one row a face, for tables of many millions; needs pyarrow (`canthus[tables]`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from canthus.formats.format import ImageFaces, begin
from canthus.schemes import Scheme

_GROUP = 4096  # rows held before they are written
_LISTS = ("points", "scores", "visibility", "covariance", "pose", "points3d")


class ParquetWriter:
    """Columns `file, width, height, frame, timestamp, track_id, face, presence`, and as flattened lists of
    float32 in the order of `Faces` `box, points, scores, visibility, covariance, pose, points3d`; null where
    it is not known. The schema's metadata states scheme and model."""

    def __init__(self, path: Path, scheme: Scheme, model: str) -> None:
        try:
            import pyarrow  # type: ignore[import-not-found, import-untyped, unused-ignore]
            import pyarrow.parquet  # type: ignore[import-not-found, import-untyped, unused-ignore]
        except ImportError:
            raise ImportError("--parquet needs pyarrow: pip install 'canthus[tables]'") from None
        self._path, self._part = begin(path)
        numbers, many = pyarrow.int32(), pyarrow.list_(pyarrow.float32())
        fields = [("file", pyarrow.string()), ("width", numbers), ("height", numbers), ("face", numbers)]
        fields += [
            ("frame", pyarrow.int64()),
            ("timestamp", pyarrow.float64()),
            ("track_id", pyarrow.int64()),
        ]
        fields += [("presence", pyarrow.float32()), ("box", many), *((name, many) for name in _LISTS)]
        schema = pyarrow.schema(fields, metadata={"scheme": scheme.name, "model": model})
        self._rows: list[dict[str, Any]] = []
        self._table = pyarrow.Table
        self._schema = schema
        self._file = pyarrow.parquet.ParquetWriter(self._part, schema)

    def add(self, picture: ImageFaces) -> None:
        faces = picture.faces
        for i in range(len(faces)):
            row: dict[str, Any] = {
                "file": picture.file,
                "width": picture.width,
                "height": picture.height,
                "face": i,
                "frame": picture.frame,
                "timestamp": picture.timestamp,
                "track_id": None if faces.track_ids is None else int(faces.track_ids[i]),
            }
            row["box"] = faces.boxes[i].tolist()
            row["presence"] = None if faces.presence is None else float(faces.presence[i])
            for name in _LISTS:
                value = getattr(faces, name)
                row[name] = None if value is None else value[i].ravel().tolist()
            self._rows.append(row)
        if len(self._rows) >= _GROUP:
            self._write()

    def close(self) -> None:
        self._write()
        self._file.close()
        self._part.replace(self._path)

    def _write(self) -> None:
        if self._rows:
            self._file.write_table(self._table.from_pylist(self._rows, schema=self._schema))
            self._rows = []
