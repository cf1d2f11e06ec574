"""What a dataset is, and the few rules that all readers share."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from canthus.geometry import BoxKind, landmark_boxes
from canthus.sample import Sample, StoredPicture
from canthus.schemes import SCHEMES, Scheme

PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")

#: Takes one line about a file that cannot be used.
Report = Callable[[str], None]


class Dataset(Protocol):
    """Labelled faces of one split.

    `default_boxes` is the box protocol of its published numbers; `missing` lists what the split lacks against
    its publication.
    """

    @property
    def name(self) -> str: ...
    @property
    def default_boxes(self) -> str: ...
    @property
    def scheme(self) -> Scheme: ...
    @property
    def split(self) -> str: ...
    @property
    def missing(self) -> tuple[str, ...]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Sample: ...


class Reader(Protocol):
    """A row of the table: how a class of datasets is called, described and constructed.

    `scheme` says how labels are to be read where the files leave it open. Absent parts are an error unless
    `allow_missing`. Unusable files are an error too, unless `report` takes their descriptions: then they are
    left out.
    """

    @property
    def name(self) -> str: ...
    @property
    def splits(self) -> tuple[str, ...]: ...
    @property
    def default_boxes(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def tree(self) -> str: ...
    def __call__(
        self,
        root: Path,
        split: str,
        *,
        scheme: Scheme | None = None,
        allow_missing: bool = False,
        report: Report | None = None,
    ) -> SampleList: ...


class SampleList:
    """Samples held in memory (labels only: pictures are read when asked for); readers build on it.

    `splits` names the known splits, the default one first; `source` says where the data comes from and `tree`
    which files are expected.
    """

    name: ClassVar[str]
    default_boxes: ClassVar[str] = "landmarks"
    splits: ClassVar[tuple[str, ...]] = ()
    source: ClassVar[str]
    tree: ClassVar[str]

    def __init__(
        self, split: str, scheme: Scheme, samples: Sequence[Sample], missing: Sequence[str] = ()
    ) -> None:
        self.split = split
        self.scheme = scheme
        self.missing = tuple(missing)
        self._samples = tuple(samples)

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int) -> Sample:
        return self._samples[index]

    def __iter__(self) -> Iterator[Sample]:
        return iter(self._samples)

    @classmethod
    def absent(cls, path: Path, what: str = "folder") -> FileNotFoundError:
        """The error for a part of the tree that is not there."""
        return FileNotFoundError(
            f"{cls.name}: no {what} at {path}; expected {cls.tree}. The data comes from {cls.source}"
        )

    @classmethod
    def split_file(cls, root: Path, name: str) -> Path:
        """ROOT/SPLIT.ext, or the error that lists the splits that are there."""
        path = root / name
        if not path.is_file():
            there = sorted(item.stem for item in root.glob(f"*{path.suffix}")) if root.is_dir() else []
            raise cls.absent(path, f"file (splits there: {', '.join(there) or 'none'})")
        return path

    @classmethod
    def check_split(cls, split: str) -> None:
        """Raise ValueError for a split that this dataset does not have."""
        if split not in cls.splits:
            raise ValueError(f"{cls.name} has no split {split!r}; it has {', '.join(cls.splits)}")

    @classmethod
    def check_scheme(cls, scheme: Scheme | None, native: Scheme) -> Scheme:
        """`native`, or ValueError when other labels were asked for."""
        if scheme is not None and scheme.name != native.name:
            raise ValueError(
                f"{cls.name} is labelled in scheme {native.name}; it cannot be read as {scheme.name}"
            )
        return native


class NoPictureError(FileNotFoundError):
    """A label's picture is not there; `picture` is the path where it was expected first."""

    def __init__(self, error: FileNotFoundError, picture: Path) -> None:
        super().__init__(str(error))
        self.picture = picture


class LabelledTree(SampleList, ABC):
    """A reader of labels in the scheme `native`: `faces` says how each sample is made, the rest is here.

    A sample whose picture is absent is an error, or `lacking` where that is allowed; an unusable label is an
    error, or goes to `report`.
    """

    native: ClassVar[Scheme]

    def __init__(
        self,
        root: Path,
        split: str,
        *,
        scheme: Scheme | None = None,
        allow_missing: bool = False,
        report: Report | None = None,
    ) -> None:
        self.check_split(split)
        self.scheme = self.check_scheme(scheme, self.native)
        self.split, self.allow_missing = split, allow_missing
        self.lacking = list[str]()
        samples = list[Sample]()
        for make in self.faces(Path(root)):
            try:
                sample = make()
                if sample is not None:
                    samples.append(sample)
            except NoPictureError as error:
                if allow_missing:
                    self.lacking.append(_below(error.picture, Path(root)))
                else:
                    problem(error, report)
            except (OSError, ValueError) as error:
                problem(error, report)
        if not samples and not self.lacking and report is None:
            raise self.absent(Path(root), "labelled face")
        super().__init__(split, self.scheme, samples, self.lacking)

    @abstractmethod
    def faces(self, root: Path) -> Iterator[Callable[[], Sample | None]]:
        """One function a face that makes its sample, or None for a face that is not part of the split.

        Raises FileNotFoundError (`absent`) where the files of the split are not there, ValueError where they
        cannot be read at all.
        """

    @classmethod
    def picture(cls, *places: Path) -> Path:
        """The first of these files that is there; `NoPictureError` for none."""
        for place in places:
            if place.is_file():
                return place
        raise NoPictureError(cls.absent(places[0], "picture"), places[0])


def _below(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def problem(error: Exception, report: Report | None) -> None:
    """Raise `error`, or hand its text to `report`."""
    if report is None:
        raise error
    report(str(error))


def pictures(folder: Path) -> list[Path]:
    """The picture files of a folder, sorted by name."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in PICTURES and path.is_file())


def picture_of(label: Path) -> Path | None:
    """The picture beside a label file, or None."""
    for suffix in PICTURES:
        for candidate in (label.with_suffix(suffix), label.with_suffix(suffix.upper())):
            if candidate.is_file():
                return candidate
    return None


def labelled(
    image: Path | StoredPicture,
    points: NDArray[np.floating],
    *,
    id: str,
    group: str,
    visibility: NDArray[np.float32] | None = None,
    tags: dict[str, float] | None = None,
) -> Sample:
    """A sample whose box is the tight box of its points (K, 2); visibility not stated unless given."""
    found = np.asarray(points, dtype=np.float32)
    if visibility is None:
        visibility = np.full(len(found), np.nan, dtype=np.float32)
    box = landmark_boxes(found).astype(np.float32)
    return Sample(image, found, visibility, box, "landmarks", id, group, tags=tags or {})


def boxed(sample: Sample, box: Sequence[float] | NDArray[np.floating], kind: BoxKind = "landmarks") -> Sample:
    """The sample with another box (4,) xyxy px."""
    return replace(sample, box=np.asarray(box, dtype=np.float32), box_kind=kind)


def photo_group(name: str) -> str:
    """The photo a face's file name stands for: AFLW's `imageNNNNN`, else the name's stem."""
    found = re.search(r"image\d{5}", name)
    return found.group(0) if found else Path(name).stem


def choose_scheme(
    where: str, count: int, *, asked: Scheme | None, stated: str | None = None, names: Sequence[str] = ()
) -> Scheme:
    """The scheme of labels with `count` points: `asked`, else `stated`, else the one with these point names,
    else the only one with that many points. `where` names the file in errors (ValueError)."""
    if asked is None and stated:
        if stated not in SCHEMES:
            raise ValueError(f"{where}: unknown scheme {stated!r}; known: {', '.join(SCHEMES)}")
        asked = SCHEMES[stated]
    if asked is None:
        named = [scheme for scheme in SCHEMES.values() if scheme.names == tuple(names)]
        fitting = named or [scheme for scheme in SCHEMES.values() if len(scheme) == count]
        if len(fitting) != 1:
            found = ", ".join(scheme.name for scheme in fitting) or "no known scheme"
            raise ValueError(
                f"{where}: {count} points fit {found}; name the scheme "
                "(--scheme; in a recipe, the dataset's `scheme`)"
            )
        asked = fitting[0]
    if len(asked) != count:
        raise ValueError(f"{where}: found {count} points, expected {len(asked)} of scheme {asked.name}")
    return asked
