"""What is filmed is where it should be."""

from __future__ import annotations

import numpy as np

from canthus.stability.motion import placements
from canthus.stability.rendering import HEIGHT, WIDTH, Camera, Sheet, film, shrunk

PERFECT = Camera(noise=0.0, quality=100, flicker=0.0, seed=0)


def spot(centers: np.ndarray, scale: float = 1.0) -> Sheet:
    """A bright Gaussian spot of 41 px whose middle is its only point."""
    offset = np.arange(41) - 20
    light = 200 * np.exp(-np.add.outer(offset**2, offset**2) / 50)
    image = np.repeat(np.rint(light)[..., None], 3, axis=2).astype(np.uint8)
    maps = placements((20, 20), centers, scale)
    return Sheet(image, np.ones((41, 41), np.float32), maps, np.array([[20.0, 20.0]]))


def centroid(image: np.ndarray) -> np.ndarray:
    light = np.clip(image[..., 1].astype(float) - 10, 0, None)
    return (
        np.array([(light.sum(0) * np.arange(WIDTH)).sum(), (light.sum(1) * np.arange(HEIGHT)).sum()])
        / light.sum()
    )


def test_the_truth_is_where_the_picture_shows_it_moving_or_not() -> None:
    centers = np.array([[100.0, 80.0], [100.5, 80.25], [108.0, 84.0], [160.0, 120.0]])
    sheet = spot(centers, 1.5)
    frames = list(film(np.zeros((HEIGHT, WIDTH, 3), np.float32), [sheet], PERFECT))
    np.testing.assert_allclose(sheet.truth()[:, 0], centers)
    for frame in (0, 1, 3):  # the shutter's blur is centred on the frame, straight on to the next place
        np.testing.assert_allclose(centroid(frames[frame]), centers[frame], atol=0.15)
    assert frames[0].max() > frames[2].max() + 15  # the third moves 52 px to the next and is blurred


def test_later_sheets_hide_earlier_ones() -> None:
    still = np.array([[100.0, 80.0]])
    front = Sheet(
        np.zeros((21, 21, 3), np.uint8), np.ones((21, 21), np.float32), placements((10, 10), still, 1.0)
    )
    (frame,) = film(np.zeros((HEIGHT, WIDTH, 3), np.float32), [spot(still), front], PERFECT)
    assert frame[75:86, 95:106].max() < 15
    assert front.hides(np.array([[100.0, 80.0], [111.0, 80.0], [-500.0, 80.0]]), 0).tolist() == [
        True,
        False,
        False,
    ]


def test_cameras_noise_flicker_and_seed() -> None:
    grey = np.full((HEIGHT, WIDTH, 3), 128, np.float32)
    sheets = [spot(np.full((6, 2), -100.0))]
    noisy = np.stack(list(film(grey, sheets, Camera(5.0, 100, 0.0, 3))))
    assert 3 < noisy[0].std() < 5  # five grey levels, less what JPEG takes from the colours
    assert np.abs(noisy[0].astype(float) - noisy[1]).mean() > 3
    np.testing.assert_array_equal(noisy[2], list(film(grey, sheets, Camera(5.0, 100, 0.0, 3)))[2])
    flickering = np.stack(list(film(grey, sheets, Camera(0.0, 100, 0.05, 3))))
    assert np.ptp(flickering.mean(axis=(1, 2, 3))) > 3


def test_shrinking_keeps_points_on_their_place() -> None:
    image = spot(np.zeros((1, 2))).image
    small, points = shrunk(image, np.array([[20.0, 20.0]]), 0.5)
    assert small.shape[:2] == (20, 20)
    np.testing.assert_allclose(points, [[9.5, 9.5]])
    assert shrunk(image, points, 1.2)[0] is image
