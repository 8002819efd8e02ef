"""The demo: one draw of the DWCP platform, its planning frames, its raw telemetry, and the truth about its fates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

from capacity.catalog import Catalog, Resource
from capacity.catalog_load import load_catalog
from capacity.frames import wide
from capacity.simulate.clock import Floats
from capacity.simulate.fates import PLANTED, Fate, Planted, first_breach
from capacity.simulate.planning import LIMITS, QUESTIONS, Question, answer
from capacity.simulate.platform import AS_OF, NODES, Node, Platform
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
        return wide(to_base(values, unit), times=times, series=series, metric=resource.name)

    def answer(
        self,
        question: Question,
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

    @cached_property
    def fates(self) -> tuple[Fate, ...]:
        """The planted fates, each with its truth."""
        return tuple(self._fate(planted) for planted in PLANTED)

    def _fate(self, planted: Planted) -> Fate:
        resource = self._resource(planted.resource)
        question = QUESTIONS[planted.resource]
        nodes = [node for node in NODES if planted.labels.items() <= node.labels.items()]
        asked = {"start": self.start, "end": self.platform.axis.end, "step": resource.step}
        times, _, demand = answer(question, self.platform, nodes, aggregate=resource.aggregate, **asked)
        limit: Floats | float = resource.limit or np.nan
        if resource.limit_query is not None:
            _, _, asked_limit = answer(LIMITS[resource.name], self.platform, nodes, aggregate="min", **asked)
            limit = to_base(asked_limit[:, 0], resource.limit_unit or resource.unit)
        breach = first_breach(resource, times, to_base(demand[:, 0], resource.unit), limit, as_of=self.as_of)
        frame = self.frames[planted.resource]
        seen = frame[[column for column in frame.columns if set(planted.labels.values()) <= set(column)]].dropna()
        return Fate(
            planted.kind, planted.resource, planted.labels, breach, planted.verdicts, self.as_of - seen.index[0]
        )


@lru_cache(maxsize=4)
def demo(seed: int = 0) -> Demo:
    """Draw the demo: simulated DWCP telemetry, 180 days up to 2026-11-01T00:00Z, the same for the same ``seed``.

    The frames are drawn when they are first asked for, and kept.
    """
    return Demo(seed, Platform(seed))
