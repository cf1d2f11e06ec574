"""Linear 3D shape models of the face: as data, learnt from 2D landmarks, and fitted to them."""

from canthus.morphable_models.camera import Orthographic, Perspective
from canthus.morphable_models.fitting import Fit, fit, fit_pose
from canthus.morphable_models.morphable_model import MorphableModel
from canthus.morphable_models.pose import euler_angles, rotation_matrix
from canthus.morphable_models.readers import read_model
from canthus.morphable_models.sparse import measurable, sparse_model

__all__ = [
    "Fit",
    "MorphableModel",
    "Orthographic",
    "Perspective",
    "euler_angles",
    "fit",
    "fit_pose",
    "measurable",
    "read_model",
    "rotation_matrix",
    "sparse_model",
]
