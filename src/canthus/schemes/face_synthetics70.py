"""The 70 points of Microsoft FaceSynthetics: `ibug68_3d` and the two pupils (Wood et al. 2021)."""

from canthus.schemes.ibug68 import FIVE, FLIP, NAMES, NORMALIZERS, PARTS, SAME, WITHOUT_JAW
from canthus.schemes.scheme import Part, Scheme

FACE_SYNTHETICS70 = Scheme(
    name="face_synthetics70",
    names=(*NAMES, "right_pupil", "left_pupil"),
    flip=(*FLIP, 69, 68),
    parts={**PARTS, "right_pupil": Part((68,)), "left_pupil": Part((69,))},
    normalizers=NORMALIZERS,
    default_normalizer="inter_ocular",
    conversions={"five": FIVE, "ibug68_3d": SAME, "ibug68": WITHOUT_JAW},
)
