"""Work in a second thread, a bounded number of items ahead of or behind the first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar("Item")

_PATIENCE = 10.0  # seconds for a thread that is told to end; one that hangs in a driver is left behind


class _Channel(Generic[Item]):
    """A queue of at most `most` items between two threads; either side may end it, and the other is told."""

    def __init__(self, most: int, newest: bool = False) -> None:
        self._items: deque[Item] = deque()
        self._most, self._newest = most, newest
        self._changed = threading.Condition()
        self._finished = self._closed = False
        self.error: BaseException | None = None

    def put(self, item: Item) -> bool:
        """Wait for room (with `newest`: drop the oldest item instead); False where nobody reads any more."""
        with self._changed:
            while len(self._items) >= self._most and not self._closed:
                if self._newest:
                    self._items.popleft()
                else:
                    self._changed.wait()
            if not self._closed:
                self._items.append(item)
                self._changed.notify_all()
            return not self._closed

    def finish(self, error: BaseException | None = None) -> None:
        """No more items will come; the reader meets `error` after the last one."""
        with self._changed:
            self._finished = True
            self.error = self.error or error
            self._changed.notify_all()

    def close(self) -> None:
        """Nobody reads any more: what waits is dropped."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                while not self._items and not self._finished:
                    self._changed.wait()
                if not self._items:
                    break
                item = self._items.popleft()
                self._changed.notify_all()
            yield item
            del item  # it may be large, and the next one is waited for
        if self.error is not None:
            raise self.error


def ahead(items: Iterable[Item], most: int = 2, *, newest: bool = False) -> Generator[Item, None, None]:
    """The items in order, made in a thread of their own, at most `most` of them early.

    With `newest`, the source is never kept waiting: of what the reader is too slow for, the oldest items are
    dropped. An error of the source comes after its last item. A reader that ends early (`close`) ends the
    source too.
    """
    channel: _Channel[Item] = _Channel(most, newest)

    def produce() -> None:
        source = iter(items)
        try:
            for item in source:
                if not channel.put(item):
                    break
            channel.finish()
        except BaseException as error:
            channel.finish(error)
        finally:
            if hasattr(source, "close"):
                source.close()

    thread = threading.Thread(target=produce, name="canthus-ahead", daemon=True)
    thread.start()
    try:
        yield from channel
    finally:
        channel.close()
        thread.join(_PATIENCE)


class Behind(Generic[Item]):
    """Does `work` on items in a thread of its own, in order, at most `most` of them late.

    As a context it ends when all that was put is done, also after an error or an interruption outside.
    """

    def __init__(self, work: Callable[[Item], None], most: int = 2) -> None:
        self._channel: _Channel[Item] = _Channel(most)
        self._work = work
        self._thread = threading.Thread(target=self._run, name="canthus-behind", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Wait for room; raises the error that an earlier item met, after which nothing more is done."""
        if not self._channel.put(item) and self._channel.error is not None:
            raise self._channel.error

    def __enter__(self) -> Behind[Item]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._channel.finish()
        self._thread.join()
        if error is None and self._channel.error is not None:
            raise self._channel.error

    def _run(self) -> None:
        try:
            for item in self._channel:
                self._work(item)
                del item
        except BaseException as error:
            self._channel.finish(error)
            self._channel.close()
