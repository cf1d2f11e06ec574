"""Result files. Adding one: a file with a `Writer` and a row here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from canthus.formats.coco import CocoWriter
from canthus.formats.coco_labels import write_coco_labels
from canthus.formats.csv import CsvWriter
from canthus.formats.format import ImageFaces, Writer, aside, beside, check_writable, make_folder
from canthus.formats.json import JsonWriter, image_dict, read_json
from canthus.formats.json_lines import JsonLinesWriter, face_lines
from canthus.formats.labels import LabelledFace
from canthus.formats.parquet import ParquetWriter
from canthus.formats.tsv import write_tsv
from canthus.schemes import Scheme

#: Constructed with path, scheme and the name of the model.
WRITERS: dict[str, Callable[[Path, Scheme, str], Writer]] = {
    "json": JsonWriter,
    "csv": CsvWriter,
    "coco": CocoWriter,
    "parquet": ParquetWriter,
}

#: Suffix -> writer of labels: called with path, scheme, where they come from and the faces.
LABEL_WRITERS: dict[str, Callable[[Path, Scheme, str, Sequence[LabelledFace]], None]] = {
    ".json": write_coco_labels,
    ".tsv": write_tsv,
}

__all__ = [
    "LABEL_WRITERS",
    "WRITERS",
    "ImageFaces",
    "JsonLinesWriter",
    "LabelledFace",
    "Writer",
    "aside",
    "beside",
    "check_writable",
    "face_lines",
    "image_dict",
    "make_folder",
    "read_json",
]
