"""300-W (Sagonas et al. 2013): AFW, HELEN, LFPW, IBUG and the 300-W test set, 68 points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import coco_file
from canthus.datasets.dataset import LabelledTree, Report, labelled, picture_of
from canthus.formats.pts import read_pts
from canthus.sample import Sample
from canthus.schemes import Scheme
from canthus.schemes.ibug68 import IBUG68

#: Part -> number of faces in the official release.
PARTS = {
    "afw": 337,
    "helen/trainset": 2000,
    "helen/testset": 330,
    "lfpw/trainset": 811,
    "lfpw/testset": 224,
    "ibug": 135,
    "Test/01_Indoor": 300,
    "Test/02_Outdoor": 300,
}
SPLITS = {
    "helen_test": ("helen/testset",),
    "train": ("afw", "helen/trainset", "lfpw/trainset"),
    "common": ("helen/testset", "lfpw/testset"),
    "challenge": ("ibug",),
    "full": ("helen/testset", "lfpw/testset", "ibug"),
    "test": ("Test/01_Indoor", "Test/02_Outdoor"),
}
#: Split -> ending of mmpose's file.
JSON = {
    "helen_test": "valid_common",
    "train": "train",
    "common": "valid_common",
    "challenge": "valid_challenge",
    "full": "valid",
    "test": "test",
}


class W300(LabelledTree):
    """The 300-W folders, pictures with a .pts file of the same name beside them, or mmpose's JSON files.

    Both count from 1, so 1 px is subtracted. Visibility is not stated. `box` is the tight box of the points;
    with its edges moved outward to whole px (`rounding: outward` of a crop rule) it has the centre and scale
    of the published lists. Mirrored copies (`*_mirror.pts`) that some releases carry are left out. Faces of
    one photo share a group: the part and the file name up to its last `_` (LFPW and the test set have one
    face a photo: the whole name).
    """

    name = "300w"
    native = IBUG68
    splits = tuple(SPLITS)
    source = "iBUG, 300 Faces In-the-Wild (300-W), ibug.doc.ic.ac.uk/resources/300-W"
    tree = (
        "ROOT/{afw,{helen,lfpw}/{trainset,testset},ibug,Test/{01_Indoor,02_Outdoor}}/*.{pts,jpg or png}, or "
        "ROOT/annotations/face_landmarks_300w_{train,valid,valid_common,valid_challenge,test}.json with "
        "ROOT/images"
    )

    def __init__(
        self,
        root: Path,
        split: str,
        *,
        scheme: Scheme | None = None,
        allow_missing: bool = False,
        report: Report | None = None,
    ) -> None:
        self._official = dict[str, int]()
        super().__init__(root, split, scheme=scheme, allow_missing=allow_missing, report=report)
        if not len(self) and report is None:
            raise self.absent(Path(root), "labelled face")
        self.missing = tuple(line for part in self._official for line in self._shortage(part))

    def _shortage(self, part: str) -> list[str]:
        """What a part ("" is the whole split) lacks against the official release."""
        if part in self.lacking:
            return [part]
        start, official = f"{part}/" if part else "", self._official[part]
        found = sum(sample.id.startswith(start) for sample in self)
        title = f"{part}: " if part else ""
        return [f"{title}{official - found} of {official} faces"] if found < official else []

    def faces(self, root: Path) -> Iterator[Callable[[], Sample | None]]:
        """The faces of the folders; of the JSON file where none of them is there but that is."""
        parts = _parts(root, self.split)
        json = root / "annotations" / f"face_landmarks_300w_{JSON[self.split]}.json"
        if json.is_file() and not any((root / part).is_dir() for part in parts):
            self._official = {"": sum(parts.values())}
            for face in coco_file.labelled_faces(json, coco_file.read(json)):
                if self.split != "helen_test" or face.name.startswith("helen/"):
                    yield partial(self._json_face, root, face)
            return
        self._official = parts
        for part in parts:
            if not (root / part).is_dir():
                if not self.allow_missing:
                    raise self.absent(root / part)
                self.lacking.append(part)
            for path in sorted((root / part).glob("*.pts")):
                if not path.stem.endswith("_mirror"):
                    yield partial(self._pts_face, path, part)

    def _pts_face(self, path: Path, part: str) -> Sample:
        picture = picture_of(path)
        if picture is None:
            raise FileNotFoundError(f"{path}: no picture of that name (.jpg or .png) beside it")
        return self._sample(picture, read_pts(path, len(IBUG68)), f"{part}/{path.stem}")

    def _json_face(self, root: Path, face: coco_file.Face) -> Sample:
        picture = self.picture(root / "images" / face.file_name)
        points, _ = face.positions(len(IBUG68))
        file, _, number = face.name.partition("#")
        name = Path(file).with_suffix("").as_posix()
        return self._sample(picture, points - 1, f"{name}#{number}" if number else name)

    def _sample(self, picture: Path, points: NDArray[np.floating], name: str) -> Sample:
        part, _, stem = name.rpartition("/")
        photo = stem if part.startswith(("lfpw", "Test")) else stem.rpartition("_")[0] or stem
        tags = _subsets(part, self.split)
        return labelled(picture, points, id=name, group=f"{part}/{photo}", tags=tags)


def _parts(root: Path, split: str) -> dict[str, int]:
    flat = split == "test" and not any((root / part).is_dir() for part in SPLITS["test"])
    if flat and (root / "Test").is_dir():
        return {"Test": 600}
    return {part: PARTS[part] for part in SPLITS[split]}


def _subsets(part: str, split: str) -> dict[str, float]:
    tags = {f"subset/{part}": 1.0} if part else {}
    if split == "full":
        tags["subset/challenge" if part == "ibug" else "subset/common"] = 1.0
    return tags
