"""Which way raw samples come faster: native blocks, or lines of JSON.

A native export sends whole blocks, of up to 8,192 rows a series, however few of them lie in the window; lines have
only what was asked for, and cost many times as much for each. Neither the window nor the scrape interval tells which is
less: the first blocks of an answer do, and what they told is remembered for the selector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from connectors.native import headers
from connectors.native_blocks import Grids, Unfit, Unpacker

__all__ = ["Planner", "Way", "native_pays"]

BLOCK_US, ROW_US = 30.0, 0.0125
LINE_US, LINE_ROW_US, POINT_US = 22.0, 0.0075, 0.2
"""Time in µs, of server and client together: of a native block and each of its rows; of a line, of each row that the
server unpacks for it, and of each point in it. Measured with 500 series in blocks of 1,888 and 8,192 rows, 5 to 6,000
points of each in the window (VictoriaMetrics 1.79.5, two cores); only their ratios matter."""

SHORT_MS = 15 * 60_000
"""Of windows up to this long it is taken that lines are faster, before anything is known: samples are seldom closer
than 15 s, and to look natively first would cost as much as the lines themselves."""

FEW_POINTS, MANY_POINTS = 60, 300
"""Points of a line up to which lines are faster whatever the blocks are like, and from which on blocks are."""

MOST_SELECTORS = 1000


class Way(Enum):
    """How raw samples are asked for.

    LOOK: natively, and with a look at the first blocks whether to go on so; GLANCE: as lines, and at the first of them.
    """

    NATIVE = "native"
    LINES = "lines"
    LOOK = "look"
    GLANCE = "glance"


@dataclass
class _Known:
    """Lines are faster for windows up to ``lines``, blocks from ``native`` on, both in ms; in between it is open."""

    lines: float = 0.0
    native: float = float("inf")


class Planner:
    """Remembers, by selector, for which windows which way was the faster one."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def way(self, selector: str, span: int) -> Way:
        """Return how to ask for a window of ``span`` ms."""
        known = self._known.get(selector)
        if known is None:
            return Way.GLANCE if span <= SHORT_MS else Way.LOOK
        if span <= known.lines:
            return Way.LINES
        return Way.NATIVE if span >= known.native else Way.LOOK

    def glance(self, selector: str, span: int, *, points: int) -> bool:
        """Return whether to go on with lines that have so many points, and remember what these show, if anything."""
        if FEW_POINTS < points < MANY_POINTS:
            self._known.setdefault(selector, _Known())  # open: the next time a look at the blocks tells
        else:
            self.learn(selector, span, native=points >= MANY_POINTS)
        return points < MANY_POINTS

    def learn(self, selector: str, span: int, *, native: bool) -> None:
        """Remember what a look at a window of ``span`` ms has shown; what contradicts it is forgotten."""
        if len(self._known) >= MOST_SELECTORS:
            self._known.clear()
        known = self._known.setdefault(selector, _Known())
        if native:
            known.native = min(span, known.native)
        else:
            known.lines = max(span, known.lines)


def native_pays(pairs: Sequence[tuple[bytes, bytes]], first: int, last: int) -> bool:
    """Return whether blocks such as these cost less than lines with what of them lies between two times in ms.

    ``pairs``: names and blocks, as the stream has them. What cannot be read is left for the decoder to tell.
    """
    grids = Grids(Unpacker())
    try:
        blocks = headers([raw for _, raw in pairs])
        times = [grids.times(block) for block in blocks]
    except Unfit:
        return True
    rows = sum(len(one) for one in times)
    points = sum(int(np.count_nonzero((one >= first) & (one <= last))) for one in times)
    series = len({name for name, _ in pairs})
    lines_us = LINE_US * series + LINE_ROW_US * rows + POINT_US * points
    return BLOCK_US * len(blocks) + ROW_US * rows <= lines_us
