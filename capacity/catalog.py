"""What a platform's capacity catalogue says, as frozen data.

A catalogue describes a platform: its metrics, the resources that can run out, its objectives, alerts and known events.
It is written in TOML (`capacity.catalog_load` reads it) and holds data only. After loading, limits, bounds, targets and
effects are in the base unit of their metric (bytes, seconds, a ratio from 0 to 1), so that nothing downstream converts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from capacity.leadtime import LeadTime
from capacity.units import unit

Direction = Literal["above", "below"]
LimitKind = Literal["hard", "soft"]
Indicator = Literal["ratio", "quantile", "mean", "gauge"]
Comparison = Literal["<", "<=", ">", ">="]
Calendar = Literal["", "day", "week", "month", "quarter", "year"]
Across = Literal["sum", "max", "min"]
Bounds = tuple[float | None, float | None]

HOUR = pd.Timedelta(hours=1)
FIVE_MINUTES = pd.Timedelta(minutes=5)
# By calendar: the nominal length of its window, for what needs a length before the calendar is asked.
CALENDARS: Mapping[str, pd.Timedelta] = {
    "day": pd.Timedelta(days=1), "week": pd.Timedelta(days=7), "month": pd.Timedelta(days=30),
    "quarter": pd.Timedelta(days=91), "year": pd.Timedelta(days=365),
}  # fmt: skip


@dataclass(frozen=True)
class Label:
    """A label that series carry: ``common`` where every metric has it; no ``values`` where any value may occur."""

    name: str
    help: str = ""
    values: tuple[str, ...] = ()
    common: bool = False


@dataclass(frozen=True)
class Metric:
    """A metric as the platform exposes it, in its own unit; ``assumed``: no document of the platform names it."""

    name: str
    type: Literal["gauge", "counter", "histogram"]
    unit: str
    help: str
    group: str = ""
    labels: tuple[str, ...] = ()
    quantiles: tuple[float, ...] = ()
    assumed: bool = False


@dataclass(frozen=True)
class Reserve:
    """``k`` of ``n`` equal failure domains (one a value of the label ``per``) may be lost: ``k / n`` is kept free.

    Without ``n`` the values of ``per`` are counted, among the series that a unit is made of.
    """

    n: int | None = None
    k: int = 1
    per: str | None = None


@dataclass(frozen=True)
class Cost:
    """What a unit of capacity costs where it is ``short``, and where it is ``idle``: only their ratio counts."""

    short: float
    idle: float

    @property
    def level(self) -> float:
        """The risk of running short at which one more unit costs as much as it saves (the newsvendor's)."""
        return self.idle / (self.short + self.idle)


@dataclass(frozen=True)
class Accepted:
    """A risk that somebody answers for until a date: shown in every report, alerted in none."""

    resource: str
    until: pd.Timestamp
    by: str
    reason: str
    where: Mapping[str, str] = field(default_factory=dict)

    def covers(self, labels: Mapping[str, str], *, as_of: pd.Timestamp) -> bool:
        """Whether a series with these labels is accepted at ``as_of`` (its last day included)."""
        return as_of <= self.until and matches(self.where, labels)


@dataclass(frozen=True)
class Resource:
    """Something that can run out: what is asked of it, what it can give, and how long more of it takes to arrive.

    Attributes
    ----------
    query, limit_query
        PromQL for demand and for the limit, answering in ``unit`` and ``limit_unit`` (two names of one base unit).
    limit, limit_schedule, bounds
        In the base unit. At most one of ``limit``, ``limit_query`` and ``limit_schedule`` is given;
        with none of them the resource is shown, and its series are skipped as "limit missing".
    kind
        What sort of metric this is ("cpu", "memory", "disk" …): series of one kind are judged alike.
    direction
        The side of the limit that is a breach.
    step, aggregate, resolution
        The spacing to plan on, what the server rolls each step up to, and how finely it evaluates an expression
        below a step (None: the samples as they are kept).
    sustained
        How long demand has to be past the limit to count.
    buffer
        Share of the limit, from 0 up to but not including 1, that is kept free after the reserve.
    lead_time, lead_quantiles
        From deciding to having more: the median, and (level, duration) where it is a distribution.
    per, across
        The labels of the unit that is bought, and how demand and limit of its series are put together; None: each
        series is a unit.
    unit_size
        What capacity is sold by, in the base unit; None: by any amount.
    cost
        Of too little and of too much, for the choice that is regretted least.
    driver
        PromQL of the business metric that demand grows with.
    risk
        The probability of a breach that is still put up with.
    assumed
        Names of the fields above that no document of the platform gives.
    """

    name: str
    title: str
    query: str
    unit: str
    kind: str
    owner: str
    lead_time: pd.Timedelta
    direction: Direction = "above"
    limit: float | None = None
    limit_query: str | None = None
    limit_schedule: tuple[tuple[pd.Timestamp, float], ...] = ()
    limit_unit: str = ""
    limit_kind: LimitKind = "hard"
    step: pd.Timedelta = HOUR
    aggregate: str = "max"
    sustained: pd.Timedelta = HOUR
    resolution: pd.Timedelta | None = None
    reserve: Reserve | None = None
    buffer: float = 0.0
    scales_by: str = ""
    bounds: Bounds = (None, None)
    risk: float = 0.1
    help: str = ""
    assumed: tuple[str, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    lead_quantiles: tuple[tuple[float, pd.Timedelta], ...] = ()
    per: tuple[str, ...] | None = None
    across: Across = "sum"
    unit_size: float | None = None
    cost: Cost | None = None
    driver: str = ""

    @property
    def demand_query(self) -> str:
        """The PromQL that asks for demand, as the catalogue has it."""
        return self.query

    @property
    def lead(self) -> LeadTime:
        """From deciding to having more, as a distribution."""
        return LeadTime(self.lead_quantiles or ((0.5, self.lead_time),))

    @property
    def base(self) -> str:
        """The base unit that demand and limit share."""
        return unit(self.unit).base

    def accepted_for(self, labels: Mapping[str, str], *, as_of: pd.Timestamp) -> Accepted | None:
        """Return the acceptance that covers this series at ``as_of``; None: nobody has accepted its risk."""
        return next((each for each in self.accepted if each.covers(labels, as_of=as_of)), None)


@dataclass(frozen=True)
class Objective:
    """A service level objective: ``query`` keeps to its side of ``target`` for the share ``objective`` of ``window``.

    ``indicator`` says how it is measured: a ``ratio`` of counters (two of ``good``, ``bad``, ``total``), a ``quantile``
    or the ``mean`` of a ``histogram``, or a ``gauge``. A ratio counts events, the others count slices of time.
    ``target`` and ``seen`` (lowest and highest seen in production) are in the base unit.

    Attributes
    ----------
    slice
        How long a slice of time is that is judged as a whole, and how finely events are counted.
    calendar, timezone
        The window begins with each day, week (Monday), month, quarter or year on the wall of ``timezone`` (empty: UTC)
        and ``window`` is its nominal length; empty: it rolls.
    counters
        Whether ``good``, ``bad`` and ``total`` select counters; else each answers in events itself.
    by
        The labels whose values are judged apart; empty: all series together.
    load
        PromQL for what drives the indicator (requests or rounds a second), in ``load_unit``.
    """

    name: str
    title: str
    indicator: Indicator
    query: str
    unit: str
    target: float
    comparison: Comparison
    objective: float
    window: pd.Timedelta
    good: str | None = None
    bad: str | None = None
    total: str | None = None
    histogram: str | None = None
    quantile: float | None = None
    seen: tuple[float, float] | None = None
    slice: pd.Timedelta = FIVE_MINUTES
    calendar: Calendar = ""
    timezone: str = ""
    counters: bool = True
    by: tuple[str, ...] = ()
    load: str | None = None
    load_unit: str = "per_second"
    owner: str = ""
    service: str = ""
    help: str = ""
    assumed: tuple[str, ...] = ()

    @property
    def base(self) -> str:
        """The base unit of ``target``."""
        return unit(self.unit).base

    @property
    def direction(self) -> Direction:
        """The side of the target on which the promise is broken."""
        return "above" if self.comparison.startswith("<") else "below"

    @property
    def budget(self) -> float:
        """The error budget: the share of events, or of time, that may be bad."""
        return 1.0 - self.objective


@dataclass(frozen=True)
class Alert:
    """An alert rule: ``expr`` holds without a break for ``for_`` before it fires.

    ``means`` and ``actions`` are its runbook; ``fires`` and ``quiet`` are series by which it is tested, their values
    a minute apart in promtool's notation: it fires on the first, and keeps still on the second.
    """

    name: str
    expr: str
    for_: pd.Timedelta
    severity: str
    channel: str
    summary: str
    means: str = ""
    actions: tuple[str, ...] = ()
    fires: Mapping[str, str] = field(default_factory=dict)
    quiet: Mapping[str, str] = field(default_factory=dict)
    assumed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Channel:
    """Where alerts of a severity go: ``after`` a wait, or gathered into a digest every ``digest``."""

    name: str
    severity: str
    after: pd.Timedelta
    digest: pd.Timedelta | None = None


@dataclass(frozen=True)
class EventKind:
    """A kind of event that moves demand or limits, or that makes history unfit to learn from."""

    name: str
    help: str
    moves: Literal["demand", "limit", "history"] = "demand"


@dataclass(frozen=True)
class Event:
    """A known event; no ``end``: it stays. ``effect`` is in the base unit of its resources; None: to be learnt."""

    kind: str
    name: str
    start: pd.Timestamp
    end: pd.Timestamp | None = None
    resources: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    effect: float | None = None


@dataclass(frozen=True)
class Catalog:
    """A platform, described once; mappings are keyed by name, in the file's order. ``sha256`` is that of its text.

    ``timezones`` and ``holidays`` are by region: an IANA zone, and whose public holidays are kept
    (``"DE"``, ``"DE-BY"``).
    """

    name: str
    title: str
    timezone: str = "UTC"
    timezones: Mapping[str, str] = field(default_factory=dict)
    holidays: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, Label] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    resources: Mapping[str, Resource] = field(default_factory=dict)
    objectives: Mapping[str, Objective] = field(default_factory=dict)
    alerts: Mapping[str, Alert] = field(default_factory=dict)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    event_kinds: Mapping[str, EventKind] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    sha256: str = ""

    def timezone_of(self, labels: Mapping[str, str]) -> str:
        """Return the IANA zone that a series lives in: that of its region, else the catalogue's own."""
        return self.timezones.get(labels.get("region", ""), self.timezone)


def matches(where: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether ``labels`` has every value that ``where`` asks for; a missing label reads as empty, as in Prometheus."""
    return all(labels.get(name, "") == value for name, value in where.items())
