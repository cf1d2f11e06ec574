"""Training transforms. Adding one: a file with a `Transform` and a row here."""

from canthus.transforms.affine import Affine
from canthus.transforms.box_jitter import BoxJitter
from canthus.transforms.color import Color
from canthus.transforms.degrade import Blur, Downsample, Jpeg, Noise
from canthus.transforms.flip import Flip
from canthus.transforms.half_face import HalfFace, RandomWindow
from canthus.transforms.normal_affine import NormalAffine
from canthus.transforms.occlude import Occlude
from canthus.transforms.texture import BoxBlur, Gamma, Gray, NoiseBlend, Rectangle
from canthus.transforms.transform import Pipeline, Transform, View

TRANSFORMS: dict[str, type[Transform]] = {
    "affine": Affine,
    "blur": Blur,
    "box_blur": BoxBlur,
    "box_jitter": BoxJitter,
    "color": Color,
    "downsample": Downsample,
    "flip": Flip,
    "gamma": Gamma,
    "gray": Gray,
    "half_face": HalfFace,
    "jpeg": Jpeg,
    "noise": Noise,
    "noise_blend": NoiseBlend,
    "normal_affine": NormalAffine,
    "occlude": Occlude,
    "random_window": RandomWindow,
    "rectangle": Rectangle,
}

__all__ = ["TRANSFORMS", "Pipeline", "Transform", "View"]
