"""The window, where there is a display (`xvfb-run pytest tests/commands/test_window.py`)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from canthus.commands.window import Window


@pytest.fixture
def window() -> Iterator[Window]:
    pytest.importorskip("tkinter")
    try:
        opened = Window("test")
    except ValueError as error:
        pytest.skip(str(error))
    with opened:
        yield opened


def test_a_picture_in_its_size(window: Window) -> None:
    assert window.show(np.zeros((60, 80, 3), np.uint8))
    assert (window._label.winfo_reqwidth(), window._label.winfo_reqheight()) == (80, 60)


def test_a_picture_larger_than_the_screen(window: Window) -> None:
    width, height = window._root.winfo_screenwidth(), window._root.winfo_screenheight()
    assert window.show(np.zeros((2 * height, 2 * width, 3), np.uint8))
    assert window._label.winfo_reqwidth() == pytest.approx(0.9 * width, abs=1)
    assert window._label.winfo_reqheight() == pytest.approx(0.9 * height, abs=1)


@pytest.mark.parametrize("key", ["<Escape>", "q"])
def test_keys_that_end_it(window: Window, key: str) -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    assert window.show(picture)
    window._root.focus_force()
    window._root.update()
    window._root.event_generate(key)
    assert not window.show(picture)
