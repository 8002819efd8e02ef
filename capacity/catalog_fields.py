"""What each table of a catalogue may hold, and how each of its values is read."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Mapping
from typing import Any

from capacity import leadtime
from capacity import tomlvalues as read
from capacity.errors import did_you_mean
from capacity.leadtime import LeadTime
from capacity.tomlvalues import Reader


def aggregate(value: Any) -> str:
    """Read how a step is rolled up: ``max``, ``min``, ``mean``, ``last``, ``sum``, or a percentile such as ``p95``."""
    if value in AGGREGATES or (isinstance(value, str) and re.fullmatch(r"p\d{1,2}(\.\d+)?", value)):
        return str(value)
    near = did_you_mean(str(value), AGGREGATES)
    raise ValueError(f"expected {', '.join(AGGREGATES)}, or a percentile such as p95, got {value!r}.{near}")


def timezone(value: Any) -> str:
    """Read the name of an IANA time zone."""
    name = read.text(value)
    known = zoneinfo.available_timezones()
    if name not in known:
        raise ValueError(f"no time zone is called {name!r}.{did_you_mean(name, known)}")
    return name


def country(value: Any) -> str:
    """Read whose public holidays are kept: a country as in ISO 3166, and a part of it after a hyphen."""
    if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", value):
        raise ValueError(f'expected a country such as "DE", or a part of one such as "DE-BY", got {value!r}.')
    return value


def lead_time(value: Any) -> LeadTime:
    """Read a lead time: ``"21d"``, or a table of quantiles such as ``{ p50 = "21d", p90 = "35d" }``."""
    if not isinstance(value, str | dict):
        how = 'a duration such as "21d", or quantiles { p50 = "21d", p90 = "35d" }'
        raise ValueError(f"expected {how}, got {read.kind(value)} ({value!r}).")
    return leadtime.lead_time(value, name="duration")


AGGREGATES = ("max", "min", "mean", "last", "sum")
_SEVERITIES = ("critical", "warning", "capacity")
_ANY: Reader = lambda value: value  # noqa: E731  # sections are read by their own builders

TOP: Mapping[str, Reader] = {
    "name": read.text,
    "title": read.text,
    "timezone": timezone,
    "timezones": read.mapping(timezone),
    "holidays": read.mapping(country),
    **dict.fromkeys(
        ("labels", "metrics", "resources", "objectives", "alerts", "channels", "event_kinds", "events", "accepted"),
        _ANY,
    ),
}
LABEL: Mapping[str, Reader] = {"help": read.text, "values": read.many(read.text), "common": read.flag}
METRIC: Mapping[str, Reader] = {
    "type": read.one_of("gauge", "counter", "histogram"),
    "unit": read.unit,
    "help": read.text,
    "group": read.text,
    "labels": read.many(read.text),
    "quantiles": read.many(read.between(0, 1)),
    "assumed": read.flag,
}
RESOURCE: Mapping[str, Reader] = {
    "title": read.text,
    "help": read.text,
    "kind": read.text,
    "query": read.text,
    "unit": read.unit,
    "limit": read.number,
    "limit_query": read.text,
    "limit_schedule": read.many(_ANY),
    "limit_unit": read.unit,
    "limit_kind": read.one_of("hard", "soft"),
    "direction": read.one_of("above", "below"),
    "bounds": _ANY,
    "step": read.duration,
    "aggregate": aggregate,
    "sustained": read.duration,
    "resolution": read.duration,
    "reserve": _ANY,
    "buffer": read.between(0, 1, ends="[)"),
    "lead_time": lead_time,
    "per": read.many(read.text),
    "across": read.one_of("sum", "max", "min"),
    "unit_size": read.amount,
    "cost": _ANY,
    "driver": read.text,
    "risk": read.between(0, 1),
    "owner": read.text,
    "scales_by": read.text,
    "assumed": read.many(read.text),
    "accepted": _ANY,
}
RESERVE: Mapping[str, Reader] = {"n": read.whole, "k": read.whole, "per": read.text}
COST: Mapping[str, Reader] = {"short": read.positive, "idle": read.positive}
BOUNDS: Mapping[str, Reader] = {"lower": read.number, "upper": read.number}
STEP_OF_LIMIT: Mapping[str, Reader] = {"from": read.instant, "limit": read.number}
ACCEPTED: Mapping[str, Reader] = {
    "until": read.last_instant,
    "by": read.text,
    "reason": read.text,
    "where": read.mapping(read.text),
}
OBJECTIVE: Mapping[str, Reader] = {
    "title": read.text,
    "indicator": read.one_of("ratio", "quantile", "mean", "gauge"),
    "query": read.text,
    "unit": read.unit,
    "comparison": read.one_of("<", "<=", ">", ">="),
    "target": read.number,
    "objective": read.between(0, 1, ends="(]"),
    "window": read.duration,
    "good": read.text,
    "bad": read.text,
    "total": read.text,
    "histogram": read.text,
    "quantile": read.between(0, 1),
    "seen": read.many(read.number),
    "slice": read.duration,
    "calendar": read.one_of("day", "week", "month", "quarter", "year"),
    "timezone": timezone,
    "counters": read.flag,
    "by": read.many(read.text),
    "load": read.text,
    "load_unit": read.unit,
    "owner": read.text,
    "service": read.text,
    "help": read.text,
    "assumed": read.many(read.text),
}
ALERT: Mapping[str, Reader] = {
    "expr": read.text,
    "for": read.wait,
    "severity": read.one_of(*_SEVERITIES),
    "channel": read.text,
    "summary": read.text,
    "means": read.text,
    "actions": read.many(read.text),
    "fires": read.mapping(read.text),
    "quiet": read.mapping(read.text),
    "assumed": read.many(read.text),
}
CHANNEL: Mapping[str, Reader] = {
    "severity": read.one_of(*_SEVERITIES),
    "after": read.wait,
    "digest": read.duration,
}
EVENT_KIND: Mapping[str, Reader] = {"help": read.text, "moves": read.one_of("demand", "limit", "history")}
EVENT: Mapping[str, Reader] = {
    "kind": read.text,
    "name": read.text,
    "start": read.instant,
    "end": read.last_instant,
    "resources": read.many(read.text),
    "where": read.mapping(read.text),
    "effect": read.number,
    "unit": read.unit,
}
