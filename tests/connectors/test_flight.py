"""Several requests at once: in order, one failure ends all, and no thread outlives them."""

from __future__ import annotations

import threading
import time

import pytest

from connectors.flight import Abandoned, in_flight, unless


def left() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("pull")]


@pytest.mark.parametrize("width", [1, 3])
def test_results_come_in_the_order_of_the_tasks(width: int) -> None:
    """The slowest first, and yet first out."""

    def task(number: int, stop: threading.Event) -> int:
        stop.wait(0.02 * (5 - number))
        return number

    tasks = [lambda stop, number=number: task(number, stop) for number in range(5)]
    assert list(in_flight(tasks, width=width)) == [0, 1, 2, 3, 4]
    assert not left()


def test_the_first_failure_ends_all() -> None:
    """What runs is told to stop, what has not begun never does, and nothing is left running."""
    begun: list[int] = []

    def fails(stop: threading.Event) -> int:
        raise ValueError("no")

    def waits(stop: threading.Event) -> int:
        begun.append(1)
        assert stop.wait(10)
        return 1

    started = time.monotonic()
    with pytest.raises(ValueError, match="no"):
        list(in_flight([fails, *[waits] * 20], width=2))
    assert time.monotonic() - started < 5
    assert len(begun) <= 2
    assert not left()


def test_an_interrupt_leaves_no_thread() -> None:
    """Whoever stops asking, by Ctrl-C or otherwise, leaves none behind."""

    def waits(stop: threading.Event) -> int:
        return int(stop.wait(10))

    def quick(stop: threading.Event) -> int:
        return 0

    answers = in_flight([quick, waits, waits], width=3)
    assert next(answers) == 0
    with pytest.raises(KeyboardInterrupt):
        answers.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
    assert not left()


def test_pieces_end_when_nobody_wants_them() -> None:
    """A stream is given up at its next piece."""
    stop = threading.Event()
    pieces = unless(stop, iter([b"1", b"2"]))
    assert next(pieces) == b"1"
    stop.set()
    with pytest.raises(Abandoned):
        next(pieces)
