"""What is missing in a catalogue, held against what there is: measured and not planned for, planned and not measured.

Pure: whoever calls it has asked the source. A problem keeps a resource from being judged as it should be; the rest is
advice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import dates
from capacity import limits as lim
from capacity.catalog import Catalog, Event, Resource, matches
from capacity.frames import HOSTS, Pull, series_labels
from capacity.pooling import domains
from capacity.units import human, unit

__all__ = ["Held", "Lint", "Remark", "lint", "metrics_asked"]

Array = npt.NDArray[np.float64]

DAY = pd.Timedelta(days=1)
# As full as this in the last day's worst hour, somebody has to answer for it.
NEAR = 0.8
NOBODY = ("", "unassigned", "nobody", "unknown", "tbd", "none")
# Series that begin or end within the window: from so many, and such a share on, they are better put together first.
CHURNED, CHURNED_SHARE = 3, 0.25
# A median series that is so many times its limit, or so small a part of it, is measured in another unit.
FAR_OFF = 50.0
NAMED = 10
SILENT = "query returns nothing"
_WORD = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_PLAIN = re.compile(r"\s*([A-Za-z_:][\w:]*)\s*(?:\{[^{}]*\})?\s*")
_PARTS = ("_bucket", "_sum", "_count", "_total", "_created", "_info")
# What the end of a metric's name says of its unit.
_ENDINGS = ("bytes", "seconds", "milliseconds", "ms", "ratio", "percent", "mbps", "bps")


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that is missing or odd: which rule, about what, in words, and whether it is a problem or advice."""

    rule: str
    about: str
    told: str
    owner: str = ""
    problem: bool = False


@dataclass(frozen=True)
class Held:
    """What a source holds, as far as it tells.

    Attributes
    ----------
    metrics : tuple of str, or None
        The names of all metrics; None: it does not list them.
    likely : tuple of str
        Those not asked for that look like something that can run out, in words.
    hosts : mapping of label to values
        The machines; empty: it does not list them.
    silent : tuple of (about, owner, query, reason)
        Every query of the catalogue that returned nothing.
    """

    metrics: tuple[str, ...] | None = None
    likely: tuple[str, ...] = ()
    hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    silent: tuple[tuple[str, str, str, str], ...] = ()


@dataclass(frozen=True)
class Lint:
    """The remarks, problems first, and the coverage: shares of ``metrics``, ``hosts`` and ``series`` (NaN: unknown)."""

    remarks: tuple[Remark, ...]
    coverage: Mapping[str, float]

    @property
    def problems(self) -> tuple[Remark, ...]:
        """Those that keep something from being judged."""
        return tuple(each for each in self.remarks if each.problem)


def lint(catalog: Catalog, pulled: Pull, held: Held, *, resources: Iterable[str] | None = None) -> Lint:
    """Return what is missing in a catalogue.

    Parameters
    ----------
    pulled : Pull
        Demand and limits of the last days, in base units.
    held : Held
    resources : names, optional
        Only these; None: all.
    """
    chosen = [catalog.resources[name] for name in (catalog.resources if resources is None else resources)]
    seen = [_Seen(resource, pulled) for resource in chosen if resource.name in pulled.demand]
    remarks = [
        *(Remark(SILENT, about, f"{query}: {why}", owner, True) for about, owner, query, why in held.silent),
        *(remark for resource in chosen for remark in _stated(resource, as_of=pulled.as_of)),
        *(remark for each in seen for remark in _measured(each, catalog.events)),
        *_unplanned(catalog, held),
    ]
    order = sorted(remarks, key=lambda each: not each.problem)
    return Lint(tuple(order), _coverage(catalog, seen, held))


class _Seen:
    """A resource with its demand, and the limit that each series meets."""

    def __init__(self, resource: Resource, pulled: Pull) -> None:
        self.resource = resource
        self.demand = pulled.demand[resource.name].loc[: pulled.as_of]
        self.labels = series_labels(self.demand)
        limit = pulled.limits.get(resource.name)
        if limit is None:
            limit = resource.limit if resource.limit is not None else (resource.limit_schedule or None)
        columns = self.demand.columns
        assert isinstance(columns, pd.MultiIndex)
        self.limits = lim.match(columns, limit, times=pd.DatetimeIndex([pulled.as_of]), cutoff=pulled.as_of)
        self.limit = self.limits.at(0)

    @property
    def units(self) -> list[dict[str, str]]:
        """The labels of what is planned: of each series, or of the unit that it is put together to."""
        if self.resource.per is None:
            return self.labels
        return [{name: each[name] for name in self.resource.per if name in each} for each in self.labels]

    def worst(self, last: pd.Timedelta) -> Array:
        """Return each series' worst value of the last while; NaN where it has none."""
        recent = self.demand.loc[self.demand.index > self.demand.index[-1] - last]
        found = recent.max() if self.resource.direction == "above" else recent.min()
        return np.asarray(found.to_numpy(dtype=float))


def metrics_asked(catalog: Catalog) -> set[str]:
    """Return every word of the catalogue's queries: a metric among them is asked for."""
    texts = [text for one in catalog.resources.values() for text in (one.query, one.limit_query, one.driver)]
    texts += [part for one in catalog.objectives.values() for part in (one.query, one.good, one.bad, one.total)]
    texts += [one.histogram for one in catalog.objectives.values()] + [one.expr for one in catalog.alerts.values()]
    return {word for text in texts if text for word in _WORD.findall(text)}


def _stated(resource: Resource, *, as_of: pd.Timestamp) -> Iterator[Remark]:
    """Look at what the catalogue says of a resource by itself."""
    name, owner = resource.name, resource.owner
    if resource.limit is None and resource.limit_query is None and not resource.limit_schedule:
        yield Remark("limit missing", name, "no limit, limit_query or limit_schedule is stated", owner, True)
    for query, stated, what in (
        (resource.query, resource.unit, "unit"),
        (resource.limit_query, resource.limit_unit or resource.unit, "limit_unit"),
    ):
        if told := _unlike(query, stated):
            yield Remark("unit mismatch", name, f"{told}, and {what} is {stated!r}", owner, True)
    if "lead_time" in resource.assumed:
        yield Remark("lead time missing", name, "its lead time is assumed: ask who orders it", owner)
    for each in resource.accepted:
        if each.until < as_of:
            yield Remark("acceptance over", name, f"{each.by} accepted it until {dates.day(each.until)}", owner)


def _unlike(query: str | None, stated: str) -> str:
    """Say what a plain metric's name tells of its unit where that is not the one that is stated."""
    matched = _PLAIN.fullmatch(query or "")
    ending = next((word for word in _ENDINGS if matched and matched[1].endswith(f"_{word}")), None)
    if matched is None or ending is None:
        return ""
    named, told = unit(ending), unit(stated)
    return "" if (named.base, named.factor) == (told.base, told.factor) else f"{matched[1]} says {ending}"


def _measured(seen: _Seen, events: Sequence[Event]) -> Iterator[Remark]:
    """Look at what came for a resource."""
    resource, name, owner = seen.resource, seen.resource.name, seen.resource.owner
    if seen.limits.skipped and len(seen.limits.skipped) < len(seen.labels):
        first = seen.limits.skipped[0]
        told = f"{len(seen.limits.skipped)} of {len(seen.labels)} series have none: {first.series}, {first.detail}"
        yield Remark("limit missing", name, told, owner, True)
    yield from _far_off(seen)
    yield from _without_owner(seen)
    yield from _churn(seen)
    known = {label for labels in seen.labels for label in labels}
    wanted = {"per": resource.per or (), "reserve.per": _counted(resource)}
    for key, labels in wanted.items():
        for label in labels:
            if label not in known:
                yield Remark("label missing", name, f"{key} = {label!r}, which no series has", owner, True)
    wheres = [("acceptance of nothing", each.where) for each in resource.accepted]
    wheres += [("event of nothing", each.where) for each in events if name in each.resources]
    for rule, where in wheres:
        if where and not any(matches(where, labels) for labels in seen.units):
            told = ", ".join(f"{key}={value}" for key, value in where.items())
            yield Remark(rule, name, f"no series that is planned has {told}", owner)
    label = next(iter(_counted(resource)), "")
    if label in known and (domains(seen.labels, label) <= (resource.reserve.k if resource.reserve else 0)).any():
        yield Remark("too few domains", name, f"some series have too few values of {label!r} to lose any", owner)


def _counted(resource: Resource) -> tuple[str, ...]:
    """Return the label whose values are the failure domains, where they are counted."""
    reserve = resource.reserve
    return (reserve.per,) if reserve is not None and reserve.n is None and reserve.per else ()


def _far_off(seen: _Seen) -> Iterator[Remark]:
    """Tell where demand and limit cannot be in one unit."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = seen.worst(7 * DAY) / seen.limit
    share = np.abs(share[np.isfinite(share) & (share != 0)])
    if len(share) and not 1 / (FAR_OFF * FAR_OFF) <= (middle := float(np.median(share))) <= FAR_OFF:
        told = f"the median series is {middle:.3g} × its limit: are both in one unit?"
        yield Remark("unit mismatch", seen.resource.name, told, seen.resource.owner, True)


def _without_owner(seen: _Seen) -> Iterator[Remark]:
    """Tell which series are near their limit while nobody answers for them."""
    resource = seen.resource
    if resource.owner.strip().lower() not in NOBODY or resource.per is not None:
        return
    counted = domains(seen.labels, _counted(resource)[0]) if _counted(resource) else None
    usable = lim.usable(
        seen.limit, reserve=resource.reserve, buffer=resource.buffer, direction=resource.direction, domains=counted
    )
    worst = seen.worst(DAY)
    with np.errstate(divide="ignore", invalid="ignore"):
        full = worst / usable if resource.direction == "above" else usable / worst
    near = np.flatnonzero(full >= NEAR)
    if len(near):
        first = near[np.argmax(full[near])]
        labels = "/".join(seen.labels[first].values()) or "all"
        figures = f"{human(worst[first], resource.base)} of {human(usable[first], resource.base)} usable"
        told = f"nobody answers for {len(near)} series near their limit, first {labels}: {figures}"
        yield Remark("owner missing", resource.name, told, "", True)


def _churn(seen: _Seen) -> Iterator[Remark]:
    """Tell where series come and go, and by which labels they could be put together."""
    if seen.resource.per is not None or len(seen.demand) < 10:
        return
    there = np.isfinite(seen.demand.to_numpy(dtype=float))
    rows = len(there)
    first = np.where(there.any(axis=0), there.argmax(axis=0), rows)
    last = rows - 1 - there[::-1].argmax(axis=0)
    edge = max(1, rows // 10)
    churned = (first > edge) | (last < rows - 1 - edge)
    if churned.sum() < CHURNED or churned.mean() < CHURNED_SHARE:
        return
    steady = _steady(seen.labels, there, edge)
    how = f"put them together first: per = {list(steady)!r}".replace("'", '"') if steady else "put them together first"
    told = f"{int(churned.sum())} of {len(churned)} series come or go within the window: {how}"
    yield Remark("series churn", seen.resource.name, told, seen.resource.owner)


def _steady(labels: Sequence[Mapping[str, str]], there: npt.NDArray[np.bool_], edge: int) -> tuple[str, ...]:
    """Return the labels whose values are all there at the start and at the end, and that are fewer than the series."""
    begun, ended = np.flatnonzero(there[:edge].any(axis=0)), np.flatnonzero(there[-edge:].any(axis=0))
    found = []
    for name in sorted({label for each in labels for label in each}):
        values = [each.get(name, "") for each in labels]
        start, end = {values[place] for place in begun}, {values[place] for place in ended}
        if start == end and len(set(values)) <= len(values) / 2:
            found.append(name)
    return tuple(found)


def _unplanned(catalog: Catalog, held: Held) -> Iterator[Remark]:
    """Tell what is measured and asked for by nothing; what looks like it can run out first."""
    for told in held.likely:
        yield Remark("not planned for", told.split(" ", 1)[0], told)
    unused = _unused(catalog, held)
    if unused:
        more = f" and {len(unused) - NAMED} more" if len(unused) > NAMED else ""
        count = f"{len(unused)} of {len(held.metrics or ())} metrics"
        told = f"{count} are asked for by nothing: {', '.join(unused[:NAMED])}{more}"
        yield Remark("not planned for", "metrics", told)


def _unused(catalog: Catalog, held: Held) -> list[str]:
    asked = metrics_asked(catalog)
    return sorted(name for name in held.metrics or () if not {name, *_wholes(name)} & asked)


def _wholes(name: str) -> set[str]:
    """Return what a part of a histogram may be asked for as."""
    stem = next((name.removesuffix(part) for part in _PARTS if name.endswith(part)), name)
    return {stem, *(stem + part for part in _PARTS)}


def _coverage(catalog: Catalog, seen: Sequence[_Seen], held: Held) -> dict[str, float]:
    """Return the shares of metrics that are asked for, of machines and of series that have a limit to be judged by."""
    metrics = 1 - len(_unused(catalog, held)) / len(held.metrics) if held.metrics else np.nan
    series = sum(len(each.labels) for each in seen)
    limited = sum(len(each.labels) - len(each.limits.skipped) for each in seen)
    planned: dict[str, set[str]] = {}
    found: dict[str, set[str]] = {label: set(values) for label, values in held.hosts.items()}
    for each in seen:
        for labels, owner in zip(each.labels, each.limits.owner, strict=True):
            for label in HOSTS:
                if value := labels.get(label):
                    found.setdefault(label, set()).add(value)
                    if owner >= 0:
                        planned.setdefault(label, set()).add(value)
    label = max(planned, key=lambda name: len(planned[name]), default="")
    hosts = len(planned[label]) / len(found[label]) if label else np.nan
    return {"metrics": metrics, "hosts": hosts, "series": limited / series if series else np.nan}
