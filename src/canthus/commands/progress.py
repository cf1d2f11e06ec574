"""A progress bar on a terminal, silence in a pipe; messages on stderr in both."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress as Bar


class Progress:
    """Use as a context: `advance` for each finished item, `say` for a line on stderr.

    `total`: how many items; None where nobody knows.
    """

    def __init__(self, title: str, total: int | None) -> None:
        self.terminal = sys.stderr.isatty()
        self._bar: Bar | None = None
        if self.terminal and (total is None or total > 1):
            from rich.console import Console
            from rich.markup import escape
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[speed]}"),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task(escape(title), total=total, speed="")

    def __enter__(self) -> Progress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def advance(self) -> None:
        """One more item is done."""
        if self._bar is not None:
            speed = self._bar.tasks[self._task].speed
            self._bar.update(self._task, advance=1, speed=f"{speed:.1f}/s" if speed else "")

    def say(self, line: str) -> None:
        """A line on stderr, above the bar where there is one."""
        if self._bar is not None:
            self._bar.console.print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            say(line)


def say(line: str) -> None:
    """A line on stderr."""
    sys.stderr.write(line + "\n")


def summary(line: str) -> None:
    """A line on stderr that only a terminal gets."""
    if sys.stderr.isatty():
        say(line)
