"""Shape models by their files: ours, and those that users get from their makers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from canthus.morphable_models.basel import read_basel
from canthus.morphable_models.ict_facekit import is_ict, read_ict, read_ict_landmarks
from canthus.morphable_models.morphable_model import MorphableModel, load_model
from canthus.morphable_models.tddfa import Whitening, is_tddfa, read_tddfa


def read_model(path: str | Path) -> MorphableModel:
    """The shape model in a file or folder.

    An .npz of this package or with the landmarks of ICT-FaceKit; ICT-FaceKit's folder; the folder `3dmm_data`
    of SynergyNet, or 3DDFA_V2's `bfm_noneck_v3.pkl`; `BFM_model_front.mat` of Deep3DFaceRecon. `licence` of
    the model says under which terms. Raises FileNotFoundError and ValueError that say where to get it.
    """
    return read_whitened(path)[0]


def read_whitened(path: str | Path) -> tuple[MorphableModel, Whitening | None]:
    """The same, and the whitening of SynergyNet's and 3DDFA_V2's parameters where it lies beside them."""
    place = Path(path)
    if not place.exists():
        raise FileNotFoundError(f"{place}: no such shape model, neither a file nor a folder")
    if is_tddfa(place):
        return read_tddfa(place)
    if place.is_dir() and is_ict(place):
        return read_ict(place), None
    if place.suffix == ".mat":
        return read_basel(place), None
    if place.suffix == ".npz":
        return (read_ict_landmarks(place) if _names(place) == ICT_NAMES else load_model(place)), None
    raise ValueError(f"{place}: not a shape model; expected {EXPECTED}")


#: The arrays of ICT-FaceKit's landmarks in one file.
ICT_NAMES = {"mean", "identity", "expression", "expression_names"}
EXPECTED = (
    "an .npz of canthus learn-shape, a folder of ICT-FaceKit, SynergyNet's folder 3dmm_data, "
    "bfm_noneck_v3.pkl or BFM_model_front.mat"
)


def _names(path: Path) -> set[str]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return set(file.files)
    except (ValueError, OSError) as error:
        raise ValueError(f"{path}: not a shape model ({error}); expected {EXPECTED}") from None
