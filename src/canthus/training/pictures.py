"""The samples of a training with their pictures cut and packed, for all of its processes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from canthus.build import Source, build_sources
from canthus.cache import locked
from canthus.recipe import Recipe
from canthus.sample import Sample
from canthus.training.bar import bar
from canthus.training.cutting import Cutter
from canthus.training.packing import Coding, Entry, PackWriter, encode, read_pack

Sources = tuple[list[Source], list[Source]]


@dataclass(frozen=True)
class Pictures:
    """The pack at `path` of the pictures that a recipe cuts from the datasets below `root`.

    One that is to be `kept` has been named by the user: it may come without the datasets, and a wrong one is
    an error. Any other belongs to one training, and a wrong one is made anew.
    """

    recipe: Recipe
    root: Path
    path: Path
    kept: bool

    def sources(self, processes: int) -> Sources:
        """Training and validation sources, read from the pack; if it is absent the first process to ask
        makes it, with so many `processes`, while the others wait.

        Raises what the datasets raise, ImageError for a photo that cannot be read, ValueError for a pack of
        other content, OSError where the pack cannot be written.
        """
        cv2.setNumThreads(0)  # OpenCV's threads do not survive the fork of the loader's workers
        labels = self._labels()
        found = self._read(labels)
        if found is not None:
            return found
        with locked(self.path):
            found = self._read(labels)  # another process may have been first
            if found is not None:
                return found
            assert labels is not None
            self._make(labels, processes)
            head, samples = read_pack(self.path)
        return self._divide(head, samples)

    def remove(self) -> None:
        """Delete the pack, unless it is to be kept."""
        if self.kept:
            return
        with suppress(PermissionError):  # Windows keeps a file that is mapped
            self.path.unlink(missing_ok=True)
            self.path.with_name(f".{self.path.name}.lock").unlink(missing_ok=True)

    def _labels(self) -> Sources | None:
        """The sources with uncut pictures; None where a pack is there and the datasets are not."""
        try:
            return build_sources(self.recipe, self.root)
        except FileNotFoundError:
            if self.kept and self.path.is_file():
                return None
            raise

    def _read(self, labels: Sources | None) -> Sources | None:
        """The sources of the pack; None if it is not there, or not right and not to be kept."""
        if not self.path.is_file():
            return None
        try:
            head, samples = read_pack(self.path)
            if head["recipe"] != fingerprint(self.recipe):
                raise ValueError(
                    f"{self.path}: packed for other data, crop or size than {self.recipe.name}; delete it to "
                    "make it anew"
                )
            if labels is not None and head["labels"] != identity(labels):
                raise ValueError(
                    f"{self.path}: packed from other labels or pictures than those below {self.root}; delete "
                    "it to make it anew"
                )
            return self._divide(head, samples)
        except ValueError:
            if self.kept:
                raise
            return None

    def _divide(self, head: dict[str, Any], samples: list[Sample]) -> Sources:
        spans = pairwise(accumulate(head["counts"], initial=0))
        parts = [*self.recipe.datasets, *self.recipe.datasets]
        sources = [
            Source(part, tuple(samples[begin:end]), tuple(missing))
            for part, (begin, end), missing in zip(parts, spans, head["missing"], strict=True)
        ]
        return sources[: len(self.recipe.datasets)], sources[len(self.recipe.datasets) :]

    def _make(self, labels: Sources, processes: int) -> None:
        parts = [*labels[0], *labels[1]]
        samples = [sample for part in parts for sample in part.samples]
        if not samples:
            raise ValueError(f"{self.recipe.name}: its datasets have no samples below {self.root}")
        cutter = Cutter(self.recipe.crop, self.recipe.size, self.recipe.train.context)
        facts: dict[str, Any] = {
            "recipe": fingerprint(self.recipe),
            "labels": identity(labels),
            "counts": [len(part.samples) for part in parts],
            "missing": [part.missing for part in parts],
            "coding": coding(cutter, samples, self.recipe.train.uncompressed),
        }
        pack_photos(self.path, samples, cutter, facts, processes)


def pack_photos(
    path: Path, samples: Sequence[Sample], cutter: Cutter, facts: dict[str, Any], processes: int
) -> None:
    """Cut the pictures of all samples, photo by photo, into a pack with these facts."""
    with PackWriter(path, samples, facts) as pack:
        groups = [rows for rows in photos(samples) if not all(row in pack for row in rows)]
        cuts = Cuts([[samples[row] for row in rows] for rows in groups], cutter, facts["coding"])
        for rows, entries in zip(bar(groups, "cutting photos"), cuts.each(processes), strict=True):
            for row, entry in zip(rows, entries, strict=True):
                pack.add(row, entry)
        pack.finish()


class Cuts(Dataset["list[Entry] | Exception"]):
    """Photo after photo, the entries of its faces; an error is handed on as it is, in one line."""

    def __init__(self, photos: Sequence[Sequence[Sample]], cutter: Cutter, coding: Coding) -> None:
        self.photos, self.cutter, self.coding = photos, cutter, coding

    def __len__(self) -> int:
        return len(self.photos)

    def __getitem__(self, index: int) -> list[Entry] | Exception:
        try:
            return [encode(sample, self.coding) for sample in self.cutter(self.photos[index])]
        except (OSError, ValueError) as error:
            return error

    def each(self, processes: int) -> Iterable[list[Entry]]:
        """In order, made by `processes` beside this one, a few photos ahead; by this one if that is 0."""
        workers = min(processes, len(self))
        loader: DataLoader[Any] = DataLoader(
            self,
            batch_size=None,
            num_workers=workers,
            collate_fn=_same,
            multiprocessing_context="fork" if workers else None,
            generator=torch.Generator(),  # the global one is left as it was
        )
        for entries in loader:
            if isinstance(entries, Exception):
                raise entries
            yield entries


def fingerprint(recipe: Recipe) -> str:
    """What a pack depends on in a recipe: data, validation slice, crop rule and size."""
    keys = ("scheme", "datasets", "validation", "size", "crop")
    content = {key: value for key, value in recipe.model_dump(mode="json").items() if key in keys}
    content["context"] = recipe.train.context
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def identity(sources: Sources) -> str:
    """What a pack depends on below the root: every label, and the size of every picture file."""
    digest = hashlib.sha256()
    for sample in (sample for part in (*sources[0], *sources[1]) for sample in part.samples):
        image = sample.image
        if isinstance(image, Path):
            picture = [image.name, image.stat().st_size if image.is_file() else None]
        else:
            picture = ["array", *image.shape] if isinstance(image, np.ndarray) else []
        about = [sample.id, sample.group, sample.box_kind, sample.weight, sample.presence, sample.tags]
        digest.update(json.dumps([*about, picture]).encode())
        for values in (sample.points, sample.visibility, sample.box):
            digest.update(np.ascontiguousarray(values, dtype=np.float32).tobytes())
    return digest.hexdigest()


def coding(cutter: Cutter, samples: Sequence[Sample], gigabytes: float) -> Coding:
    """How pictures are kept that may take so many GB: as they are if that is enough for all."""
    return "raw" if sum(map(cutter.bytes_at_most, samples)) <= gigabytes * 1e9 else "jpeg"


def photos(samples: Sequence[Sample]) -> list[list[int]]:
    """The rows of the samples of each photo, in the order in which the photos come first."""
    groups = dict[Any, list[int]]()
    for row, sample in enumerate(samples):
        image = sample.image
        key = id(image) if isinstance(image, np.ndarray) else str(image)
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def processes_of_all(workers: int, trainings: int) -> int:
    """How many processes cut, where each of so many trainings has so many workers."""
    return min(workers * trainings, os.cpu_count() or 1)


def _same(entries: Any) -> Any:
    return entries
