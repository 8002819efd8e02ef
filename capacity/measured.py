"""What objectives are measured by: the questions that each asks of a source, and the frames that came back.

Counters are asked for as what they grew by in each slice of time (the server knows about resets), histograms as what
each bucket grew by, gauges as their mean over the slice. So that shares and quantiles over any stretch can be had
exactly from the parts, never as a mean of means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from capacity import provenance as prov
from capacity.catalog import Catalog, Objective
from capacity.frames import Skipped, duration_text

__all__ = ["LOAD", "PARTS", "Asked", "Measured", "questions"]

LOAD, PARTS = "load", "parts:"
DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Asked:
    """One question: its answer is ``role`` of the objective; roles that begin with `PARTS` tell by all labels."""

    role: str
    query: str
    step: pd.Timedelta
    unit: str = "count"
    aggregate: str | None = None

    @property
    def optional(self) -> bool:
        """Whether the objective can be judged without the answer."""
        return self.role == LOAD or self.role.startswith(PARTS)


@dataclass(frozen=True)
class Measured:
    """What one pull of objectives brought: by objective and role, wide frames in base units.

    Roles: ``good``, ``bad``, ``total`` (events a slice), ``buckets`` (with ``le``), ``sum`` and ``count`` (of a mean),
    ``value`` (of a gauge), ``load``; ``parts:…`` the same by day and by all labels that the metric has. A question that
    was not answered stands in ``skipped``.
    """

    frames: Mapping[str, Mapping[str, pd.DataFrame]]
    as_of: pd.Timestamp
    window: pd.Timedelta
    catalog: str
    skipped: tuple[Skipped, ...] = ()

    @property
    def provenance(self) -> prov.Provenance:
        """Where everything comes from."""
        return prov.merge(*(prov.read(frame) for roles in self.frames.values() for frame in roles.values()))


def questions(objective: Objective, catalog: Catalog) -> tuple[Asked, ...]:
    """Return what has to be asked to judge an objective, what drives it, and which parts of the platform spend it."""
    listed = _counted(objective, objective.by, objective.slice, "")
    if objective.indicator == "gauge":
        listed = [Asked("value", objective.query, objective.slice, objective.unit, "mean")]
    if objective.load is not None:
        listed.append(Asked(LOAD, objective.load, objective.slice, objective.load_unit))
    labels = _labels(objective, catalog)
    if set(labels) - set(objective.by):
        listed += _counted(objective, labels, DAY, PARTS)
    return tuple(listed)


def _counted(objective: Objective, by: Iterable[str], step: pd.Timedelta, prefix: str) -> list[Asked]:
    """Return the questions for events that were counted."""
    given = {role: getattr(objective, role) for role in ("good", "bad", "total") if getattr(objective, role)}
    if objective.indicator == "ratio":
        if not objective.counters:
            return [] if prefix else [Asked(role, query, step) for role, query in given.items()]
        return [Asked(f"{prefix}{role}", _grown(one, by, step), step) for role, one in given.items()]
    histogram = objective.histogram or ""
    if objective.indicator == "quantile":
        query = _grown(_suffixed(histogram, "_bucket"), (*by, "le"), step)
        return [Asked(f"{prefix}buckets", query, step)]
    if objective.indicator == "mean":
        sums = Asked(f"{prefix}sum", _grown(_suffixed(histogram, "_sum"), by, step), step, objective.unit)
        return [sums, Asked(f"{prefix}count", _grown(_suffixed(histogram, "_count"), by, step), step)]
    return []


def _labels(objective: Objective, catalog: Catalog) -> tuple[str, ...]:
    """Return the labels that all metrics of an objective have, as the catalogue states them."""
    named = [objective.good, objective.bad, objective.total, objective.histogram]
    stated = [catalog.metrics.get(one.partition("{")[0].strip()) for one in named if one]
    if not stated or any(metric is None for metric in stated):
        return ()
    labels = [metric.labels for metric in stated if metric is not None]
    return tuple(label for label in labels[0] if all(label in each for each in labels))


def _grown(selector: str, by: Iterable[str], step: pd.Timedelta) -> str:
    """Write the query for what counters grew by in each step, added up by labels."""
    names = ", ".join(by)
    grouped = f"sum by ({names})" if names else "sum"
    return f"{grouped} (increase({selector}[{duration_text(step)}]))"


def _suffixed(selector: str, suffix: str) -> str:
    """Return the selector of one of a histogram's own series."""
    name, brace, rest = selector.partition("{")
    return f"{name.strip()}{suffix}{brace}{rest}"
