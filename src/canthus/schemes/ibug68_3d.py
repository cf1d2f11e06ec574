"""The same 68 names with a jaw that stays on the head: its far side lies behind a turned face."""

from canthus.schemes.ibug68 import FIVE, FLIP, NAMES, NORMALIZERS, PARTS, SAME, WITHOUT_JAW
from canthus.schemes.scheme import Scheme

IBUG68_3D = Scheme(
    name="ibug68_3d",
    names=NAMES,
    flip=FLIP,
    parts=PARTS,
    normalizers=NORMALIZERS,
    default_normalizer="landmark_box_sqrt_wh",
    conversions={
        "five": FIVE,
        "ibug68": WITHOUT_JAW,
        "face_synthetics70": (*SAME, (), ()),
    },
)
