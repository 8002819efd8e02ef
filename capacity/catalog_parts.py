"""How each table of a catalogue becomes a dataclass in base units, and what has to agree within and between them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from capacity import catalog_fields as fields
from capacity import tomlvalues as read
from capacity.catalog import (
    CALENDARS,
    FIVE_MINUTES,
    Accepted,
    Alert,
    Channel,
    Cost,
    Event,
    EventKind,
    Label,
    Metric,
    Objective,
    Reserve,
    Resource,
)
from capacity.errors import UnitError
from capacity.tomldoc import Document, Path
from capacity.tomlvalues import Reader
from capacity.units import to_base
from capacity.units import unit as unit_of

__all__ = ["accepted", "alert", "channel", "event", "event_kind", "label", "metric", "objective", "resource"]


def label(doc: Document, path: Path, name: str, table: Any) -> Label | None:
    """Build a label."""
    values = doc.read(path, table, fields.LABEL)
    return None if values is None else Label(name, **values)


def metric(doc: Document, path: Path, name: str, table: Any) -> Metric | None:
    """Build a metric; it carries the common labels and its own."""
    values = doc.read(path, table, fields.METRIC, required=("type", "unit", "help"))
    if values is None:
        return None
    stated = _section(doc, "labels")
    for own in values.get("labels", ()):
        doc.known((*path, "labels"), own, stated, what="label")
    common = [key for key, each in stated.items() if isinstance(each, dict) and each.get("common") is True]
    values["labels"] = (*common, *(own for own in values.get("labels", ()) if own not in common))
    return Metric(name, **values)


def resource(doc: Document, path: Path, name: str, table: Any, risks: tuple[Accepted, ...]) -> Resource | None:
    """Build a resource, its numbers in the base unit that demand and limit share."""
    values = doc.read(path, table, fields.RESOURCE, required=("query", "unit", "lead_time", "owner"))
    if values is None:
        return None
    before = len(doc.problems)
    _one_limit(doc, path, values)
    _assumed(doc, path, values, fields.RESOURCE)
    values["limit_unit"] = limit_unit = values.get("limit_unit", values["unit"])
    if unit_of(limit_unit).base != unit_of(values["unit"]).base:
        doc.problem((*path, "limit_unit"), _unlike(limit_unit, values["unit"]))
    if "limit" in values:
        values["limit"] = to_base(values["limit"], limit_unit)
    values["limit_schedule"] = _schedule(doc, (*path, "limit_schedule"), values.get("limit_schedule", ()), limit_unit)
    values["bounds"] = _bounds(doc, (*path, "bounds"), values.get("bounds", {}), values["unit"])
    values["reserve"] = _reserve(doc, (*path, "reserve"), values.get("reserve"))
    lead = values["lead_time"]
    values["lead_time"], values["lead_quantiles"] = lead.median, () if lead.fixed else lead.quantiles
    values["unit_size"] = _unit_size(doc, (*path, "unit_size"), values.get("unit_size"), limit_unit)
    values["cost"] = _cost(doc, (*path, "cost"), values.get("cost"))
    _pooling(doc, path, values)
    own = _own_risks(doc, (*path, "accepted"), name, values.get("accepted", []))
    values["accepted"] = (*own, *(risk for risk in risks if risk.resource == name))
    values.setdefault("title", name.replace("_", " ").capitalize())
    values.setdefault("kind", name)
    return Resource(name, **values) if len(doc.problems) == before else None


def accepted(doc: Document, path: Path, table: Any) -> Accepted | None:
    """Build an acceptance that names its resource."""
    values = doc.read(
        path, table, {**fields.ACCEPTED, "resource": read.text}, required=("resource", "until", "by", "reason")
    )
    if values is None or not doc.known(
        (*path, "resource"), values["resource"], _section(doc, "resources"), what="resource"
    ):
        return None
    return Accepted(**values)


def objective(doc: Document, path: Path, name: str, table: Any) -> Objective | None:
    """Build an objective, its target and what was seen in the base unit."""
    required = ("indicator", "query", "unit", "comparison", "target", "objective")
    values = doc.read(path, table, fields.OBJECTIVE, required=required)
    if values is None:
        return None
    before = len(doc.problems)
    _window(doc, path, values)
    _indicator(doc, path, values)
    _assumed(doc, path, values, fields.OBJECTIVE)
    values["target"] = to_base(values["target"], values["unit"])
    if (seen := values.get("seen")) is not None:
        values["seen"] = tuple(to_base(each, values["unit"]) for each in seen)
        if len(seen) != 2 or seen[0] > seen[1]:
            doc.problem((*path, "seen"), "expected two numbers, the lowest and the highest.")
    values.setdefault("title", name.replace("_", " ").capitalize())
    return Objective(name, **values) if len(doc.problems) == before else None


def alert(doc: Document, path: Path, name: str, table: Any) -> Alert | None:
    """Build an alert."""
    values = doc.read(path, table, fields.ALERT, required=("expr", "for", "severity", "channel", "summary"))
    if values is None or not doc.known(
        (*path, "channel"), values["channel"], _section(doc, "channels"), what="channel"
    ):
        return None
    return Alert(name, for_=values.pop("for"), **values)


def channel(doc: Document, path: Path, name: str, table: Any) -> Channel | None:
    """Build a channel."""
    values = doc.read(path, table, fields.CHANNEL, required=("severity",))
    return None if values is None else Channel(name, **{"after": pd.Timedelta(0), **values})


def event_kind(doc: Document, path: Path, name: str, table: Any) -> EventKind | None:
    """Build a kind of event."""
    values = doc.read(path, table, fields.EVENT_KIND, required=("help",))
    return None if values is None else EventKind(name, **values)


def event(doc: Document, path: Path, table: Any) -> Event | None:
    """Build an event, its effect in the base unit of the resources that it names."""
    values = doc.read(path, table, fields.EVENT, required=("kind", "name", "start"))
    if values is None:
        return None
    before = len(doc.problems)
    doc.known((*path, "kind"), values["kind"], _section(doc, "event_kinds"), what="kind of event")
    stated = _section(doc, "resources")
    for name in values.get("resources", ()):
        doc.known((*path, "resources"), name, stated, what="resource")
    if values.get("end") is not None and values["end"] < values["start"]:
        doc.problem((*path, "end"), "lies before the start.")
    own_unit = values.pop("unit", None)
    if "effect" in values:
        values["effect"] = _effect(doc, path, values, own_unit, stated)
    return Event(**values) if len(doc.problems) == before else None


def _effect(
    doc: Document, path: Path, values: dict[str, Any], own_unit: str | None, stated: Mapping[str, Any]
) -> float:
    """Return an event's effect in its base unit; the unit is its own, and has to be that of every resource it names."""
    if own_unit is None:
        doc.problem((*path, "effect"), "needs its unit: unit = …")
        return float("nan")
    for name in values.get("resources", ()):
        other = stated.get(name, {}).get("unit", own_unit) if isinstance(stated.get(name), dict) else own_unit
        try:
            alike = unit_of(other).base == unit_of(own_unit).base
        except (UnitError, AttributeError):
            continue  # told where the resource is
        if not alike:
            doc.problem((*path, "unit"), f"{_unlike(own_unit, other)} Resource {name!r} is planned in it.")
    return float(to_base(values["effect"], own_unit))


def _section(doc: Document, name: str) -> dict[str, Any]:
    """Return a section as it was written: what has problems of its own can still be referred to."""
    table = doc.data.get(name, {})
    return table if isinstance(table, dict) else {}


def _unlike(one: str, other: str) -> str:
    return f"{one!r} measures {unit_of(one).base}, {other!r} measures {unit_of(other).base}."


def _one_limit(doc: Document, path: Path, values: Mapping[str, Any]) -> None:
    given = [key for key in ("limit", "limit_query", "limit_schedule") if key in values]
    if len(given) > 1:
        doc.problem((*path, given[1]), f"one limit at most, and there is {given[0]!r} already.")


def _assumed(doc: Document, path: Path, values: Mapping[str, Any], known: Mapping[str, Reader]) -> None:
    for name in values.get("assumed", ()):
        doc.known((*path, "assumed"), name, known, what="field")


def _schedule(doc: Document, path: Path, rows: tuple[Any, ...], unit: str) -> tuple[tuple[pd.Timestamp, float], ...]:
    found = [doc.read(path, row, fields.STEP_OF_LIMIT, required=("from", "limit")) for row in rows]
    steps = tuple((row["from"], float(to_base(row["limit"], unit))) for row in found if row is not None)
    if any(later[0] <= earlier[0] for earlier, later in itertools.pairwise(steps)):
        doc.problem(path, "each step has to come after the one before it.")
    return steps


def _bounds(doc: Document, path: Path, table: Any, unit: str) -> tuple[float | None, float | None]:
    values = doc.read(path, table, fields.BOUNDS) or {}
    lower, upper = (to_base(values[key], unit) if key in values else None for key in ("lower", "upper"))
    if lower is not None and upper is not None and lower >= upper:
        doc.problem(path, f"the lower bound {values['lower']:g} is not below the upper bound {values['upper']:g}.")
    return lower, upper


def _reserve(doc: Document, path: Path, table: Any) -> Reserve | None:
    values = None if table is None else doc.read(path, table, fields.RESERVE)
    if values is None:
        return None
    if "n" not in values and "per" not in values:
        doc.problem(path, "how many failure domains are there? Say n = …, or per = the label whose values are counted.")
    if values.get("n", math.inf) <= values.get("k", 1):
        doc.problem(path, f"of n = {values['n']} failure domains, k = {values.get('k', 1)} cannot be lost.")
    return Reserve(**values)


def _unit_size(doc: Document, path: Path, given: tuple[float, str | None] | None, limit_unit: str) -> float | None:
    if given is None:
        return None
    size, own = given[0], given[1] or limit_unit
    if unit_of(own).base != unit_of(limit_unit).base:
        doc.problem(path, _unlike(own, limit_unit))
    return float(to_base(size, own))


def _cost(doc: Document, path: Path, table: Any) -> Cost | None:
    values = None if table is None else doc.read(path, table, fields.COST, required=("short", "idle"))
    return None if values is None else Cost(**values)


def _pooling(doc: Document, path: Path, values: Mapping[str, Any]) -> None:
    """Check what is said of putting series together: a sum of shares is no share."""
    if "across" in values and "per" not in values:
        doc.problem((*path, "across"), 'put together per what? Say per = ["region"], or per = [] for all in one.')
    if (
        values.get("per") is not None
        and values.get("across", "sum") == "sum"
        and unit_of(values["unit"]).base == "ratio"
    ):
        doc.problem(
            (*path, "per"), f'a sum of shares ({values["unit"]}) is no share: say across = "max", or plan in amounts.'
        )


def _own_risks(doc: Document, path: Path, name: str, given: Any) -> tuple[Accepted, ...]:
    rows = given if isinstance(given, list) else [given]
    read_rows = (doc.read(path, row, fields.ACCEPTED, required=("until", "by", "reason")) for row in rows)
    return tuple(Accepted(resource=name, **row) for row in read_rows if row is not None)


def _window(doc: Document, path: Path, values: dict[str, Any]) -> None:
    """Check that an objective has one window, and that slices fit into it."""
    nominal = CALENDARS.get(values.get("calendar", ""))
    if nominal is not None:
        values.setdefault("window", nominal)
    if "window" not in values:
        doc.problem(path, '\'window\' is missing: a duration such as "30d", or calendar = "month".')
    elif nominal is not None and values["window"] != nominal:
        doc.problem((*path, "window"), f"a calendar {values['calendar']} has no window of its own: leave it out.")
    elif values.get("slice", FIVE_MINUTES) > values["window"]:
        doc.problem((*path, "slice"), "is longer than the window.")


def _indicator(doc: Document, path: Path, values: Mapping[str, Any]) -> None:
    """Check that an objective says what its indicator needs, of metrics that the catalogue states."""
    kind = values["indicator"]
    counters = [key for key in ("good", "bad", "total") if key in values]
    if kind == "ratio" and len(counters) != 2:
        doc.problem(path, f"a ratio needs two of good, bad, total; given: {', '.join(counters) or 'none'}.")
    if kind in ("quantile", "mean") and "histogram" not in values:
        doc.problem(path, f"a {kind} needs its histogram.")
    if kind == "quantile" and "quantile" not in values:
        doc.problem(path, "'quantile' is missing.")
    stated = _section(doc, "metrics")
    for key in (*counters, "histogram"):
        if key in values and stated:
            doc.known((*path, key), values[key].partition("{")[0].strip(), stated, what="metric")
