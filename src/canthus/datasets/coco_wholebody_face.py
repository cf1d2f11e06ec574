"""COCO-WholeBody (Jin et al. 2020): the faces of people in COCO pictures, 68 points."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from canthus.datasets import coco_file
from canthus.datasets.dataset import LabelledTree, boxed, labelled
from canthus.sample import Sample
from canthus.schemes.ibug68 import IBUG68


class CocoWholeBodyFace(LabelledTree):
    """`face_kpts` of the annotations whose `face_valid` is true, as mmpose reads them.

    Coordinates are taken as they are: 0-based px. v = 0 is no position; visibility is not stated. `box`
    (`landmarks` kind) is `face_box` clipped to the picture. People without a valid face, without a single
    labelled point, without a box of some size, and crowds are left out. The group is the picture.
    """

    name = "coco_wholebody_face"
    native = IBUG68
    default_boxes = "dataset"
    splits = ("val", "train")
    source = "COCO-WholeBody, github.com/jin-s13/COCO-WholeBody, with the 2017 pictures of cocodataset.org"
    tree = "ROOT/annotations/coco_wholebody_{train,val}_v1.0.json with ROOT/{train2017,val2017}"

    def faces(self, root: Path) -> Iterator[Callable[[], Sample | None]]:
        """The annotated people."""
        path = root / "annotations" / f"coco_wholebody_{self.split}_v1.0.json"
        if not path.is_file():
            raise self.absent(path, "file")
        for face in coco_file.faces(path, coco_file.read(path)):
            if face.item.get("face_valid"):
                yield partial(self._sample, root, face)

    def _sample(self, root: Path, face: coco_file.Face) -> Sample | None:
        if (face.keypoints(len(IBUG68), "face_kpts") <= 0).all():
            return None
        points, _ = face.positions(len(IBUG68), "face_kpts")
        box = face.clipped_box("face_box")
        if not (box[2:] > box[:2]).all():
            return None
        picture = self.picture(root / f"{self.split}2017" / face.file_name)
        return boxed(labelled(picture, points, id=face.name, group=face.file_name), box)
