"""Objectives written as OpenSLO v1: what `capacity.openslo` reads back whole."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import yaml

from capacity.catalog import Objective
from capacity.frames import duration_text
from capacity.units import unit

__all__ = ["NO_SERVICE", "OPERATORS", "OWN", "PERIODS", "VERSION", "write_openslo"]

VERSION = "openslo/v1"
# Annotations need a prefix of the product's own.
OWN = "capacity-workbench/"
OPERATORS = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
PERIODS = {"1d": "day", "1w": "week", "1M": "month", "1Q": "quarter", "1Y": "year"}
# The specification wants a service; this stands for none.
NO_SERVICE = "default"


def write_openslo(objectives: Iterable[Objective]) -> str:
    """Return objectives as OpenSLO v1: a YAML document each, its indicator inline."""
    documents = [_document(one) for one in objectives]
    return str(yaml.safe_dump_all(documents, sort_keys=False, allow_unicode=True, width=120, explicit_start=True))


def _document(one: Objective) -> dict[str, Any]:
    ratio = one.indicator == "ratio"
    spec: dict[str, Any] = {"description": one.help} if one.help else {}
    spec |= {
        "service": one.service or NO_SERVICE,
        "indicator": {
            "metadata": {"name": one.name.replace("_", "-"), "displayName": one.title},
            "spec": _ratio_spec(one) if ratio else _threshold_spec(one),
        },
        "timeWindow": [_window_spec(one)],
        "budgetingMethod": "Occurrences" if ratio else "Timeslices",
        "objectives": [{"displayName": one.title, **_objective_spec(one)}],
    }
    metadata = {"name": one.name.replace("_", "-"), "displayName": one.title, "annotations": _annotations(one)}
    return {"apiVersion": VERSION, "kind": "SLO", "metadata": metadata, "spec": spec}


def _annotations(one: Objective) -> dict[str, str]:
    """Return what the specification has no place for, as text."""
    noted: dict[str, Any] = {"unit": one.unit, "by": list(one.by), "assumed": list(one.assumed), "seen": one.seen}
    noted |= {"load": one.load, "owner": one.owner}
    if one.load:
        noted["load_unit"] = one.load_unit
    if one.indicator == "ratio":
        noted |= {"query": one.query, "slice": duration_text(one.slice), "target": one.target}
        noted["comparison"] = one.comparison
    if one.name.replace("_", "-").replace("-", "_") != one.name:
        noted["name"] = one.name
    return {OWN + key: value if isinstance(value, str) else json.dumps(value) for key, value in noted.items() if value}


def _source(query: str, **more: Any) -> dict[str, Any]:
    return {"metricSource": {"type": "Prometheus", "spec": {"query": query, **more}}}


def _ratio_spec(one: Objective) -> dict[str, Any]:
    metric: dict[str, Any] = {"counter": one.counters}
    if one.good:
        metric["good"] = _source(one.good)
    elif one.bad:
        metric["bad"] = _source(one.bad)
    if one.total:
        metric["total"] = _source(one.total)
    else:
        # The specification knows no ratio of good to bad: the total is their sum, and says of what.
        metric["total"] = _source(f"{one.good} + {one.bad}", bad=one.bad)
    return {"ratioMetric": metric}


def _threshold_spec(one: Objective) -> dict[str, Any]:
    more: dict[str, Any] = {"indicator": one.indicator, "unit": one.unit}
    more |= {key: value for key in ("histogram", "quantile") if (value := getattr(one, key)) is not None}
    return {"thresholdMetric": _source(one.query, **more)}


def _window_spec(one: Objective) -> dict[str, Any]:
    if not one.calendar:
        return {"duration": duration_text(one.window), "isRolling": True}
    period = next(short for short, name in PERIODS.items() if name == one.calendar)
    starts = "2020-01-06 00:00:00" if one.calendar == "week" else "2020-01-01 00:00:00"
    calendar = {"startTime": starts, **({"timeZone": one.timezone} if one.timezone else {})}
    return {"duration": period, "calendar": calendar, "isRolling": False}


def _objective_spec(one: Objective) -> dict[str, Any]:
    if one.indicator == "ratio":
        return {"target": one.objective}
    operator = next(word for word, sign in OPERATORS.items() if sign == one.comparison)
    value = one.target / unit(one.unit).factor
    sliced = {"timeSliceTarget": 1.0, "timeSliceWindow": duration_text(one.slice)}
    return {"op": operator, "value": value, "target": one.objective, **sliced}
