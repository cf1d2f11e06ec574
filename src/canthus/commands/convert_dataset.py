"""`canthus datasets convert`: a labelled split as a file of labels, or as a folder of pictures with .pts."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from canthus.commands.finish import one_line, reason
from canthus.commands.progress import Progress
from canthus.commands.splits import Split
from canthus.formats import LABEL_WRITERS, LabelledFace, aside, beside, check_writable
from canthus.formats.pts import write_pts
from canthus.images import picture_size
from canthus.sample import Sample
from canthus.schemes import SCHEMES, Scheme

#: Suffix -> the dataset that reads files of that kind.
READERS = {".json": "coco", ".tsv": "tsv"}


@dataclass(frozen=True)
class Options:
    """`to_scheme`: convert the points to it; `copy_images`: put the pictures beside the file."""

    to_scheme: str | None = None
    copy_images: bool = False


def convert_dataset(data: Split, out: Path, options: Options) -> int:
    """Write the split to `out`, a .json or .tsv file or, without an ending, a folder; 1 when some faces could
    not be used, each named on stderr."""
    suffix = out.suffix.lower()
    if suffix and suffix not in LABEL_WRITERS:
        endings = ", ".join(LABEL_WRITERS)
        raise ValueError(f"{out}: found the ending {out.suffix!r}, expected {endings}, or none for a folder")
    if not suffix and out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out}: is there already, expected the name of a new folder for pictures and .pts")
    reader, split = data.reader(), data.name()
    if reader.name == READERS.get(suffix) and out.resolve() == (data.root / f"{split}{suffix}").resolve():
        raise ValueError(f"{out}: is the file that is read; name another one")
    problems: list[str] = []
    dataset = reader(data.root, split, scheme=data.asked_scheme(), report=problems.append)
    samples, scheme = _converted(list(dataset), dataset.scheme, options.to_scheme)
    if not samples:
        raise ValueError(problems[0] if problems else f"{reader.name}: found no faces in {split}")
    if any(sample.presence != 1 for sample in samples):
        raise ValueError(f"{reader.name}: found pictures without faces, expected landmarks to write")
    if suffix and not options.copy_images and not all(isinstance(sample.image, Path) for sample in samples):
        raise ValueError(
            f"{samples[0].image}: is no file of its own; add --copy-images to write the pictures"
        )
    if suffix:
        check_writable(out)
    with Progress("pictures", len(samples)) as progress:
        if suffix:
            faces = _placed(samples, _Pictures(out, options.copy_images), problems, progress)
            count, pictures = len(faces), len({face.file for face in faces})
        else:
            count = pictures = _pts_folder(samples, out, problems, progress)
        for line in problems:
            progress.say(f"canthus: {line}")
    if suffix:
        LABEL_WRITERS[suffix](out, scheme, f"{reader.name} {split}", faces)
    sys.stdout.write(f"{out}: {count} faces in {pictures} pictures, scheme {scheme.name}\n")
    return 1 if problems else 0


def _converted(
    samples: Sequence[Sample], source: Scheme, name: str | None
) -> tuple[Sequence[Sample], Scheme]:
    """The samples in another scheme. A point is visible where all points that it is made of are, hidden where
    one of them is."""
    if name is None:
        return samples, source
    if name not in SCHEMES:
        raise ValueError(f"no scheme {name!r}; there are {', '.join(SCHEMES)}")
    out = []
    for sample in samples:
        seen = source.average(sample.visibility[:, None], SCHEMES[name])[:, 0]
        visibility = np.where(np.isnan(seen), np.nan, seen == 1).astype(np.float32)
        out.append(replace(sample, points=source.convert(sample.points, name), visibility=visibility))
    return out, SCHEMES[name]


class _Pictures:
    """Where the pictures of a file `out` lie; the copies are NUMBER.SUFFIX in a folder beside it."""

    def __init__(self, out: Path, copy: bool) -> None:
        self._folder, self._copies = out.parent, out.with_name(f"{out.stem}_images") if copy else None
        self._known = dict[str, tuple[str, int, int]]()

    def find(self, sample: Sample) -> tuple[str, int, int]:
        """Name from the folder of `out`, width and height in px. Raises OSError and ValueError."""
        key = str(sample.image)
        if key not in self._known:
            path = self._place(sample)
            self._known[key] = (beside(path, self._folder), *picture_size(path))
        return self._known[key]

    def _place(self, sample: Sample) -> Path:
        if self._copies is None:
            return Path(str(sample.image))
        return _copied(sample, self._copies / f"{len(self._known):06d}")


def _copied(sample: Sample, target: Path) -> Path:
    """The picture as `target` with its own ending, .png for one that is no file. Raises OSError."""
    if not isinstance(sample.image, Path):
        target = target.with_suffix(".png")
        with aside(target) as part:
            Image.fromarray(sample.read()).save(part)
        return target
    target = target.with_suffix(sample.image.suffix)
    with aside(target) as part:
        shutil.copyfile(sample.image, part)
    return target


def _pts_folder(samples: Sequence[Sample], out: Path, problems: list[str], progress: Progress) -> int:
    """NUMBER.pts with the picture NUMBER.SUFFIX for each face, as 300-W has one picture a face; how many.

    Faces without a readable picture, or with points without a position, go to `problems`.
    """
    count = 0
    for number, sample in enumerate(samples):
        progress.advance()
        label = out / f"{number:06d}.pts"
        try:
            lacking = int((~np.isfinite(sample.points).all(1)).sum())
            if lacking:
                raise ValueError(f"{lacking} points have no position, which .pts files cannot say")
            picture_size(_copied(sample, label.with_suffix("")))
            write_pts(label, sample.points)
            count += 1
        except (OSError, ValueError) as error:
            problems.append(reason(Path(str(sample.image)), ValueError(one_line(error))))
    return count


def _placed(
    samples: Sequence[Sample], pictures: _Pictures, problems: list[str], progress: Progress
) -> list[LabelledFace]:
    """The samples with their pictures; those without a readable one go to `problems`."""
    faces = []
    for sample in samples:
        progress.advance()
        try:
            faces.append(LabelledFace(sample, *pictures.find(sample)))
        except (OSError, ValueError) as error:
            problems.append(reason(Path(str(sample.image)), ValueError(one_line(error))))
    return faces
