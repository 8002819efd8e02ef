"""Blocks at a time: numpy lets go of the interpreter while it counts, so threads share what blocks need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["blocks", "each"]

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = 2


def blocks(count: int, size: int) -> list[slice]:
    """Cut ``count`` series into blocks of ``size``, the last one shorter."""
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def each(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Yield ``work(item)`` in order, two at a time; a single one is worked at once, without a thread."""
    if len(items) < 2:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(work, items)
