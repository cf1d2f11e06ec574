"""Readers of datasets. Adding one: a file with a class (see `dataset.Dataset`) and a row here."""

from canthus.datasets.aflw import AFLW
from canthus.datasets.aflw2000_3d import Aflw2000In3d
from canthus.datasets.backgrounds import Backgrounds
from canthus.datasets.coco import Coco
from canthus.datasets.coco_wholebody_face import CocoWholeBodyFace
from canthus.datasets.cofw import COFW
from canthus.datasets.dataset import Dataset, Reader, SampleList
from canthus.datasets.face_synthetics import FaceSynthetics
from canthus.datasets.folder import Folder
from canthus.datasets.lapa import LaPa
from canthus.datasets.merl_rav import MerlRav
from canthus.datasets.tsv import Tsv
from canthus.datasets.w300 import W300
from canthus.datasets.w300_lp import W300LP
from canthus.datasets.wflw import WFLW
from canthus.datasets.youtube_faces import YoutubeFaces

DATASETS: dict[str, Reader] = {
    "300w": W300,
    "coco": Coco,
    "youtube_faces": YoutubeFaces,
    "wflw": WFLW,
    "cofw": COFW,
    "aflw": AFLW,
    "coco_wholebody_face": CocoWholeBodyFace,
    "merl_rav": MerlRav,
    "lapa": LaPa,
    "300w_lp": W300LP,
    "aflw2000_3d": Aflw2000In3d,
    "face_synthetics": FaceSynthetics,
    "tsv": Tsv,
    "folder": Folder,
    "backgrounds": Backgrounds,
}

__all__ = ["DATASETS", "Dataset", "Reader", "SampleList"]
