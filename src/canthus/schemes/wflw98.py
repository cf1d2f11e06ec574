"""The 98 points of WFLW (Wu et al. 2018, "Look at Boundary"), on the visible contour of a turned head."""

from canthus.schemes.ibug68 import mirror
from canthus.schemes.scheme import Part, Scheme

_PAIRS = (
    *((i, 32 - i) for i in range(16)),  # contour
    *((33, 46), (34, 45), (35, 44), (36, 43), (37, 42), (38, 50), (39, 49), (40, 48), (41, 47)),  # brows
    *((55, 59), (56, 58)),  # nostrils
    *((60, 72), (61, 71), (62, 70), (63, 69), (64, 68), (65, 75), (66, 74), (67, 73)),  # eyes
    *((76, 82), (77, 81), (78, 80), (83, 87), (84, 86)),  # outer lip
    *((88, 92), (89, 91), (93, 95)),  # inner lip
    (96, 97),  # pupils
)


def _run(start: int, stop: int) -> tuple[int, ...]:
    return tuple(range(start, stop))


NAMES = (
    *(f"jaw_{i}" for i in range(33)),
    *(f"right_brow_{i}" for i in range(9)),
    *(f"left_brow_{i}" for i in range(9)),
    *(f"nose_bridge_{i}" for i in range(4)),
    *(f"nose_base_{i}" for i in range(5)),
    *(f"right_eye_{i}" for i in range(8)),
    *(f"left_eye_{i}" for i in range(8)),
    *(f"outer_lip_{i}" for i in range(12)),
    *(f"inner_lip_{i}" for i in range(8)),
    "right_pupil",
    "left_pupil",
)
# Every 68-point landmark is the mean of these (an index twice weighs two thirds), Jin et al. 2021, PIPNet; of
# the brows y alone: their x is that of the upper edge.
_INNER_68 = (
    *((33,), (34, 41), (35, 40), (36, 39), (37, 38)),
    *((42, 50), (43, 49), (44, 48), (45, 47), (46,)),
    *((i,) for i in range(51, 60)),
    *((60,), (61, 61, 62), (63, 63, 62), (64,), (65, 65, 66), (67, 67, 66)),
    *((68,), (69, 69, 70), (71, 71, 70), (72,), (73, 73, 74), (75, 75, 74)),
    *((i,) for i in range(76, 96)),
)
_UPPER_68 = {**{17 + i: 33 + i for i in range(1, 5)}, **{22 + i: 42 + i for i in range(4)}}

WFLW98 = Scheme(
    name="wflw98",
    names=NAMES,
    flip=mirror(98, _PAIRS),
    parts={
        "jaw": Part(_run(0, 33)),
        "right_brow": Part(_run(33, 42), closed=True),
        "left_brow": Part(_run(42, 51), closed=True),
        "nose_bridge": Part(_run(51, 55)),
        "nose_base": Part(_run(55, 60)),
        "right_eye": Part(_run(60, 68), closed=True),
        "left_eye": Part(_run(68, 76), closed=True),
        "outer_lip": Part(_run(76, 88), closed=True),
        "inner_lip": Part(_run(88, 96), closed=True),
        "right_pupil": Part((96,)),
        "left_pupil": Part((97,)),
    },
    normalizers={"inter_ocular": ((60,), (72,)), "inter_pupil": ((96,), (97,))},
    default_normalizer="inter_ocular",
    conversions={
        "five": ((96,), (97,), (54,), (76,), (82,)),
        "ibug68": (*((2 * i,) for i in range(17)), *_INNER_68),
        "ibug68_3d": (*(() for _ in range(17)), *_INNER_68),
    },
    abscissae={"ibug68": _UPPER_68, "ibug68_3d": _UPPER_68},
)
