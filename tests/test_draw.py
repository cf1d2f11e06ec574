"""Faces on a picture, judged by their pixels."""

from dataclasses import replace

import numpy as np
import pytest

from canthus.draw import BOX, ELLIPSE, HIDDEN, LINE, VISIBLE, Layers, draw_faces, draw_onto, ellipse
from canthus.faces import Faces
from canthus.morphable_models import rotation_matrix, sparse_model
from canthus.morphable_models.mesh import delaunay, sparse_edges
from canthus.schemes import FIVE, SCHEMES

POINTS = np.array([[[40, 40], [80, 40], [60, 60], [45, 80], [75, 80]]], np.float32)


def faces(points: np.ndarray = POINTS, **more: object) -> Faces:
    return Faces(points, np.ones((1, 5)), np.array([[20, 20, 100, 100]]), FIVE, **more)  # type: ignore[arg-type]


def near(found: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Where pixels (..., 3) have this colour, or over black a share of it: thin lines are soft."""
    brightest = found.max(axis=-1, keepdims=True).astype(float)
    hue = found / np.maximum(brightest, 1)
    return (brightest[..., 0] > 60) & (np.abs(hue - np.array(colour) / max(colour)).max(axis=-1) < 0.1)


def canvas() -> np.ndarray:
    return np.zeros((120, 120, 3), np.uint8)


def test_points_lines_and_box_have_their_colours() -> None:
    image = canvas()
    out = draw_faces(image, faces())
    assert not image.any()  # a copy
    assert near(out[60, 60], VISIBLE)
    assert near(out[40, 60], LINE)  # between the eyes
    assert near(out[20, 60], BOX)
    assert tuple(out[70, 60]) == (0, 0, 0)


def test_every_layer_can_be_left_out() -> None:
    plain = {"lines": False, "points": False, "boxes": False}
    assert not draw_faces(canvas(), faces(), Layers(**plain)).any()
    for layer, place, colour in (
        ("lines", (40, 60), LINE),
        ("points", (60, 60), VISIBLE),
        ("boxes", (20, 60), BOX),
    ):
        assert near(draw_faces(canvas(), faces(), Layers(**{**plain, layer: True}))[place], colour)


def test_hidden_points_are_rings() -> None:
    visibility = np.array([[1, 1, 0.4, 1, 1]])
    big = faces(POINTS * 10, visibility=visibility)
    out = draw_faces(np.zeros((1200, 1200, 3), np.uint8), big, Layers(boxes=False, lines=False))
    assert tuple(out[600, 600]) == (0, 0, 0)  # open in the middle
    assert (out[580:621, 580:621] == HIDDEN).all(axis=2).any()
    assert tuple(out[400, 400]) == VISIBLE
    assert not (out == HIDDEN).all(axis=2)[:500].any()


def test_ellipse_of_a_diagonal_covariance() -> None:
    """-2 ln(1 - 0.5) = 1.3863: half-axes 2 and 3 times its square root."""
    outline = ellipse(np.array([10.0, 20.0]), np.diag([4.0, 9.0]), 0.5, count=400)
    root = np.sqrt(-2 * np.log(0.5))
    np.testing.assert_allclose(outline.max(0), [10 + 2 * root, 20 + 3 * root], atol=1e-3)
    np.testing.assert_allclose(outline.min(0), [10 - 2 * root, 20 - 3 * root], atol=1e-3)


@pytest.mark.parametrize("probability", [0.5, 0.9])
def test_ellipse_holds_the_stated_share(probability: float) -> None:
    covariance = np.array([[4.0, 1.5], [1.5, 2.0]])
    draws = np.random.default_rng(0).multivariate_normal([0, 0], covariance, 20000)
    distance = np.einsum("ni,ij,nj->n", draws, np.linalg.inv(covariance), draws)
    edge = ellipse(np.zeros(2), covariance, probability)
    radius = np.einsum("ni,ij,nj->n", edge, np.linalg.inv(covariance), edge)
    np.testing.assert_allclose(radius, radius[0])  # a curve of equal Mahalanobis distance
    assert abs((distance <= radius[0]).mean() - probability) < 0.01


def test_ellipses_are_drawn_on_request() -> None:
    uncertain = faces(POINTS * 10, covariance=np.tile(np.diag([2500.0, 2500.0]), (1, 5, 1, 1)))
    large = np.zeros((1200, 1200, 3), np.uint8)
    assert not near(draw_faces(large, uncertain), ELLIPSE).any()
    drawn = near(draw_faces(large, uncertain, Layers(ellipses=0.5)), ELLIPSE)
    radius = 50 * np.sqrt(-2 * np.log(0.5))
    assert drawn[600, 600 + round(radius)]
    assert not drawn[600, 600 : 600 + round(radius) - 8].any()
    with pytest.raises(ValueError, match="between 0 and 1"):
        Layers(ellipses=1.5)


def test_widths_follow_the_size_of_the_face() -> None:
    """Over black, the brightness across a line is its width times its colour."""
    widths = []
    for scale in (5, 20):
        side = 120 * scale
        points = (POINTS + 0.5) * scale - 0.5
        out = draw_faces(
            np.zeros((side, side, 3), np.uint8), faces(points), Layers(boxes=False, points=False)
        )
        widths.append(out[35 * scale : 45 * scale, 60 * scale, 1].sum() / LINE[1])
    diagonal = np.hypot(40, 40)
    for width, expected in zip(widths, (5 * diagonal / 220, 20 * diagonal / 220), strict=True):
        assert expected - 0.5 < width < expected + 3  # OpenCV's soft edges add about two px


def test_only_the_drawing_changes_pixels() -> None:
    """Small faces are drawn enlarged and averaged back: what is not drawn over stays exactly the same."""
    image = np.random.default_rng(0).integers(0, 200, (120, 120, 3), dtype=np.uint8)
    changed = (draw_faces(image, faces(), Layers(boxes=False, lines=False)) != image).any(axis=2)
    ys, xs = np.nonzero(changed)
    distance = np.abs(np.stack([xs, ys], axis=1)[:, None] - POINTS[0]).max(axis=2).min(axis=1)
    assert 5 <= len(xs) <= 5 * 9
    assert distance.max() <= 1


def test_a_face_cut_by_the_border() -> None:
    out = draw_faces(canvas(), faces(POINTS - [60, 0]), Layers(boxes=False))
    assert near(out[60, 0], VISIBLE)
    assert near(out[40, 10], LINE)


def test_points_outside_or_without_position_draw_nothing_wrong() -> None:
    points = POINTS.copy()
    points[0, 0] = np.nan
    points[0, 1] = 1e9
    out = draw_faces(canvas(), faces(points - [1000, 0]), Layers(boxes=False))
    assert not out.any()


def test_draw_onto_changes_the_picture_itself() -> None:
    image = canvas()
    expected = draw_faces(image, faces())
    draw_onto(image, faces())
    np.testing.assert_array_equal(image, expected)


def test_no_faces() -> None:
    assert not draw_faces(canvas(), Faces.empty(FIVE)).any()


def test_axes_and_mesh() -> None:
    """Blue, out of the face, points to the picture's left for a positive yaw; the mesh joins the points."""
    scale, yaw = 60.0, 40.0
    inside = sparse_model().mean @ rotation_matrix([yaw, 0.0, 0.0]).T
    points = (inside[:, :2] * (scale, -scale) + 150.0)[None].astype(np.float32)
    pose = np.array([[yaw, 0.0, 0.0]], np.float32)
    scores, boxes = np.ones((1, 68), np.float32), np.array([[60, 60, 240, 240]], np.float32)
    faces = Faces(points, scores, boxes, SCHEMES["ibug68_3d"], pose=pose)
    nothing = {"lines": False, "points": False, "boxes": False}
    picture = np.zeros((300, 300, 3), np.uint8)
    drawn = draw_faces(picture, faces, Layers(**nothing, axes=True)).astype(int)
    blue = (drawn[..., 2] > 150) & (drawn[..., 0] < 110)
    green = (drawn[..., 1] > 150) & (drawn[..., 0] < 90)
    middle = points[0].mean(0)
    assert blue.any() and np.nonzero(blue)[1].mean() < middle[0] - 10
    assert green.any() and np.nonzero(green)[0].mean() < middle[1] - 10
    mesh = draw_faces(picture, faces, Layers(**nothing, mesh=True))
    x, y = (points[0, 30] + points[0, 33]) / 2  # from the nose tip to the base: an edge of the front view
    assert (
        mesh.any()
        and mesh[round(float(y)) - 2 : round(float(y)) + 3, round(float(x)) - 2 : round(float(x)) + 3].any()
    )
    assert not draw_faces(picture, replace(faces, pose=None), Layers(**nothing, axes=True)).any()


def test_triangles_by_hand() -> None:
    square = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0], [1.0, 0.4]])
    assert {tuple(sorted(t)) for t in delaunay(square).tolist()} == {
        (0, 1, 4),
        (1, 2, 4),
        (2, 3, 4),
        (0, 3, 4),
    }
    assert len(sparse_edges()) == len(set(sparse_edges())) <= 3 * 68 - 6
