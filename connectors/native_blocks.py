"""One block of the native stream: its header in both layouts, its times, its values.

The format has no specification and no number of its version, so nothing is taken on trust: lengths must use a block up
exactly, and every payload as many varints as its rows need. What does not fit is an `Unfit`, never a guess.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import zstandard

from connectors.decode import STALE, Floats
from connectors.native_varint import Ints, Summed, summed, zigzag

__all__ = ["Block", "Grids", "Unfit", "Unpacker", "floats", "parse"]

MOST_ROWS = 1 << 16
"""Servers write at most 8,192 rows a block; more than this is no block."""

LARGEST_POWER = 308
"""The largest power of ten that is a double."""

_PLUS, _MINUS, _STALE = 2**63 - 1, -(2**63), 2**63 - 2
_MASK = (1 << 64) - 1
_ZSTD = {1, 4}
_CONSTANT_STEP, _CONSTANT = 2, 3
_SECOND_DIFFERENCES = {1, 5}
_KINDS = range(1, 7)
_LONGEST_VARINT = 10


class Unfit(ValueError):
    """The bytes are no block of a layout that is known here."""


class Block(NamedTuple):
    """A header; times are in ms, a value is an integer × 10^scale. ``last_time`` is None in the older layout."""

    raw: bytes
    rows: int
    first_time: int
    last_time: int | None
    first_value: int
    scale: int
    time_kind: int
    value_kind: int
    precision: int
    times_at: int
    times_end: int
    values_at: int


def parse(raw: bytes, *, new: bool) -> Block:
    """Read a block's header; ``new``: in the layout that servers write since 1.82.

    Raises
    ------
    Unfit
        It is not in this layout.
    """
    try:
        first_time, at = _signed(raw, 0)
        last_time: int | None = None
        if new:
            last_time, at = _signed(raw, at)
        first_value, at = _signed(raw, at)
        rows, at = _unsigned(raw, at)
        scale, at = _signed(raw, at)
        time_kind, value_kind = raw[at], raw[at + 1]
        precision = raw[at + 2] if new else 64
        size, times_at = _unsigned(raw, at + (3 if new else 2))
        times_end = times_at + size
        size, values_at = _unsigned(raw, times_end)
    except IndexError:
        raise Unfit("a header is cut short") from None
    fits = (
        values_at + size == len(raw)
        and 0 < rows <= MOST_ROWS
        and time_kind in _KINDS
        and value_kind in _KINDS
        and 0 < precision <= 64
        and abs(scale) < 1 << 15
        and (last_time is None or first_time <= last_time)
    )
    if not fits:
        raise Unfit("the parts of a block do not use it up")
    kinds = time_kind, value_kind, precision
    return Block(raw, rows, first_time, last_time, first_value, scale, *kinds, times_at, times_end, values_at)


def _unsigned(raw: bytes, at: int) -> tuple[int, int]:
    """Return a varint and where the next thing begins."""
    byte = raw[at]
    if byte < 128:
        return byte, at + 1
    value, shift = byte & 127, 7
    for end in range(at + 1, at + _LONGEST_VARINT):
        byte = raw[end]
        value |= (byte & 127) << shift
        if byte < 128:
            return value & _MASK, end + 1
        shift += 7
    raise Unfit("a varint is longer than 64 bits")


def _signed(raw: bytes, at: int) -> tuple[int, int]:
    """Return a zigzag varint and where the next thing begins."""
    word, at = _unsigned(raw, at)
    return (word >> 1) ^ -(word & 1), at


class Unpacker:
    """Reads the integers of payloads, by ``sums``; keeps what zstd needs between one and the next."""

    def __init__(self, sums: Summed = summed) -> None:
        self._inflate = zstandard.ZstdDecompressor().decompress
        self._sums = sums

    def integers(self, payload: bytes, *, kind: int, first: int, rows: int) -> Ints:
        """Return ``rows`` integers; sums wrap around at 64 bits, as the server's do.

        Raises
        ------
        Unfit
            The payload is not what its kind and the rows ask for.
        """
        try:
            return self._integers(payload, kind=kind, first=first, rows=rows)
        except (ValueError, zstandard.ZstdError) as error:
            raise Unfit(str(error)) from None

    def _integers(self, payload: bytes, *, kind: int, first: int, rows: int) -> Ints:
        if kind == _CONSTANT:
            if payload:
                raise Unfit("a constant needs no payload")
            return np.full(rows, first, dtype=np.int64)
        if kind == _CONSTANT_STEP:
            values = np.full(rows, zigzag(payload, 1)[0], dtype=np.int64)
            values[0] = first
            values.cumsum(out=values)
            return values
        packed = self._inflated(payload, rows) if kind in _ZSTD else payload
        return self._sums(packed, first, rows, kind in _SECOND_DIFFERENCES)

    def _inflated(self, payload: bytes, rows: int) -> bytes:
        """Decompress; a size that so many varints cannot have is refused before any memory is given to it."""
        size = zstandard.frame_content_size(payload)
        if not 0 <= size <= rows * _LONGEST_VARINT:
            raise Unfit("a payload is larger than its rows can be")
        return self._inflate(payload)


class Grids:
    """Decodes the times of blocks, each payload once: series that are scraped together share their times."""

    def __init__(self, unpacker: Unpacker, *, keep: int = 128) -> None:
        self._unpacker = unpacker
        self._known: dict[tuple[object, ...], Ints] = {}
        self._keep = keep

    def times(self, block: Block) -> Ints:
        """Return a block's times in ms, not to be written to.

        Raises
        ------
        Unfit
            They do not end where the header says, or do not ascend.
        """
        payload = block.raw[block.times_at : block.times_end]
        key = (payload, block.time_kind, block.rows, block.first_time, block.last_time, block.precision < 64)
        times = self._known.get(key)
        if times is None:
            times = self._unpacker.integers(payload, kind=block.time_kind, first=block.first_time, rows=block.rows)
            times = _checked(times, block)
            times.setflags(write=False)
            if len(self._known) >= self._keep:
                self._known.clear()
            self._known[key] = times
        return times


def _checked(times: Ints, block: Block) -> Ints:
    """Return the times in order; where digits were dropped to save space, order is restored as the server does."""
    if block.precision < 64 and block.last_time is not None:
        times[0] = block.first_time
        np.maximum.accumulate(times, out=times)
        times[-1] = block.last_time
        return np.minimum(times, block.last_time)
    if block.last_time is not None and times[-1] != block.last_time:
        raise Unfit("the times of a block do not end where its header says")
    if len(times) > 1 and (times[1:] < times[:-1]).any():
        raise Unfit("the times of a block do not ascend")
    return times


def floats(block: Block, unpacker: Unpacker, *, kept: slice, out: Floats) -> bool:
    """Write the values of the rows ``kept`` to ``out``, of the same length; return whether one is a stale marker.

    Raises
    ------
    Unfit
        The payload does not hold as many values as the block has rows.
    """
    integers = unpacker.integers(
        block.raw[block.values_at :], kind=block.value_kind, first=block.first_value, rows=block.rows
    )[kept]
    if not len(integers):
        return False
    out[:] = integers
    if block.scale < -LARGEST_POWER:
        out.fill(0.0)  # the server divides by infinity; the sign that this leaves a zero is no part of its JSON
    elif block.scale < 0:
        out /= _ten_to(-block.scale)
    elif block.scale > 0:
        out *= _ten_to(block.scale)
    if integers.max() < _STALE and integers.min() > _MINUS:
        return False
    out[integers == _PLUS] = np.inf
    out[integers == _MINUS] = -np.inf
    stale = integers == _STALE
    out[stale] = STALE
    return bool(stale.any())


def _ten_to(power: int) -> float:
    """Return 10^power as the server computes it: a product of two exact tables, which may be off by the last bit."""
    if power > LARGEST_POWER:
        return float("inf")
    return float(f"1e{power // 32 * 32}") * float(f"1e{power % 32}")
