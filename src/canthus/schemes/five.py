"""The five points that face detectors give: eye centres, nose tip, mouth corners (person's right first)."""

from canthus.schemes.scheme import Part, Scheme

FIVE = Scheme(
    name="five",
    names=("right_eye", "left_eye", "nose_tip", "right_mouth_corner", "left_mouth_corner"),
    flip=(1, 0, 2, 4, 3),
    parts={"eyes": Part((0, 1)), "nose": Part((2,)), "mouth": Part((3, 4))},
    normalizers={"inter_pupil": ((0,), (1,))},
    default_normalizer="inter_pupil",
)
