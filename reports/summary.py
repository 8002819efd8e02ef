"""The summary: a report's answer for programs, put out last; a run that did not get here has not succeeded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from capacity._version import __version__
from capacity.frames import duration_text
from reports import claims
from reports.rows import Row, counts, rows
from reports.words import known

if TYPE_CHECKING:
    from capacity.plan import Plan

__all__ = ["MIME", "SCHEMA", "bundle", "summary"]

MIME = "application/vnd.capacity.summary+json"

SCHEMA = "capacity.summary/1"
"""The form of the summary. A number that rises means that something that was there is there no more."""

MOST_DRAWN = 12
"""So many rows carry the points of a small picture: as many as a mail shows."""


def summary(plan: Plan, *, title: str = "") -> dict[str, Any]:
    """Return a plan as plain JSON: the finding, counts, a row a series by urgency, how good it is, what it is made of.

    Dates are ISO 8601 in UTC, figures in base units; what is not known is None. A row's ``claims`` are what can be
    held against what happens: see `reports.claims`.
    """
    found = rows(plan)
    return {
        "schema": SCHEMA,
        "title": title or plan.catalog.title or plan.catalog.name,
        "finding": plan.finding,
        "as_of": _iso(plan.as_of),
        "horizon": duration_text(plan.horizon),
        "verdicts": counts(found),
        "rows": [_row(row, drawn=at < MOST_DRAWN) for at, row in enumerate(found)],
        "queries": {name: _queries(plan, name) for name in {row.resource: None for row in found}},
        "calibration": {name: _number(float(value)) for name, value in plan.calibration.items()},
        "skipped": [
            {"resource": one.resource, "series": one.series, "reason": one.reason, "detail": one.detail}
            for one in plan.skipped
        ],
        "catalog": {"name": plan.catalog.name, "sha256": plan.catalog.sha256},
        "version": __version__,
    }


def bundle(plan: Plan, *, title: str = "") -> dict[str, Any]:
    """Return the summary as a notebook's output, with the finding for whoever reads text."""
    return {MIME: summary(plan, title=title), "text/plain": plan.finding}


def _queries(plan: Plan, name: str) -> dict[str, str]:
    resource = plan.catalog.resources.get(name)
    return {} if resource is None else {"demand": resource.query, "limit": resource.limit_query or ""}


def _row(row: Row, *, drawn: bool) -> dict[str, Any]:
    told = {
        "resource": row.resource,
        "title": row.title,
        "series": row.series,
        "labels": dict(row.labels),
        "owner": row.owner,
        "verdict": row.verdict,
        "reason": row.reason,
        "probability": _number(row.chance),
        "until": _iso(row.until),
        "breach_p10": _iso(row.p10),
        "breach_p50": _iso(row.p50),
        "breach_p90": _iso(row.p90),
        "order_by": _iso(row.order_by),
        "now": _number(row.now),
        "limit": _number(row.limit),
        "usable": _number(row.usable),
        "add": _number(row.add_amount),
        "unit": row.unit,
        "lead_time": duration_text(row.lead_time),
        "model": row.model,
        "accepted": row.accepted,
    }
    if row.outlook is not None:
        told["claims"] = claims.of(row.outlook, row.position)
        if drawn:
            told["points"] = claims.points(row.outlook, row.position)
    return told


def _iso(when: pd.Timestamp) -> str | None:
    return when.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ") if known(when) else None


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
