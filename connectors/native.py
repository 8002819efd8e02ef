"""The native stream of an export: VictoriaMetrics' own blocks, brought into arrays without a detour over text.

`read` takes a whole stream. The compressed blocks are held until the last has come; then the number of rows is known,
and each is decoded to where it belongs: at its peak that is the result and the blocks, a fifth of it or less.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np

from capacity.errors import Unsupported
from connectors.decode import Floats, Key, key_of
from connectors.native_blocks import Block, Grids, Unfit, Unpacker, floats, parse
from connectors.native_frames import Frames
from connectors.native_varint import Summed, summed
from connectors.samples import Raw, Series, Stamps, tidy

__all__ = ["assembled", "decode", "headers", "is_older", "labels_of", "read"]

ESCAPES = ((b"\x001", b"\x01"), (b"\x002", b"\x02"), (b"\x000", b"\x00"))
"""How the bytes that end a part of a metric's name are written inside of one; that of the zero is undone last."""

KEPT_GRIDS = 64
"""Times of series that are kept to be shared with later ones."""

MANY_ROWS = 10_000_000
"""Once a process has read so many, the compiled loop is loaded, if it is installed (extra ``fast``): that takes some
0.3 s and 100 MB, which a single pull does not win back."""

_read_rows = 0


def decode(chunks: Iterable[bytes], *, stale: bool = False, source: str = "", query: str = "") -> list[Series]:
    """Decode a native stream: each series' labels, times (int64, ms) and values (float64).

    Sorted by labels and time, one sample an instant; see `read`. Series of one grid share their array of times, so
    that a grid is recognised by ``is``; it cannot be written to.
    """
    return list(read(chunks, stale=stale, source=source, query=query))


def read(chunks: Iterable[bytes], *, stale: bool = False, source: str = "", query: str = "") -> Raw:
    """Decode a native stream that comes in pieces of any size.

    Parameters
    ----------
    chunks : iterable of bytes
        The body of ``/api/v1/export/native``. Rows of its blocks before or after the window in its head are dropped.
    stale : bool
        Whether stale markers are kept (as NaN).

    Raises
    ------
    ResultTruncated
        The stream ends inside of a block, or in the words of a server that gave up.
    Unsupported
        It is of a layout that is not known here: ask for JSON lines instead.
    """
    return assembled(Frames(chunks, source=source, query=query), stale=stale, source=source, query=query)


def assembled(frames: Frames, *, stale: bool, source: str, query: str) -> Raw:
    """Decode what is left of a stream: see `read`."""
    named: dict[bytes, list[bytes]] = {}
    for name, block in frames:
        named.setdefault(name, []).append(block)
    try:
        series = {labels_of(name): raw for name, raw in named.items()}
        if len(series) != len(named):
            raise Unfit("two names are of one series")
        return _Reading(series, frames.first, frames.last, stale=stale).raw()
    except Unfit as error:
        raise Unsupported(
            f"{source} exports in a layout that is not known: {error}.", source=source, query=query
        ) from None


def labels_of(name: bytes) -> Key:
    """Return the labels that a metric's name in the stream holds: the metric, then keys and values in turn."""
    parts = name.split(b"\x01")
    if len(parts) % 2 or parts[-1]:
        raise Unfit("a series' name is not of the known form")
    try:
        metric, *words = [_plain(part).decode() for part in parts[:-1]]
    except UnicodeDecodeError:
        raise Unfit("a series' name is no text") from None
    labels = dict(zip(words[::2], words[1::2], strict=True))
    return key_of({"__name__": metric, **labels} if metric else labels)


def _plain(part: bytes) -> bytes:
    """Undo the escapes of a part of a name."""
    if b"\x00" in part:
        for written, meant in ESCAPES:
            part = part.replace(written, meant)
    return part


class _Reading:
    """Decodes the blocks of all series into one array of values, series by series."""

    def __init__(self, series: dict[Key, list[bytes]], first: int, last: int, *, stale: bool) -> None:
        read = iter(headers([raw for blocks in series.values() for raw in blocks]))
        self._series = {key: list(islice(read, len(blocks))) for key, blocks in series.items()}
        self._window = first, last
        self._stale = stale
        self._rows = sum(block.rows for blocks in self._series.values() for block in blocks)
        self._unpacker = Unpacker(_sums(self._rows))
        self._grids = Grids(self._unpacker)
        self._joined: dict[tuple[int, ...], tuple[Stamps, bool, tuple[Stamps, ...]]] = {}

    def raw(self) -> Raw:
        """Return the samples, in the order of the labels."""
        values = np.empty(self._rows)
        keys, times = [], []
        at = doubles = 0
        for key in sorted(self._series):
            stamps, count, fewer = self._one(self._series.pop(key), values[at:])
            doubles += fewer
            if count:
                keys.append(key)
                times.append(stamps)
                at += count
        return Raw(keys, times, values[:at], doubles)

    def _one(self, blocks: list[Block], out: Floats) -> tuple[Stamps, int, int]:
        """Write a series' values to the beginning of ``out``; return its times, their number, and the doubles."""
        blocks.sort(key=lambda block: block.first_time)
        grids = [self._grids.times(block) for block in blocks]
        windows = [self._within(grid) for grid in grids]
        stamps, ascending = self._together(grids, windows)
        at, markers = 0, False
        for block, kept in zip(blocks, windows, strict=True):
            end = at + kept.stop - kept.start
            markers |= floats(block, self._unpacker, kept=kept, out=out[at:end])
            at = end
        if ascending and (self._stale or not markers):
            return stamps, at, 0
        stamps, values, doubles = tidy(stamps, out[:at], stale=self._stale)
        out[: len(values)] = values
        return stamps, len(values), doubles

    def _within(self, grid: Stamps) -> slice:
        """Return the rows that lie in the window; a block at its border has others, too."""
        first, last = self._window
        begin = 0 if grid[0] >= first else int(np.searchsorted(grid, first, side="left"))
        end = len(grid) if grid[-1] <= last else int(np.searchsorted(grid, last, side="right"))
        return slice(begin, max(begin, end))

    def _together(self, grids: list[Stamps], windows: list[slice]) -> tuple[Stamps, bool]:
        """Join the times of a series' blocks, once for all series of these; say whether each is after the other."""
        ids = tuple(id(grid) for grid in grids)
        if ids not in self._joined:
            if len(self._joined) >= KEPT_GRIDS:  # series scraped each at its own time: nothing is gained by keeping
                self._joined.clear()
            joined = np.concatenate([grid[kept] for grid, kept in zip(grids, windows, strict=True)])
            joined.setflags(write=False)
            # The grids are kept with them: another array in their place could have their identity.
            self._joined[ids] = joined, bool((joined[1:] > joined[:-1]).all()), tuple(grids)
        return self._joined[ids][:2]


def _sums(rows: int) -> Summed:
    """Return what sums the changes of so many more rows up: the result is the same."""
    global _read_rows
    _read_rows += rows
    if _read_rows < MANY_ROWS:
        return summed
    try:
        from connectors import native_fast
    except (ImportError, RuntimeError):  # it is not installed; or there is no place to keep what was compiled
        return summed
    return native_fast.summed


def headers(blocks: Sequence[bytes]) -> list[Block]:
    """Read the headers in the one layout that fits all of them; the newer one is tried first."""
    try:
        return [parse(raw, new=True) for raw in blocks]
    except Unfit:
        return [parse(raw, new=False) for raw in blocks]


def is_older(pairs: Sequence[tuple[bytes, bytes]]) -> bool:
    """Return whether blocks are in the layout before 1.82, which tells neither their precision nor their last time."""
    try:
        return any(block.last_time is None for block in headers([raw for _, raw in pairs]))
    except Unfit:
        return False
