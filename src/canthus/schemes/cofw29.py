"""The 29 points of COFW (Burgos-Artizzu et al. 2013), those of LFPW."""

from canthus.schemes.ibug68 import mirror
from canthus.schemes.scheme import Part, Scheme

_PAIRS = (
    *((0, 1), (2, 3), (4, 6), (5, 7)),  # brows
    *((8, 9), (10, 11), (12, 14), (13, 15), (16, 17)),  # eyes and pupils
    *((18, 19), (22, 23)),  # nostrils, mouth corners
)

# The 68-point landmarks that have a counterpart: brow ends and middles, eye corners, nose, mouth, chin.
_IN_68 = {
    **{17: (0,), 19: (4, 5), 21: (2,), 22: (3,), 24: (6, 7), 26: (1,)},
    **{36: (8,), 39: (10,), 42: (11,), 45: (9,), 30: (20,), 31: (18,), 33: (21,), 35: (19,)},
    **{48: (22,), 51: (24,), 54: (23,), 57: (27,), 62: (25,), 66: (26,), 8: (28,)},
}

COFW29 = Scheme(
    name="cofw29",
    names=(
        *("right_brow_outer", "left_brow_outer", "right_brow_inner", "left_brow_inner"),
        *("right_brow_upper", "right_brow_lower", "left_brow_upper", "left_brow_lower"),
        *("right_eye_outer", "left_eye_outer", "right_eye_inner", "left_eye_inner"),
        *("right_eye_upper", "right_eye_lower", "left_eye_upper", "left_eye_lower"),
        *("right_pupil", "left_pupil", "right_nostril", "left_nostril", "nose_upper", "nose_lower"),
        *("right_mouth_corner", "left_mouth_corner", "upper_lip_upper", "upper_lip_lower"),
        *("lower_lip_upper", "lower_lip_lower", "chin"),
    ),
    flip=mirror(29, _PAIRS),
    parts={
        "right_brow": Part((0, 4, 2, 5), closed=True),
        "left_brow": Part((1, 6, 3, 7), closed=True),
        "right_eye": Part((8, 12, 10, 13), closed=True),
        "left_eye": Part((9, 14, 11, 15), closed=True),
        "right_pupil": Part((16,)),
        "left_pupil": Part((17,)),
        "nose": Part((18, 20, 19, 21), closed=True),
        "upper_lip": Part((22, 24, 23, 25), closed=True),
        "lower_lip": Part((22, 26, 23, 27), closed=True),
        "chin": Part((28,)),
    },
    normalizers={"inter_ocular": ((8,), (9,)), "inter_pupil": ((16,), (17,))},
    default_normalizer="inter_ocular",
    conversions={
        "five": ((16,), (17,), (20,), (22,), (23,)),
        "ibug68_3d": tuple(_IN_68.get(i, ()) for i in range(68)),
    },
)
