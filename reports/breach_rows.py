"""What the report on objectives says, row by row: text for its tables, and the summary for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from capacity import slo
from capacity._version import __version__
from capacity.slo import STATUSES, Review
from capacity.units import human
from capacity.units import unit as look_up
from reports import words

__all__ = [
    "LEAST",
    "base_of",
    "driver",
    "exhausted",
    "fired",
    "projected",
    "saturated",
    "share",
    "summary",
    "window_of",
]

# A chance below one per cent is not worth a line.
LEAST = 0.01
CONDITIONS = ("over 1 h", "over 6 h", "over 1 d", "over 3 d")
VERDICT = {"no data": "cannot judge"}
NUMBERS = ("target", "now", "value", "kept", "promised", "left", "trend", "worst", "exhausted", "breach", "saturated")
DATES = ("worst_at", "exhausted_p50", "breach_p50", "saturated_p50")


def summary(found: Review, *, title: str) -> dict[str, Any]:
    """Return a review as plain JSON: dates as ISO 8601 in UTC, figures in base units; what is not known is None."""
    counts = found.table["status"].value_counts(sort=False)
    order = sorted(counts.index, key=lambda word: STATUSES[word].rank)
    return {
        "title": title,
        "finding": found.finding,
        "as_of": _iso(found.as_of),
        "horizon": found.horizon.isoformat(),
        "verdicts": {VERDICT.get(word, word): int(counts[word]) for word in order},
        "rows": [_row(row) for _, row in found.table.iterrows()],
        "skipped": [{"objective": one.series, "reason": one.reason, "detail": one.detail} for one in found.skipped],
        "catalog": {"name": found.catalog.name, "sha256": found.catalog.sha256},
        "version": __version__,
    }


def fired(one: slo.Reviewed) -> dict[str, str]:
    """Return a row on one objective: how often each condition held, and for how long at most."""
    fired = one.burn.fired
    row = {"objective": one.measured.objective.title}
    for place, condition in enumerate(one.burn.conditions):
        mine = fired[fired["condition"] == condition.name]
        often = words.plural(len(mine), "time")
        held = f"{often}, up to {words.since(mine['lasted'].max())}" if len(mine) else "never"
        row[CONDITIONS[place] if place < len(CONDITIONS) else condition.name] = held
    return row | {"peak": f"{fired['peak'].max():.3g}×", "now": "yes" if bool(fired["now"].any()) else "no"}


def exhausted(found: Review) -> list[dict[str, str]]:
    """Return a row for each series whose budget may be exhausted, or is."""
    rows = []
    for one in found.objectives.values():
        if one.exhaustion is None:
            continue
        for _, row in one.exhaustion.table.iterrows():
            if not (row["probability"] >= LEAST or row["spent"] > 1):
                continue
            rows.append(
                {
                    "objective": one.measured.objective.title,
                    "series": str(row["series"]),
                    "spent": share(row["spent"]),
                    "exhausted": f"{words.chance(row['probability'])} by {words.day(one.exhaustion.window.end)}",
                    "10 / 50 / 90 %": " / ".join(_short(row[f"exhausted_{at}"]) for at in ("p10", "p50", "p90")),
                    "survives at": "–" if math.isnan(row["survives"]) else f"{row['survives']:.2g}×",
                    "likely burn": "–" if math.isnan(row["expected"]) else f"{row['expected']:.2g}×",
                    "at constant burn": _short(row["constant"]),
                }
            )
    return rows or [{"objective": "none is likely to be exhausted"}]


def _short(when: pd.Timestamp) -> str:
    return words.short_day(when) if words.known(when) else "not"


def projected(name: str, row: pd.Series) -> str:
    """Say how likely an indicator is to pass its target."""
    if row["past"]:
        return f"{name} is on the wrong side of its target today."
    told = [f"{words.chance(row[span])} within {span}" for span in slo.SPANS if not math.isnan(row[span])]
    return f"{name}: the chance of a day on the wrong side is {', '.join(told) or 'not known'}."


def saturated(row: pd.Series, unit: str) -> dict[str, str]:
    """Return a row on how much load a series carries; ``unit`` is that of the load."""

    def span(name: str) -> str:
        low, middle, high = (row[f"{name}_{at}"] for at in ("p10", "p50", "p90"))
        return (
            "not known" if math.isinf(middle) else f"{human(middle, unit)} ({human(low, unit)} – {human(high, unit)})"
        )

    return {
        "series": str(row["series"]),
        "curve": str(row["family"]),
        "load now": human(row["load"], unit),
        "knee": span("knee"),
        "usable": span("usable"),
        "headroom": "–" if math.isnan(row["headroom_ratio"]) else words.percent(row["headroom_ratio"]),
        "breach": words.chance(row["probability"]),
        "why": str(row["reason"]),
    }


def driver(part: pd.Series, labels: Sequence[str], *, name: str = "") -> dict[str, str]:
    """Return a row on what one part spends; ``name`` stands for several."""
    who = name or "/".join(str(part[label]) for label in labels if part.get(label)) or "all"
    return {
        "part": who,
        "bad": f"{part['bad']:,.0f}",
        "share of bad": share(part["share"]),
        "share of traffic": share(part["traffic"]),
        "budget spent": share(part["spent"]),
    }


def _row(row: pd.Series) -> dict[str, Any]:
    plain = {name: str(row[name]) for name in ("objective", "title", "series", "owner", "unit", "status", "reason")}
    numbers = {name: float(row[name]) if math.isfinite(row[name]) else None for name in NUMBERS}
    return plain | numbers | {name: _iso(row[name]) for name in DATES}


def _iso(when: pd.Timestamp) -> str | None:
    return when.tz_convert("UTC").strftime("%Y-%m-%dT%H:%M:%SZ") if words.known(when) else None


def window_of(one: slo.Reviewed) -> str:
    """Name the window of an objective."""
    objective = one.measured.objective
    return f"the calendar {objective.calendar}" if objective.calendar else f"the last {words.since(objective.window)}"


def share(part: float) -> str:
    """Write a share in per cent; one of nothing is infinite."""
    return "∞" if math.isinf(part) and part > 0 else "−∞" if math.isinf(part) else words.percent(float(part))


def base_of(unit: str) -> str:
    """Return the base of a unit."""
    return look_up(unit).base
