"""A training's pictures in one file that is mapped into memory: processes share it, and the system keeps of
it in memory what there is room for.

A head says what the file holds; then one record of fixed size a face, with its labels and the place of its
picture; then the pictures, as they were written.
"""

from __future__ import annotations

import errno
import io
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.geometry import BoxKind
from canthus.sample import Sample

Coding = Literal["raw", "jpeg"]

#: JPEG quality of the kept pictures: as good as the photos of most datasets.
QUALITY = 92
_MAGIC = b"canthus pictures 3\n"
_ALIGN = 64
_KINDS: tuple[BoxKind, ...] = get_args(BoxKind)


@dataclass(frozen=True, eq=False)
class Packed:
    """A picture inside a pack: its row there, its `code` (mapped), its height and width in px."""

    path: Path
    row: int
    code: NDArray[np.uint8]
    shape: tuple[int, int]
    coding: Coding

    def __str__(self) -> str:
        return f"{self.path}#{self.row}"

    def read(self) -> NDArray[np.uint8]:
        """RGB uint8 (H, W, 3); ValueError for a damaged file."""
        if self.coding == "raw":
            return self.code.reshape(*self.shape, 3)
        image = cv2.imdecode(self.code, cv2.IMREAD_COLOR_RGB)
        if image is None or image.shape[:2] != self.shape:
            raise ValueError(f"{self}: this picture of the pack is damaged; delete the pack to make it anew")
        return np.asarray(image, dtype=np.uint8)


@dataclass(frozen=True)
class Entry:
    """What a pack takes of a cut sample; made where it was cut, written elsewhere."""

    points: NDArray[np.float32]
    visibility: NDArray[np.float32]
    box: NDArray[np.float32]
    box_kind: BoxKind
    shape: tuple[int, int]
    code: NDArray[np.uint8]


def encode(sample: Sample, coding: Coding) -> Entry:
    """A sample whose picture is in memory as an entry."""
    image = sample.read()
    if coding == "raw":
        code = np.ascontiguousarray(image).reshape(-1)
    else:
        bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
        done, found = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if not done:
            raise OSError(f"{sample.id}: its picture cannot be encoded")
        code = np.asarray(found, dtype=np.uint8).reshape(-1)
    shape = (image.shape[0], image.shape[1])
    return Entry(sample.points, sample.visibility, sample.box, sample.box_kind, shape, code)


def read_pack(path: Path) -> tuple[dict[str, Any], list[Sample]]:
    """The head of a finished pack, and its samples with pictures that stay in the file.

    Raises ValueError for a file that is none, or not all of one; OSError for one that cannot be read.
    """
    data: NDArray[np.uint8] = np.asarray(np.memmap(path, np.uint8, "r")) if path.stat().st_size else _NOTHING
    try:
        head, start = _read_head(data)
        kind = _record(head["points"])
        table = data[start : start + len(head["samples"]) * kind.itemsize].view(kind)
        ends = table["offset"] + table["length"]
        if len(table) != len(head["samples"]) or not table["length"].all() or ends.max(initial=0) > len(data):
            raise ValueError("it ends early")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{path}: not a whole pack of training pictures ({error}); delete it to make it anew"
        ) from None
    shapes = table[["height", "width"]].tolist()
    spans = zip(table["offset"].tolist(), ends.tolist(), strict=True)
    samples = [
        Sample(
            image=Packed(path, row, data[begin:end], shape, head["coding"]),
            points=table["points"][row],
            visibility=table["visibility"][row],
            box=table["box"][row],
            box_kind=_KINDS[table["kind"][row]],
            id=name,
            group=group,
            weight=weight,
            presence=presence,
            tags=tags,
        )
        for row, ((begin, end), shape, (name, group, weight, presence, tags)) in enumerate(
            zip(spans, shapes, head["samples"], strict=True)
        )
    ]
    return head, samples


class PackWriter:
    """A pack in the making, aside; `finish` gives it its name.

    `facts` describe it, with the `coding` of the pictures. What an interrupted writer with the same samples
    and facts left behind is taken over. A disk that fills up is an OSError, and what was written is removed.
    """

    def __init__(self, path: Path, samples: Sequence[Sample], facts: dict[str, Any]) -> None:
        self.path, self.part = path, path.with_name(f".{path.name}.part")
        points = len(samples[0].points)
        labels = [[s.id, s.group, s.weight, s.presence, s.tags] for s in samples]
        head = json.dumps({**facts, "points": points, "samples": labels}).encode()
        head = b"".join([_MAGIC, len(head).to_bytes(8, "little"), head])
        head += bytes(-len(head) % _ALIGN)
        self._start, self._count, kind = len(head), len(samples), _record(points)
        self._table = np.zeros(len(samples), kind)
        pictures = self._start + self._table.nbytes
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered, so that a full disk is told where it is met.
        self._file = io.FileIO(os.open(self.part, os.O_RDWR | os.O_CREAT, 0o666), "r+")
        if self._file.read(len(head)) == head and self._file.seek(0, os.SEEK_END) >= pictures:
            self._file.seek(self._start)
            self._table = np.frombuffer(self._file.read(self._table.nbytes), kind).copy()
            self._file.seek(max(pictures, int((self._table["offset"] + self._table["length"]).max())))
            self._file.truncate()
        else:
            self._file.seek(0)
            self._file.truncate()
            self._write(head + self._table.tobytes())

    def __contains__(self, row: int) -> bool:
        """Whether the picture of this sample is there."""
        return bool(self._table["length"][row])

    def add(self, row: int, entry: Entry) -> None:
        """Append a picture, then its record."""
        offset = self._file.seek(0, os.SEEK_END)
        self._write(entry.code.data)
        labels = (_KINDS.index(entry.box_kind), entry.box, entry.points, entry.visibility)
        self._table[row] = (offset, len(entry.code), *entry.shape, *labels)
        self._file.seek(self._start + row * self._table.itemsize)
        self._write(self._table[row].tobytes())

    def finish(self) -> None:
        """Give the whole file its name."""
        self._file.close()
        self.part.replace(self.path)

    def __enter__(self) -> PackWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def _write(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            done, size = int((self._table["length"] > 0).sum()), os.fstat(self._file.fileno()).st_size
            self.part.unlink(missing_ok=True)
            raise OSError(
                f"{self.path.parent}: no space left after {done} of {self._count} pictures ({size / 1e6:.0f} "
                "MB); free some, keep them elsewhere with --pack FILE, or as JPEG with train.uncompressed=0"
            ) from None


_NOTHING = np.zeros(0, np.uint8)


def _record(points: int) -> np.dtype[Any]:
    place = [("offset", "<i8"), ("length", "<i8"), ("height", "<i4"), ("width", "<i4")]
    box = [("kind", "<i4"), ("box", "<f4", (4,))]
    return np.dtype([*place, *box, ("points", "<f4", (points, 2)), ("visibility", "<f4", (points,))])


def _read_head(data: NDArray[np.uint8]) -> tuple[dict[str, Any], int]:
    """The head of a pack and where its records begin."""
    begin = len(_MAGIC) + 8
    if data[: len(_MAGIC)].tobytes() != _MAGIC:
        raise ValueError("it begins otherwise")
    end = begin + int.from_bytes(data[len(_MAGIC) : begin].tobytes(), "little")
    head: dict[str, Any] = json.loads(data[begin:end].tobytes())
    return head, end + -end % _ALIGN
