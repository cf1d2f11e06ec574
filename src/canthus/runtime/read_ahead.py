"""Work on a sequence in threads, a few items ahead of whoever consumes it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_ahead(
    items: Iterable[Item], work: Callable[[Item], Result], *, threads: int = 2, ahead: int = 2
) -> Iterator[tuple[Item, Future[Result]]]:
    """Each item with the finished future of `work(item)`, in order; at most `ahead` items are worked on
    early.

    A future keeps the exception of its item, so one bad item does not end the rest.
    """
    source = iter(items)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="canthus-read")
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    try:
        waiting.extend((item, pool.submit(work, item)) for item in islice(source, ahead))
        while waiting:
            item, future = waiting.popleft()
            future.exception()  # waits
            waiting.extend((item_, pool.submit(work, item_)) for item_ in islice(source, 1))
            yield item, future
            del future
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
