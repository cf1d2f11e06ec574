"""Two threads and a bounded queue: order, bounds, errors, early ends."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from canthus.runtime.background import Behind, ahead


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("canthus-")}


def test_ahead_keeps_the_order_and_its_bound() -> None:
    made = []

    def source() -> Iterator[int]:
        for number in range(20):
            made.append(number)
            yield number

    taken = []
    for number in ahead(source(), 3):
        taken.append(number)
        time.sleep(0.002)
        assert len(made) <= len(taken) + 4  # three wait, one is in the producer's hand
    assert taken == list(range(20))
    assert not threads()


def test_an_error_comes_after_the_last_item() -> None:
    def source() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyError("broken")

    items = ahead(source(), 5)
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(KeyError, match="broken"):
        next(items)


def test_a_reader_that_ends_early_ends_the_source() -> None:
    ended = threading.Event()

    def source() -> Iterator[int]:
        try:
            number = 0
            while True:
                yield number
                number += 1
        finally:
            ended.set()

    items = ahead(source(), 2)
    assert [next(items) for _ in range(5)] == [0, 1, 2, 3, 4]
    items.close()
    assert ended.is_set()
    assert not threads()


def test_the_newest_items_are_kept() -> None:
    all_made = threading.Event()

    def source() -> Iterator[int]:
        yield from range(100)
        all_made.set()

    items = ahead(source(), 2, newest=True)
    first = next(items)
    assert all_made.wait(5)
    assert [first, *items][-2:] == [98, 99]


def test_behind_does_all_in_order_and_late_by_its_bound() -> None:
    done: list[int] = []
    go = threading.Event()

    def work(number: int) -> None:
        go.wait(5)
        done.append(number)

    put = []
    with Behind(work, 2) as behind:
        for number in range(3):  # one in hand, two that wait
            behind.put(number)
            put.append(number)
        assert done == []
        go.set()
        for number in range(3, 9):
            behind.put(number)
    assert done == list(range(9))
    assert not threads()


def test_what_was_put_is_done_when_the_outside_fails() -> None:
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt), Behind(done.append, 5) as behind:
        for number in range(4):
            behind.put(number)
        raise KeyboardInterrupt
    assert done == [0, 1, 2, 3]


def test_an_error_of_the_work_reaches_the_outside() -> None:
    def work(number: int) -> None:
        if number == 2:
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), Behind(work, 1) as behind:
        for number in range(100):
            behind.put(number)
    assert not threads()
    with pytest.raises(OSError, match="disk full"), Behind(work, 9) as behind:
        behind.put(2)  # nobody puts again: the end tells it
