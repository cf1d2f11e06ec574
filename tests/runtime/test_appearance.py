"""Looks: the same for the same face, whatever the light; different for different ones."""

from __future__ import annotations

import numpy as np
import pytest

from canthus.runtime.appearance import look, unlikeness

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(20, 120, (60, 80, 3), dtype=np.uint8)
POINTS = RNG.uniform(10, 50, (20, 2))


def test_brightness_and_contrast_do_not_count() -> None:
    mine = look(PICTURE, POINTS)
    assert mine.shape == (3, 20, 3)
    assert unlikeness(mine, look(2 * PICTURE + 10, POINTS)) == pytest.approx(0, abs=1e-12)
    assert unlikeness(mine, look(140 - PICTURE, POINTS)) == pytest.approx(2)


def test_it_moves_with_the_face_and_tells_others() -> None:
    moved = np.roll(PICTURE, (3, 5), axis=(0, 1))
    mine = look(PICTURE, POINTS)
    assert unlikeness(mine, look(moved, POINTS + np.array([5, 3]))) == pytest.approx(0, abs=1e-12)
    other = RNG.integers(20, 120, (60, 80, 3), dtype=np.uint8)
    assert 0.7 < unlikeness(mine, look(other, POINTS)) < 1.3


def test_colours_are_those_of_the_nearest_pixels_inside_the_picture() -> None:
    picture = np.zeros((10, 10, 3), np.uint8)
    picture[:, 5:] = (255, 0, 0)
    mine = look(picture, np.array([[-30.0, 5.0], [40.0, 5.0]]))
    assert (mine[:, 0, 0] < 0).all() and (mine[:, 1, 0] > 0).all() and (mine[..., 1:] == 0).all()


def test_without_contrast_nothing_is_known() -> None:
    blank = look(np.full((60, 80, 3), 7, np.uint8), POINTS)
    assert (blank == 0).all()
    assert unlikeness(blank, look(PICTURE, POINTS)) == 0


def test_what_is_hidden_does_not_count() -> None:
    mine = look(PICTURE, POINTS)
    theirs = look(PICTURE, POINTS) * 2 + 3
    theirs[:, 8:] = -theirs[:, 8:]
    visible = np.arange(20) < 8
    assert unlikeness(mine, theirs, visible.astype(float)) == pytest.approx(0, abs=1e-12)
    assert unlikeness(mine, theirs) > 0.5
    assert unlikeness(mine, theirs, np.zeros(20)) == 0  # nothing of it is seen
