"""The summary: a report's answer for programs, put out last; a run that did not get here has not succeeded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from capacity._version import __version__
from reports.rows import Row, counts, rows
from reports.words import known

if TYPE_CHECKING:
    from capacity.plan import Plan

__all__ = ["MIME", "bundle", "summary"]

MIME = "application/vnd.capacity.summary+json"


def summary(plan: Plan, *, title: str = "") -> dict[str, Any]:
    """Return a plan as plain JSON: the finding, counts, a row a series by urgency, how good it is, what it is made of.

    Dates are ISO 8601 in UTC, figures in base units; what is not known is None.
    """
    found = rows(plan)
    return {
        "title": title or plan.catalog.title or plan.catalog.name,
        "finding": plan.finding,
        "as_of": _iso(plan.as_of),
        "horizon": plan.horizon.isoformat(),
        "verdicts": counts(found),
        "rows": [_row(row) for row in found],
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


def _row(row: Row) -> dict[str, Any]:
    return {
        "resource": row.resource,
        "series": row.series,
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
        "unit": row.unit,
        "accepted": row.accepted,
    }


def _iso(when: pd.Timestamp) -> str | None:
    return when.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ") if known(when) else None


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
