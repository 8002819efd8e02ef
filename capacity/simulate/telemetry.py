"""Raw telemetry, a sample a minute: every metric of the platform as a scrape would have found it.

A `Group` is what is drawn together: one gauge, one counter, or all the buckets of a histogram. Gauges are values;
counters are increments, from which `Telemetry` makes counts that go on from block to block and start anew when their
process does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from capacity.frames import METRIC, TIME
from capacity.simulate.clock import BLOCK_MINUTES, DAY_MINUTES, Floats
from capacity.simulate.platform import NEW_NODE, NEW_NODE_DAY, RESET_DAY, RESET_NODE, Node, Platform

__all__ = ["Build", "Group", "Telemetry", "samples"]


@dataclass(frozen=True)
class Group:
    """Series that are drawn together.

    Attributes
    ----------
    metric
        The name in the catalogue; a histogram's series add ``_bucket``, ``_sum`` and ``_count`` to it.
    series
        A name and labels for each row.
    draw
        Gives a block's values, shape (rows, minutes): of a counter, what it grew by in each minute.
    """

    metric: str
    node: Node
    series: tuple[tuple[str, dict[str, str]], ...]
    draw: Callable[[int], Floats]
    counts: bool = False


Build = Callable[[str, Platform, Node], list[Group]]
"""What gives the groups of a metric, by its name, for a node."""


@dataclass
class Telemetry:
    """The raw series of a platform, one block at a time."""

    platform: Platform
    _before: dict[tuple[int, int], Floats] = field(default_factory=dict)

    def values(self, group: Group, block: int) -> Floats:
        """Return a block of samples, shape (rows, minutes); NaN where none was kept."""
        values = self._counted(group, block) if group.counts else group.draw(block)
        kept = self.platform.present(group.node, block)
        return values if kept is None else values * kept

    def _counted(self, group: Group, block: int) -> Floats:
        values = np.cumsum(self._grown(group, block), axis=1) + self._sofar(group, block)[:, None]
        reset = self._reset(group.node, block)
        if reset is not None:
            values[:, reset:] -= values[:, reset - 1 : reset]
        return values

    def _sofar(self, group: Group, block: int) -> Floats:
        """Return the counts at the end of the block before."""
        known = self._before.get((id(group), block))
        if known is None:
            known = np.zeros(len(group.series)) if block == 0 else self._counted(group, block - 1)[:, -1]
            self._before[id(group), block] = known
        return known

    def _grown(self, group: Group, block: int) -> Floats:
        grown = group.draw(block)
        if group.node == NEW_NODE:
            born = int(NEW_NODE_DAY * DAY_MINUTES) + self.platform.axis.shown - block * BLOCK_MINUTES
            grown[:, : max(0, min(born, BLOCK_MINUTES))] = 0.0
        return grown

    def _reset(self, node: Node, block: int) -> int | None:
        at = round(RESET_DAY * DAY_MINUTES) + self.platform.axis.shown - block * BLOCK_MINUTES
        return at if node == RESET_NODE and 0 < at < BLOCK_MINUTES else None


def samples(platform: Platform, groups: Sequence[Group], first: int, last: int) -> Iterator[pd.DataFrame]:
    """Yield the samples of the minutes ``first`` … ``last - 1`` of the groups' series, a frame a block."""
    telemetry = Telemetry(platform)
    series = [one for group in groups for one in group.series]
    levels = sorted({label for _, labels in series for label in labels})
    rows = [(name, *(labels.get(level, "") for level in levels)) for name, labels in series]
    columns = pd.MultiIndex.from_tuples(rows, names=[METRIC, *levels])
    for block in range(first // BLOCK_MINUTES, -(-last // BLOCK_MINUTES)):
        begin = block * BLOCK_MINUTES
        part = slice(max(first - begin, 0), min(last - begin, BLOCK_MINUTES))
        values = np.concatenate([telemetry.values(group, block)[:, part] for group in groups])
        times = platform.axis.times(begin + part.start, begin + part.stop).rename(TIME)
        yield pd.DataFrame(values.T, index=times, columns=columns)
