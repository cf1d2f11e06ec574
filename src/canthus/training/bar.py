"""The progress bar of long work: on a terminal only, and one of several processes shows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")


def bar(items: Iterable[Item], text: str, *, shown: bool = True) -> Iterable[Item]:
    """The items, one after the other, beside a bar on stderr that goes when it is full."""
    console = Console(stderr=True)
    return track(items, text, console=console, disable=not (shown and console.is_terminal), transient=True)
