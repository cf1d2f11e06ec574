"""The 106 points of LaPa (Liu et al. 2020), those of JD-landmark, on the visible contour of a turned head."""

from canthus.schemes.ibug68 import mirror
from canthus.schemes.scheme import Part, Scheme


def _run(start: int, stop: int) -> tuple[int, ...]:
    return tuple(range(start, stop))


_PAIRS = (
    *((i, 32 - i) for i in range(16)),  # contour
    *((33 + i, 46 - i) for i in range(5)),  # brows, upper edge
    *((38 + i, 50 - i) for i in range(4)),  # brows, lower edge
    *((55 + i, 65 - i) for i in range(5)),  # sides and base of the nose
    *((66 + i, 79 - i) for i in range(5)),  # eyes, upper lid and corners
    *((71, 82), (72, 81), (73, 80), (74, 83)),  # eyes, lower lid and middle
    *((84, 90), (85, 89), (86, 88), (91, 95), (92, 94)),  # outer lip
    *((96, 100), (97, 99), (101, 103)),  # inner lip
    (104, 105),  # pupils
)

# Every 68-point landmark is the mean of these (an index twice weighs two thirds): of the brows the upper
# edge, which is where iBUG's lie, and eyes with six points instead of eight, as for WFLW.
_INNER_68 = (
    *((i,) for i in (*range(33, 38), *range(42, 47), *range(51, 55), *range(58, 63))),
    *((66,), (67, 67, 68), (69, 69, 68), (70,), (71, 71, 72), (73, 73, 72)),
    *((75,), (76, 76, 77), (78, 78, 77), (79,), (80, 80, 81), (82, 82, 81)),
    *((i,) for i in range(84, 104)),
)

LAPA106 = Scheme(
    name="lapa106",
    names=(
        *(f"jaw_{i}" for i in range(33)),
        *(f"right_brow_{i}" for i in range(9)),
        *(f"left_brow_{i}" for i in range(9)),
        *(f"nose_bridge_{i}" for i in range(4)),
        *(f"nose_base_{i}" for i in range(11)),
        *(f"right_eye_{i}" for i in range(8)),
        "right_eye_middle",
        *(f"left_eye_{i}" for i in range(8)),
        "left_eye_middle",
        *(f"outer_lip_{i}" for i in range(12)),
        *(f"inner_lip_{i}" for i in range(8)),
        "right_pupil",
        "left_pupil",
    ),
    flip=mirror(106, _PAIRS),
    parts={
        "jaw": Part(_run(0, 33)),
        "right_brow": Part(_run(33, 42), closed=True),
        "left_brow": Part(_run(42, 51), closed=True),
        "nose_bridge": Part(_run(51, 55)),
        "nose_base": Part(_run(55, 66)),
        "right_eye": Part(_run(66, 74), closed=True),
        "left_eye": Part(_run(75, 83), closed=True),
        "right_eye_middle": Part((74,)),
        "left_eye_middle": Part((83,)),
        "outer_lip": Part(_run(84, 96), closed=True),
        "inner_lip": Part(_run(96, 104), closed=True),
        "right_pupil": Part((104,)),
        "left_pupil": Part((105,)),
    },
    normalizers={"inter_ocular": ((66,), (79,)), "inter_pupil": ((104,), (105,))},
    default_normalizer="inter_ocular",
    conversions={
        "five": ((104,), (105,), (54,), (84,), (90,)),
        "ibug68": (*((2 * i,) for i in range(17)), *_INNER_68),
        "ibug68_3d": (*(() for _ in range(17)), *_INNER_68),
    },
)
