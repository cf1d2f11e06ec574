"""300-W (Sagonas et al. 2013): AFW, HELEN, LFPW, IBUG and the 300-W test set, 68 points in .pts files."""

from __future__ import annotations

from pathlib import Path

from canthus.datasets.dataset import Report, SampleList, labelled, picture_of, problem
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


class W300(SampleList):
    """The 300-W folders: pictures with a .pts file of the same name beside them.

    Files count from 1, so 1 px is subtracted. Visibility is not stated. The box is the tight box of the
    points. Mirrored copies (`*_mirror.pts`) that some releases carry are left out. Faces of one photo share
    a group: the part and the file name up to its last `_` (LFPW and the test set have one face a photo: the
    whole name).
    """

    name = "300w"
    splits = tuple(SPLITS)
    source = "iBUG, 300 Faces In-the-Wild (300-W), ibug.doc.ic.ac.uk/resources/300-W"
    tree = "ROOT/{afw,{helen,lfpw}/{trainset,testset},ibug,Test/{01_Indoor,02_Outdoor}}/*.{pts,jpg or png}"

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
        root, missing, samples = Path(root), [], list[Sample]()
        for part, official in _parts(root, split).items():
            if not (root / part).is_dir():
                if not allow_missing:
                    raise self.absent(root / part)
                missing.append(part)
                continue
            found = _read_part(root, part, split, report)
            if len(found) < official:
                missing.append(f"{part}: {official - len(found)} of {official} faces")
            samples += found
        if not samples and report is None:
            raise self.absent(root, "labelled face")
        super().__init__(split, self.check_scheme(scheme, IBUG68), samples, missing)


def _parts(root: Path, split: str) -> dict[str, int]:
    flat = split == "test" and not any((root / part).is_dir() for part in SPLITS["test"])
    if flat and (root / "Test").is_dir():
        return {"Test": 600}
    return {part: PARTS[part] for part in SPLITS[split]}


def _read_part(root: Path, part: str, split: str, report: Report | None) -> list[Sample]:
    samples = []
    for path in sorted((root / part).glob("*.pts")):
        if path.stem.endswith("_mirror"):
            continue
        image = picture_of(path)
        try:
            if image is None:
                raise FileNotFoundError(f"{path}: no picture of that name (.jpg or .png) beside it")
            points = read_pts(path, len(IBUG68))
        except (OSError, ValueError) as error:
            problem(error, report)
            continue
        one_a_photo = part.startswith(("lfpw", "Test"))
        photo = path.stem if one_a_photo else path.stem.rpartition("_")[0] or path.stem
        samples.append(
            labelled(
                image, points, id=f"{part}/{path.stem}", group=f"{part}/{photo}", tags=_subsets(part, split)
            )
        )
    return samples


def _subsets(part: str, split: str) -> dict[str, float]:
    tags = {f"subset/{part}": 1.0}
    if split == "full":
        tags["subset/challenge" if part == "ibug" else "subset/common"] = 1.0
    return tags
