"""A window that shows pictures as they come, on tkinter."""

from __future__ import annotations

from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SHARE = 0.9  # of the screen that a picture may fill


class Window:
    """Use as a context. Closed by its button, Escape or q.

    Raises ImportError where Python has no tkinter, ValueError where there is no display.
    """

    def __init__(self, title: str) -> None:
        try:
            import tkinter

            from PIL import ImageTk
        except ImportError as error:
            raise ImportError(
                f"the window needs tkinter and Pillow ({error}): install the python3-tk of your system and "
                "pip install 'canthus[window]', or give --no-window"
            ) from None
        try:
            self._root = tkinter.Tk()
        except tkinter.TclError as error:
            raise ValueError(f"no window can be shown ({error}); --no-window records without one") from None
        self._gone: type[Exception] = tkinter.TclError
        self._photo_of = ImageTk.PhotoImage
        self._photo: ImageTk.PhotoImage | None = None
        self._open = True
        self._root.title(title)
        self._root.protocol("WM_DELETE_WINDOW", self._end)
        for key in ("<Escape>", "q"):
            self._root.bind(key, lambda _: self._end())
        self._label = tkinter.Label(self._root, borderwidth=0)
        self._label.pack()

    def show(self, image: NDArray[np.uint8]) -> bool:
        """Show a picture, RGB (H, W, 3), shrunk to the screen; False once the window is closed."""
        height, width = image.shape[:2]
        screen = self._root.winfo_screenwidth() * _SHARE, self._root.winfo_screenheight() * _SHARE
        scale = min(1.0, screen[0] / width, screen[1] / height)
        picture = Image.fromarray(image)
        if scale < 1:
            picture = picture.resize((max(1, int(width * scale)), max(1, int(height * scale))))
        photo = self._photo_of(picture, master=self._root)
        self._label.configure(image=photo)
        self._photo = photo  # Tk keeps no reference of its own
        self._root.update()
        return self._open

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._root.destroy()

    def _end(self) -> None:
        self._open = False
