"""Several requests at once, and none that goes on when nobody waits for it any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

__all__ = ["Abandoned", "in_flight", "unless"]

Given = TypeVar("Given")
Piece = TypeVar("Piece")


class Abandoned(Exception):
    """Nobody waits for this answer: another request has failed, or the user has had enough."""


def in_flight(tasks: Sequence[Callable[[Event], Given]], *, width: int) -> Iterator[Given]:
    """Run tasks, up to ``width`` at once, and give what they return in their own order.

    Each is handed an event; once it is set, the task's result is not wanted. When one fails, or the caller goes away
    (an interrupt), the event is set, what has not begun never does, and no thread is left when this returns.
    """
    stop = Event()
    if width <= 1 or len(tasks) <= 1:
        yield from (task(stop) for task in tasks)
        return
    pool = ThreadPoolExecutor(min(width, len(tasks)), thread_name_prefix="pull")
    try:
        running = [pool.submit(task, stop) for task in tasks]
        while running:
            yield running.pop(0).result()
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def unless(stop: Event, pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Give pieces as they arrive, until ``stop`` is set."""
    for piece in pieces:
        if stop.is_set():
            raise Abandoned
        yield piece
