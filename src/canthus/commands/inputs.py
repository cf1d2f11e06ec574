"""Which pictures and clips a command line names, and where each one's annotated copy goes."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from canthus.images import EXTENSIONS

#: Kinds of file that annotated pictures are written as; others become .png.
WRITABLE = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
#: Kinds of file that annotated clips are written as; others become .mkv, which holds every kind of sound.
WRITABLE_CLIPS = (".mp4", ".m4v", ".mov", ".mkv")
#: Extensions of clips.
CLIPS = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".mts", ".vob"),
    *(".wmv", ".flv", ".3gp", ".ogv", ".mxf", ".y4m", ".h264", ".264", ".hevc", ".265", ".mjpeg", ".mjpg"),
)


@dataclass(frozen=True)
class Input:
    """One picture or clip: its path, and its path within the folder it was found in (else its name)."""

    path: Path
    relative: Path
    clip: bool = False


def find_inputs(names: Iterable[str], exclude: Path | None = None) -> tuple[list[Input], list[str]]:
    """The pictures and clips that files, folders (searched deep, for pictures) and globs name, each once, and
    the names without any.

    Files below `exclude` and hidden ones are not taken from folders.
    """
    found: dict[Path, Input] = {}
    unmatched = []
    for name in names:
        here = (
            [Path(name)]
            if Path(name).exists()
            else [Path(p) for p in sorted(glob.glob(name, recursive=True))]
        )
        pictures = [item for path in here for item in _pictures(path, exclude)]
        if not pictures:
            unmatched.append(name)
        for item in pictures:
            found.setdefault(item.path.resolve(), item)
    return list(found.values()), unmatched


def _pictures(path: Path, exclude: Path | None) -> list[Input]:
    if not path.is_dir():
        return [Input(path, Path(path.name), is_clip(path))]
    files = (file for file in path.rglob("*") if file.suffix.lower() in EXTENSIONS and file.is_file())
    kept = [file for file in files if not any(part.startswith(".") for part in file.relative_to(path).parts)]
    if exclude is not None and exclude.resolve() != path.resolve():
        kept = [file for file in kept if exclude.resolve() not in file.resolve().parents]
    return [Input(file, file.relative_to(path)) for file in sorted(kept)]


def is_clip(path: Path) -> bool:
    """Whether a file is a clip: by its extension, else by its content."""
    suffix = path.suffix.lower()
    if suffix in CLIPS or suffix in EXTENSIONS:
        return suffix in CLIPS
    try:
        with Image.open(path):
            return False
    except Exception:  # decoders raise anything on hostile bytes
        pass
    from canthus.runtime.video import VideoError, VideoFile

    try:
        VideoFile(path)
    except VideoError:
        return False  # told as any other file that is no picture
    return True


def output_paths(inputs: Iterable[Input], folder: Path) -> list[Path]:
    """A different file in `folder` for every input; a name that is taken gets `-2`, `-3`, ...

    Raises ValueError where an annotated copy would overwrite an input.
    """
    inputs = list(inputs)
    originals = {item.path.resolve() for item in inputs}
    taken: set[str] = set()
    out = []
    for item in inputs:
        kinds, other = (WRITABLE_CLIPS, ".mkv") if item.clip else (WRITABLE, ".png")
        suffix = item.relative.suffix if item.relative.suffix.lower() in kinds else other
        wanted = folder / item.relative.with_suffix(suffix)
        path, number = wanted, 1
        while str(path).lower() in taken:  # file systems may not tell a.JPG from a.jpg
            number += 1
            path = wanted.with_name(f"{wanted.stem}-{number}{suffix}")
        if path.resolve() in originals:
            raise ValueError(f"--save {folder} would overwrite the input {path}; choose another folder")
        taken.add(str(path).lower())
        out.append(path)
    return out
