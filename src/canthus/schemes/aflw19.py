"""The 19 points of AFLW as the field uses them (Koestinger et al. 2011; 21 points without the ears)."""

from canthus.schemes.ibug68 import mirror
from canthus.schemes.scheme import Part, Scheme

_PAIRS = ((0, 5), (1, 4), (2, 3), (6, 11), (7, 10), (8, 9), (12, 14), (15, 17))

# The 68-point landmarks that have a counterpart: brows, eye corners, nose, mouth corners, chin.
_IN_68 = {
    **{17: (0,), 19: (1,), 21: (2,), 22: (3,), 24: (4,), 26: (5,), 36: (6,), 39: (8,), 42: (9,), 45: (11,)},
    **{30: (13,), 31: (12,), 35: (14,), 48: (15,), 54: (17,), 8: (18,)},
}

AFLW19 = Scheme(
    name="aflw19",
    names=(
        *("right_brow_outer", "right_brow_center", "right_brow_inner"),
        *("left_brow_inner", "left_brow_center", "left_brow_outer"),
        *("right_eye_outer", "right_eye_center", "right_eye_inner"),
        *("left_eye_inner", "left_eye_center", "left_eye_outer"),
        *("nose_right", "nose_center", "nose_left"),
        *("mouth_right", "mouth_center", "mouth_left", "chin"),
    ),
    flip=mirror(19, _PAIRS),
    parts={
        "right_brow": Part((0, 1, 2)),
        "left_brow": Part((3, 4, 5)),
        "right_eye": Part((6, 7, 8)),
        "left_eye": Part((9, 10, 11)),
        "nose": Part((12, 13, 14)),
        "mouth": Part((15, 16, 17)),
        "chin": Part((18,)),
    },
    normalizers={"inter_ocular": ((6,), (11,)), "inter_pupil": ((7,), (10,))},
    default_normalizer="annotation_box_max",
    conversions={
        "five": ((7,), (10,), (13,), (15,), (17,)),
        "ibug68_3d": tuple(_IN_68.get(i, ()) for i in range(68)),
    },
)
