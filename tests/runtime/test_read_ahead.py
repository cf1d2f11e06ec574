"""Work ahead of the consumer, in order, bounded."""

import threading
import time
from collections.abc import Iterator

import pytest

from canthus.runtime.read_ahead import read_ahead


def test_order_is_kept_whatever_takes_longer() -> None:
    def work(item: int) -> int:
        time.sleep(0.02 if item % 2 == 0 else 0)
        return item * item

    out = [(item, future.result()) for item, future in read_ahead(range(9), work, threads=3, ahead=4)]
    assert out == [(i, i * i) for i in range(9)]


def test_an_error_stays_with_its_item() -> None:
    def work(item: int) -> float:
        return 1 / item

    results = [future for _, future in read_ahead([1, 0, 2], work)]
    assert results[0].result() == 1
    assert results[2].result() == 0.5
    with pytest.raises(ZeroDivisionError):
        results[1].result()


def test_at_most_so_many_items_are_taken_early() -> None:
    taken: list[int] = []

    def source() -> Iterator[int]:
        for i in range(10):
            taken.append(i)
            yield i

    for item, _ in read_ahead(source(), lambda i: i, ahead=2):
        assert len(taken) <= item + 3  # itself and two more


def test_the_next_item_is_worked_on_meanwhile() -> None:
    """While the consumer holds item 0, item 1 gets done: no deadlock, no waiting for the consumer."""
    done = threading.Event()

    def work(item: int) -> int:
        if item == 1:
            done.set()
        return item

    for item, _ in read_ahead([0, 1], work):
        if item == 0:
            assert done.wait(5)


def test_leaving_early_stops_the_work() -> None:
    started: list[int] = []
    reader = read_ahead(range(1000), started.append)
    next(reader)
    reader.close()  # type: ignore[attr-defined]
    time.sleep(0.05)
    assert len(started) < 10
