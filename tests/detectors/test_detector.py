"""What all detectors share: fitting a picture, thinning out boxes."""

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from canthus.detectors.detector import fit, non_maximum_suppression, select


def test_fit_shrinks_as_opencv_and_pads_with_black() -> None:
    image = np.random.default_rng(0).integers(0, 256, (100, 201, 3), dtype=np.uint8)
    fitted = fit(image, 64)
    assert fitted.image.shape == (32, 64, 3)
    np.testing.assert_array_equal(fitted.image, cv2.resize(image, (64, 32), interpolation=cv2.INTER_AREA))
    small = fit(image[:10, :33], 64)  # never enlarged
    assert small.image.shape == (32, 64, 3)
    np.testing.assert_array_equal(small.image[:10, :33], image[:10, :33])
    assert not small.image[10:].any()
    assert not small.image[:, 33:].any()


@given(st.integers(1, 500), st.integers(1, 500), st.sampled_from([32, 96, 320]))
def test_fit_and_back(height: int, width: int, size: int) -> None:
    """The corners of the shrunk picture are those of the original; sides are multiples of 32."""
    fitted = fit(np.zeros((height, width, 3), np.uint8), size)
    rows, columns = fitted.image.shape[:2]
    assert rows % 32 == 0
    assert columns % 32 == 0
    assert max(rows, columns) <= max(size, 32)
    scale = min(1.0, size / max(height, width))
    last = np.array([max(1, round(width * scale)), max(1, round(height * scale))]) - 0.5
    np.testing.assert_allclose(fitted.back(np.array([-0.5, -0.5])), [-0.5, -0.5], atol=1e-3)
    np.testing.assert_allclose(fitted.back(last), [width - 0.5, height - 0.5], atol=1e-3)


def naive_suppression(boxes: list[list[float]], scores: list[float], limit: float) -> list[int]:
    def iou(a: list[float], b: list[float]) -> float:
        width = min(a[2], b[2]) - max(a[0], b[0])
        height = min(a[3], b[3]) - max(a[1], b[1])
        inter = max(width, 0) * max(height, 0)
        area = [(c[2] - c[0]) * (c[3] - c[1]) for c in (a, b)]
        return inter / (sum(area) - inter)

    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        if all(iou(boxes[i], boxes[j]) <= limit for j in kept):
            kept.append(i)
    return kept


corner = st.integers(0, 30)
side = st.integers(1, 30)


@given(st.lists(st.tuples(corner, corner, side, side), max_size=12), st.sampled_from([0.0, 0.3, 0.7]))
def test_suppression_against_a_naive_loop(rows: list[tuple[int, int, int, int]], limit: float) -> None:
    boxes = [[float(x), float(y), float(x + w), float(y + h)] for x, y, w, h in rows]
    scores = [float(i * 7 % 13) for i in range(len(boxes))]
    found = non_maximum_suppression(np.array(boxes).reshape(-1, 4), np.array(scores), limit)
    assert found.tolist() == naive_suppression(boxes, scores, limit)


def test_select_takes_likely_finite_boxes() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 11], [50, 0, 60, 10], [0, 50, np.inf, 60], [90, 90, 99, 99]])
    scores = np.array([0.7, 0.9, 0.6, 0.99, 0.1])
    points = np.arange(50.0).reshape(5, 5, 2)
    found = select(boxes, scores, points, 0.5, 0.4)
    np.testing.assert_allclose(found.scores, [0.9, 0.6])
    np.testing.assert_allclose(found.boxes, boxes[[1, 2]])
    assert found.five_points is not None
    np.testing.assert_allclose(found.five_points, points[[1, 2]])


def test_select_nothing() -> None:
    found = select(np.zeros((3, 4)), np.zeros(3), np.zeros((3, 5, 2)), 0.5, 0.4)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)
