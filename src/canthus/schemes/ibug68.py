"""The 68 points of iBUG / 300-W / Multi-PIE, following the visible contour of a turned head."""

from canthus.schemes.scheme import Part, Scheme

_PAIRS = (
    *((i, 16 - i) for i in range(8)),  # jaw
    *((17 + i, 26 - i) for i in range(5)),  # brows
    *((31, 35), (32, 34)),  # nostrils
    *((36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)),  # eyes
    *((48, 54), (49, 53), (50, 52), (55, 59), (56, 58)),  # outer lip
    *((60, 64), (61, 63), (65, 67)),  # inner lip
)


def mirror(count: int, pairs: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    """The flip permutation of `count` points whose swapped pairs are given."""
    flip = list(range(count))
    for a, b in pairs:
        flip[a], flip[b] = b, a
    return tuple(flip)


def _run(start: int, stop: int) -> tuple[int, ...]:
    return tuple(range(start, stop))


NAMES = (
    *(f"jaw_{i}" for i in range(17)),
    *(f"right_brow_{i}" for i in range(5)),
    *(f"left_brow_{i}" for i in range(5)),
    *(f"nose_bridge_{i}" for i in range(4)),
    *(f"nose_base_{i}" for i in range(5)),
    *(f"right_eye_{i}" for i in range(6)),
    *(f"left_eye_{i}" for i in range(6)),
    *(f"outer_lip_{i}" for i in range(12)),
    *(f"inner_lip_{i}" for i in range(8)),
)
FLIP = mirror(68, _PAIRS)
PARTS = {
    "jaw": Part(_run(0, 17)),
    "right_brow": Part(_run(17, 22)),
    "left_brow": Part(_run(22, 27)),
    "nose_bridge": Part(_run(27, 31)),
    "nose_base": Part(_run(31, 36)),
    "right_eye": Part(_run(36, 42), closed=True),
    "left_eye": Part(_run(42, 48), closed=True),
    "outer_lip": Part(_run(48, 60), closed=True),
    "inner_lip": Part(_run(60, 68), closed=True),
}
NORMALIZERS = {
    "inter_ocular": ((36,), (45,)),
    "inter_pupil": (_run(36, 42), _run(42, 48)),
}
FIVE = (_run(36, 42), _run(42, 48), (30,), (48,), (54,))
SAME = tuple((i,) for i in range(68))
WITHOUT_JAW = tuple(() if i < 17 else (i,) for i in range(68))

IBUG68 = Scheme(
    name="ibug68",
    names=NAMES,
    flip=FLIP,
    parts=PARTS,
    normalizers=NORMALIZERS,
    default_normalizer="inter_ocular",
    conversions={
        "five": FIVE,
        "ibug68_3d": WITHOUT_JAW,
        "face_synthetics70": (*WITHOUT_JAW, (), ()),
    },
)
