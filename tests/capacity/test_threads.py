"""Blocks at a time: in order, and without a thread where there is one."""

from __future__ import annotations

import threading

import pytest

from capacity.threads import blocks, each


def test_blocks_cover_every_series_once() -> None:
    """Ten by four are 4, 4 and 2; none of nothing."""
    assert blocks(10, 4) == [slice(0, 4), slice(4, 8), slice(8, 10)]
    assert blocks(0, 4) == []


def test_results_come_in_order_from_other_threads() -> None:
    """Many items are worked beside the caller, one is worked by it."""
    assert list(each(lambda item: item * item, range(50))) == [item * item for item in range(50)]
    assert list(each(lambda _: threading.get_ident(), [0])) == [threading.get_ident()]
    assert threading.get_ident() not in each(lambda _: threading.get_ident(), [0, 1])


def test_an_error_reaches_the_caller() -> None:
    """As it was raised."""
    with pytest.raises(ZeroDivisionError):
        list(each(lambda item: 1 // item, [1, 0, 1]))
