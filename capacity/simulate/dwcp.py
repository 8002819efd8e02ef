"""The demo: one draw of the DWCP platform, its planning frames, its raw telemetry, and the truth about its fates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

from capacity.catalog import Catalog, Resource
from capacity.catalog_load import load_catalog
from capacity.errors import ParameterError
from capacity.frames import wide
from capacity.simulate.clock import Floats
from capacity.simulate.fates import PLANTED, Fate, Planted, first_breach
from capacity.simulate.planning import LIMITS, QUESTIONS, Answerable, Question, answer
from capacity.simulate.platform import AS_OF, NODES, Node, Platform
from capacity.simulate.signals import groups
from capacity.simulate.telemetry import samples
from capacity.units import to_base

__all__ = ["AS_OF", "Demo", "demo"]


@dataclass(frozen=True)
class Demo:
    """The simulated platform as it stands at ``as_of``; what comes after is drawn, and told by ``fates`` alone."""

    seed: int
    platform: Platform

    @property
    def as_of(self) -> pd.Timestamp:
        """The instant that the demo pretends is today."""
        return self.platform.axis.as_of

    @property
    def start(self) -> pd.Timestamp:
        """Where its history begins."""
        return self.platform.axis.start

    @cached_property
    def catalog(self) -> Catalog:
        """The built-in catalogue whose queries the demo answers."""
        return load_catalog("dwcp")

    @cached_property
    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Demand by resource: hourly wide frames of the whole history, in base units."""
        return {
            name: self._frame(QUESTIONS[name], self._resource(name), self._resource(name).unit) for name in QUESTIONS
        }

    @cached_property
    def limits(self) -> Mapping[str, pd.DataFrame | float]:
        """The limit of each resource, in base units: a number, or what the limit's query answers."""
        return {name: self._limit(self._resource(name)) for name in QUESTIONS}

    def _resource(self, name: str) -> Resource:
        return self.catalog.resources[name]

    def _limit(self, resource: Resource) -> pd.DataFrame | float:
        if resource.limit is not None:
            return resource.limit
        return self._frame(LIMITS[resource.name], resource, resource.limit_unit or resource.unit, aggregate="min")

    def _frame(
        self, question: Question, resource: Resource, unit: str, *, aggregate: str | None = None
    ) -> pd.DataFrame:
        times, series, values = self.answer(
            question, start=self.start, end=self.as_of, step=resource.step, aggregate=aggregate or resource.aggregate
        )
        return wide(to_base(values, unit), times=times, series=series, metric=resource.name).sort_index(axis=1)

    def answer(
        self,
        question: Answerable,
        *,
        start: pd.Timestamp,
        end: pd.Timestamp,
        step: pd.Timedelta,
        aggregate: str | None,
        nodes: Sequence[Node] = NODES,
    ) -> tuple[pd.DatetimeIndex, list[dict[str, str]], Floats]:
        """Answer a query up to ``as_of``: see `capacity.simulate.planning.answer`."""
        return answer(
            question, self.platform, nodes, start=start, end=min(end, self.as_of), step=step, aggregate=aggregate
        )

    def machines(self, *, regions: Sequence[str] | None = None, nodes: Sequence[str] | None = None) -> tuple[Node, ...]:
        """Return the platform's nodes in these regions and with these names; None: all.

        Raises
        ------
        ParameterError
            There is none.
        """
        found = tuple(
            node
            for node in NODES
            if (regions is None or node.region in regions) and (nodes is None or node.name in nodes)
        )
        if not found:
            raise ParameterError(
                f"no node is called {nodes} in regions {regions}.",
                hint=f"There are {', '.join(f'{node.region}/{node.name}' for node in NODES)}.",
            )
        return found

    def series_of_a_node(self, metrics: Sequence[str] | None = None) -> int:
        """Return how many raw series a node has of these metrics; None: of all."""
        return sum(len(group.series) for group in groups(self.platform, NODES[0], metrics))

    def raw(
        self,
        start: pd.Timestamp,
        end: pd.Timestamp,
        *,
        regions: Sequence[str] | None = None,
        nodes: Sequence[str] | None = None,
        metrics: Sequence[str] | None = None,
    ) -> Iterator[pd.DataFrame]:
        """Draw raw telemetry, a sample a minute at start < t ≤ end, never past ``as_of``.

        Parameters
        ----------
        regions, nodes, metrics : sequences of str, optional
            Which; None: all. A histogram comes as its ``_bucket`` (with ``le``), ``_sum`` and ``_count``.

        Yields
        ------
        DataFrame
            One a node and stretch of at most ten days, in each metric's own unit; NaN where no sample was kept.
        """
        axis = self.platform.axis
        first, last = axis.span(start, min(end, self.as_of))
        for node in self.machines(regions=regions, nodes=nodes):
            yield from samples(self.platform, groups(self.platform, node, metrics), first, last)

    @cached_property
    def fates(self) -> tuple[Fate, ...]:
        """The planted fates, each with its truth."""
        return tuple(self._fate(planted) for planted in PLANTED)

    def _fate(self, planted: Planted) -> Fate:
        resource = self._resource(planted.resource)
        nodes = [node for node in NODES if planted.labels.items() <= node.labels.items()]
        times, demand = self._through(QUESTIONS[resource.name], nodes, resource, resource.unit, resource.aggregate)
        limit: Floats | float = np.nan if resource.limit is None else resource.limit
        if resource.limit_query is not None:
            _, limit = self._through(LIMITS[resource.name], nodes, resource, resource.limit_unit, "min")
        breach = first_breach(resource, times, demand, limit, as_of=self.as_of)
        shown = times[np.isfinite(demand) & (times <= self.as_of)]
        history = self.as_of - shown[0] + resource.step
        return Fate(planted.kind, resource.name, planted.labels, breach, planted.verdicts, history)

    def _through(
        self, question: Question, nodes: Sequence[Node], resource: Resource, unit: str, aggregate: str
    ) -> tuple[pd.DatetimeIndex, Floats]:
        """Return one series over the whole axis, the continuation with it, in the base unit."""
        axis = self.platform.axis
        times, _, values = answer(
            question, self.platform, nodes, start=axis.start, end=axis.end, step=resource.step, aggregate=aggregate
        )
        return times, np.asarray(to_base(values[:, 0], unit or resource.unit), dtype=float)


@lru_cache(maxsize=4)
def demo(seed: int = 0) -> Demo:
    """Draw the demo: simulated DWCP telemetry, 180 days up to 2026-11-01T00:00Z, the same for the same ``seed``.

    The frames are drawn when they are first asked for, and kept.
    """
    return Demo(seed, Platform(seed))
