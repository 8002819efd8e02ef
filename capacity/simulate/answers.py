"""What the questions of the built-in catalogue's objectives answer, from the raw minutes of the demo.

Counters and histograms are what they grew by in each slice, added up by labels; gauges are averaged over the nodes of
a region at each minute. `answers` has them by the text of the query that a server would be asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from capacity.catalog import Catalog
from capacity.measured import LOAD, Asked, questions
from capacity.panels import PANELS, STEP, Panel
from capacity.simulate.clock import MINUTE, Floats
from capacity.simulate.platform import Node, Platform
from capacity.simulate.signals import METRICS, groups

__all__ = ["answers"]

Labels = dict[str, str]
METRIC = re.compile(r"\bdwcp_\w+")
BY = re.compile(r"\bby \(([^)]*)\)")
EXTREMES = {"max": np.fmax.reduce, "min": np.fmin.reduce}
INSTANT = ("mean", "sum", *EXTREMES)


@dataclass(frozen=True)
class SeriesQuestion:
    """Raw series of one metric, brought together by labels.

    Attributes
    ----------
    metric, suffix
        The metric, and which of a histogram's series.
    by
        The labels that are kept.
    how
        ``grown``: the sum of what was counted over ``resolution`` minutes; ``rate``: the same a second; ``mean``,
        ``sum``, ``max`` and ``min``: over series at each minute.
    """

    resolution: int
    metric: str
    suffix: str
    by: tuple[str, ...]
    how: str

    def series(self, nodes: Sequence[Node]) -> list[Labels]:
        """Return the labels of the answer's series, in the order in which the nodes have them."""
        found = dict.fromkeys(key for node in nodes for key, _ in self._rows(Platform(0), node))
        return [{name: value for name, value in zip(self.by, key, strict=True) if value} for key in found]

    def block(self, platform: Platform, nodes: Sequence[Node], block: int) -> Floats:
        """Return a block's points, shape (series, points)."""
        parts: dict[tuple[str, ...], list[Floats]] = {}
        for node in nodes:
            kept = platform.present(node, block)
            for key, values in self._drawn(platform, node, block):
                parts.setdefault(key, []).append(self._points(values if kept is None else values * kept))
        return np.stack([self._joined(np.stack(each)) for each in parts.values()])

    def _joined(self, parts: Floats) -> Floats:
        """Bring series together, shape (series, points); where none has a sample it is NaN."""
        if self.how in EXTREMES:
            return np.asarray(EXTREMES[self.how](parts, axis=0), dtype=float)
        known = np.isfinite(parts)
        count = known.sum(axis=0, dtype=float)
        divisor = np.maximum(count, 1.0) if self.how == "mean" else 1.0
        return np.where(count > 0, np.where(known, parts, 0.0).sum(axis=0) / divisor, np.nan)

    def _points(self, minutes: Floats) -> Floats:
        """Return what stands at each point; a window without any sample is NaN."""
        if self.how in INSTANT:
            return minutes
        windows = minutes.reshape(-1, self.resolution)
        known = np.isfinite(windows)
        total = np.where(known, windows, 0.0).sum(axis=1) / (60.0 * self.resolution if self.how == "rate" else 1.0)
        return np.where(known.any(axis=1), total, np.nan)

    def _rows(self, platform: Platform, node: Node) -> list[tuple[tuple[str, ...], int]]:
        rows = [row for group in groups(platform, node, [self.metric]) for row in group.series]
        return [
            (tuple(labels.get(name, "") for name in self.by), place)
            for place, (name, labels) in enumerate(rows)
            if name == self.metric + self.suffix
        ]

    def _drawn(self, platform: Platform, node: Node, block: int) -> list[tuple[tuple[str, ...], Floats]]:
        drawn = np.vstack([group.draw(block) for group in groups(platform, node, [self.metric])])
        return [(key, drawn[place]) for key, place in self._rows(platform, node)]


def answers(catalog: Catalog) -> dict[str, SeriesQuestion]:
    """Return what answers the questions of a catalogue's objectives and of the dashboards, by the query's text."""
    found = {panel.query: _panel(panel) for panel in PANELS.values()}
    for objective in catalog.objectives.values():
        found |= {asked.query: _answer(asked) for asked in questions(objective, catalog)}
    return found


def _answer(asked: Asked) -> SeriesQuestion:
    """Return what answers a question: its metric and its labels stand in its query."""
    how = "rate" if asked.role == LOAD else "mean" if asked.aggregate else "grown"
    return _series(asked.query, how, 1 if how == "mean" else int(asked.step / MINUTE))


def _panel(panel: Panel) -> SeriesQuestion:
    """Return what answers a panel's query."""
    how = "grown" if panel.aggregate is None else panel.query.partition(" by ")[0].replace("avg", "mean")
    return _series(panel.query, how, int(STEP / MINUTE) if how == "grown" else 1)


def _series(query: str, how: str, minutes: int) -> SeriesQuestion:
    name = METRIC.findall(query)[0]
    metric = name if name in METRICS else name.rpartition("_")[0]
    grouped = BY.search(query)
    by = tuple(label.strip() for label in grouped[1].split(",")) if grouped else ()
    return SeriesQuestion(minutes, metric, name.removeprefix(metric), by, how)
