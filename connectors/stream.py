"""The answer of a range query, decoded while it arrives: one series at a time, never the whole of its JSON.

What stands where is read off the bytes. A series' timestamps are compared, eight digits at once, with the instants that
were asked for; only where some are left out are they read as numbers. Its values are gathered into one buffer and cast
together. Whatever looks otherwise than both servers write it goes through `connectors.decode`, which is slower, reads
everything, and is the judge of what is wrong: nothing is refused or accepted here that would not be there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from connectors import decode
from connectors.decode import Floats, Key

__all__ = ["Grid", "matrix"]

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Places = slice | Ints

BATCH_BYTES = 1 << 19
"""Pieces are put together to this length: fewer of them, and what a processor keeps at hand still holds one."""

_OPENING = re.compile(
    rb'\{"status":"success",(?:"isPartial":false,)?"data":\{"resultType":"matrix","result":\[(?=[\]{])'
)
_LONGEST_OPENING = 200
_LONGEST_LABELS = 1 << 20
_WHOLE_ANSWER = b'{"status":"success","data":{"resultType":"matrix","result":['
# Cannot stand in a label: there a quotation mark has a backslash before it.
_VALUES = b',"values":[['
_END = b'"]]'
_QUOTE = ord('"')
_LAST_EIGHT = len(',"') + 8
_BETWEEN = len('"],[' + ',"')
"""Characters between two values, their timestamp left out."""


@dataclass(frozen=True)
class Grid:
    """The instants of one request, in ms: ``count`` of them, ``step`` apart."""

    first: int
    step: int
    count: int

    @classmethod
    def of(cls, times: pd.DatetimeIndex) -> Grid:
        """Return the grid of evenly spaced instants; of a single one the step is 1 ms."""
        stamps = times[:2].as_unit("ms").asi8
        return cls(int(stamps[0]), int(stamps[1] - stamps[0]) if len(stamps) > 1 else 1, len(times))

    @property
    def width(self) -> int:
        """Digits of an instant in whole seconds."""
        return len(str(self.first // 1000))

    @cached_property
    def plain(self) -> bool:
        """Whether the instants are whole seconds, all of one width from 8 to 12, whose last eight digits differ."""
        last = (self.first + self.step * (self.count - 1)) // 1000
        whole = self.first % 1000 == 0 and (self.count == 1 or self.step % 1000 == 0)
        return whole and 8 <= self.width <= 12 and len(str(last)) == self.width and last - self.first // 1000 < 10**8

    @cached_property
    def _digits(self) -> npt.NDArray[np.uint8]:
        """The instants as they are written, shape (count, width)."""
        written = (self.first // 1000 + np.arange(self.count) * (self.step // 1000)).astype(f"S{self.width}")
        return written.view(np.uint8).reshape(self.count, self.width)

    def written(self, place: int | np.int64) -> bytes:
        """Return the digits of one instant."""
        return bytes(self._digits[place])

    @cached_property
    def endings(self) -> Words:
        """The last eight digits of each instant."""
        return np.ascontiguousarray(self._digits[:, -8:]).view("<u8").ravel()

    @cached_property
    def beginnings(self) -> Words:
        """What stands between a value and the fifth digit of the next instant, for all instants but the first."""
        before = np.empty((self.count - 1, 8), dtype=np.uint8)
        before[:, :4] = np.frombuffer(b'"],[', dtype=np.uint8)
        before[:, 4:] = self._digits[1:, :4]
        return before.view("<u8").ravel()


def matrix(
    pieces: Iterable[bytes], times: pd.DatetimeIndex, *, source: str, query: str
) -> Iterator[tuple[Key, Floats]]:
    """Give each series and its values at ``times`` (evenly spaced) as they arrive; NaN where an instant is left out.

    An answer is good only when its end has been read: what was given before an error is worth nothing.

    Raises
    ------
    ResultTruncated, PartialResult, QueryRejected
        As `decode.document` and `decode.matrix` do.
    """
    batches, grid = _batches(pieces), Grid.of(times)
    opened, rest = _opened(batches)
    while opened and not rest.startswith(b"]"):
        at = 0
        while (found := _next(rest, at)) is not None:
            key, begin, end = found
            values = _values(rest[begin:end], grid)
            if values is None:
                one = b"".join([_WHOLE_ANSWER, rest[at:end].removeprefix(b","), b"]}]}}"])
                yield from _read(one, times, source=source, query=query)
            else:
                yield key, values
            at = end + len("]}")
        rest = rest[at:]
        batch = None if _odd(rest) else next(batches, None)
        if batch is None:
            break
        rest += batch
    start = _WHOLE_ANSWER if opened else b""
    rest = rest.removeprefix(b",") if rest.startswith(b",{") else rest
    yield from _read(b"".join([start, rest, *batches]), times, source=source, query=query)


def _batches(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Put pieces together, so that there are fewer of them."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= BATCH_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)


def _opened(batches: Iterator[bytes]) -> tuple[bool, bytes]:
    """Return the beginning of an answer's series; where it opens otherwise than usual (False), of the answer itself."""
    rest = b""
    for batch in batches:
        rest += batch
        found = _OPENING.match(rest)
        if found is not None:
            return True, rest[found.end() :]
        if len(rest) > _LONGEST_OPENING:
            break
    return False, rest


def _next(text: bytes, at: int) -> tuple[Key, int, int] | None:
    """Return the next series: its labels, and where its values begin and end; None: it is not all there, or odd."""
    if text[at : at + 1] == b",":
        at += 1
    values_at = text.find(_VALUES, at)
    closing = text.find(b"}", values_at) if values_at >= 0 else -1  # no number has one
    end = closing - len("]")
    if closing < 0 or text[end - 2 : end + 1] != _END:
        return None
    labels = _labels(text[at:values_at])
    return None if labels is None else (decode.key_of(labels), values_at + len(_VALUES) - 1, end)


def _labels(text: bytes) -> dict[str, str] | None:
    """Read ``{"metric":{…}``; None: it is something else."""
    try:
        said = orjson.loads(text + b"}")
    except orjson.JSONDecodeError:
        return None
    labels = said.get("metric") if isinstance(said, dict) and len(said) == 1 else None
    return labels if isinstance(labels, dict) else None


def _odd(text: bytes) -> bool:
    """Whether what is left is not the beginning of a series as it is usually written."""
    values_at = text.find(_VALUES, 0, _LONGEST_LABELS)
    if values_at < 0:
        return len(text) > _LONGEST_LABELS
    closing = text.find(b"}", values_at)
    whole = closing < 0 or text[closing - 3 : closing] == _END
    return not whole or _labels(text[:values_at].removeprefix(b",")) is None


def _read(body: bytes, times: pd.DatetimeIndex, *, source: str, query: str) -> Iterator[tuple[Key, Floats]]:
    """Read an answer, or what is left of it, in the way that knows everything."""
    data = decode.document(body, source=source, query=query)
    yield from decode.matrix(data, times, source=source, query=query).items()


def _values(text: bytes, grid: Grid) -> Floats | None:
    """Return the values of ``[1732237200,"0.5"],[…]`` at all instants of the grid; None: it is not that simple."""
    if not grid.plain:
        return None
    chars = np.frombuffer(text, dtype=np.uint8)
    quotes = np.flatnonzero(chars == _QUOTE)
    starts, ends = quotes[0::2] + 1, quotes[1::2]
    if len(starts) != len(ends) or not _even(text, starts, ends, grid.width):
        return None
    words: Words = np.ndarray((len(text) - 7,), dtype="<u8", buffer=text, strides=(1,))
    places = _places(words[starts - _LAST_EIGHT], words[ends[:-1]], grid)
    if places is None or text[1 : starts[0] - len(',"')] != grid.written(0 if isinstance(places, slice) else places[0]):
        return None
    numbers = _cast(chars, starts, ends)
    if numbers is None or len(numbers) == grid.count:
        return numbers
    values = np.full(grid.count, np.nan)
    values[places] = numbers
    return values


def _even(text: bytes, starts: Ints, ends: Ints, width: int) -> bool:
    """Whether there is a timestamp of ``width`` digits before each value, and nothing else between them."""
    return (
        starts[0] == len('[,"') + width
        and ends[-1] == len(text) - len('"]')
        and text[:1] == b"["
        and bool((starts[1:] - ends[:-1] == width + _BETWEEN).all())
    )


def _places(endings: Words, beginnings: Words, grid: Grid) -> Places | None:
    """Return at which instants the values stand; None: not all stand at one, or not in order.

    The text before a value is compared with the instant's, so nothing is taken for a timestamp that is none.
    """
    if len(endings) == grid.count:
        same = np.array_equal(endings, grid.endings) and np.array_equal(beginnings, grid.beginnings)
        return slice(None) if same else None
    places, odd = np.divmod((_eight_digits(endings) - grid.first // 1000) % 10**8, max(grid.step // 1000, 1))
    if odd.any() or places.max() >= grid.count or (np.diff(places) <= 0).any():
        return None
    same = np.array_equal(endings, grid.endings[places]) and np.array_equal(beginnings, grid.beginnings[places[1:] - 1])
    return places if same else None


def _eight_digits(words: Words) -> Ints:
    """Read eight digits at once: neighbours are put together to numbers of two, four, and then eight digits."""
    pairs = words - np.uint64(0x3030303030303030)
    pairs = pairs * np.uint64(10) + (pairs >> np.uint64(8))
    mask = np.uint64(0x000000FF000000FF)
    high = (pairs & mask) * np.uint64(0x000F424000000064)
    low = ((pairs >> np.uint64(16)) & mask) * np.uint64(0x0000271000000001)
    return ((high + low) >> np.uint64(32)).astype(np.int64)


@cache
def _up_to(most: int) -> Ints:
    numbers = np.arange(most)
    numbers.setflags(write=False)
    return numbers


def _counting(count: int) -> Ints:
    """Return 0, 1, 2 …: the same array again and again, since it is asked for with every series."""
    return _up_to(1 << max(count - 1, 1).bit_length())[:count]


def _cast(chars: npt.NDArray[np.uint8], starts: Ints, ends: Ints) -> Floats | None:
    """Read numbers that stand at ``starts`` up to ``ends``; None: one of them is none, or is written as "+Inf"."""
    lengths = ends - starts
    borders = np.zeros(len(starts) + 1, dtype=np.int32)
    np.cumsum(lengths, out=borders[1:])
    within = np.repeat(starts - borders[:-1], lengths)
    within += _counting(len(within))
    packed = pa.Array.from_buffers(pa.string(), len(starts), [None, pa.py_buffer(borders), pa.py_buffer(chars[within])])
    try:
        return np.asarray(pc.cast(packed, pa.float64()))
    except pa.ArrowInvalid:
        return None
