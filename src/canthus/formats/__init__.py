"""Result files. Adding one: a file with a `Writer` and a row here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from canthus.formats.coco import CocoWriter
from canthus.formats.csv import CsvWriter
from canthus.formats.format import ImageFaces, Writer, aside, check_writable, make_folder
from canthus.formats.json import JsonWriter, image_dict, read_json
from canthus.formats.json_lines import JsonLinesWriter, face_lines
from canthus.formats.parquet import ParquetWriter
from canthus.schemes import Scheme

#: Constructed with path, scheme and the name of the model.
WRITERS: dict[str, Callable[[Path, Scheme, str], Writer]] = {
    "json": JsonWriter,
    "csv": CsvWriter,
    "coco": CocoWriter,
    "parquet": ParquetWriter,
}

__all__ = [
    "WRITERS",
    "ImageFaces",
    "JsonLinesWriter",
    "Writer",
    "aside",
    "check_writable",
    "face_lines",
    "image_dict",
    "make_folder",
    "read_json",
]
