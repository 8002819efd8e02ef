"""Compliance: whether a promise is kept, over its window and now, where it was worst, and which way it goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from capacity.errors import CapacityError
from capacity.frames import series_labels
from capacity.growth import growth
from capacity.naming import series_names
from capacity.slo.budgets import Budget
from capacity.slo.firing import Burn
from capacity.slo.indicator import Sli, keeps
from capacity.verdicts import percent

__all__ = ["STATUSES", "Status", "compliance", "status_text"]

HOUR = pd.Timedelta(hours=1)
# A change of less than one per cent a month is told apart from none by long histories, and is worth no word.
LEAST_TREND = 0.01
# Less than this share of a budget is as good as spent: the platform's own ErrorBudgetExhausted fires below it.
LOW = 0.05
# From this share on a reason says that samples are missing.
UNSEEN = 0.1


@dataclass(frozen=True, slots=True)
class Status:
    """A word, the sign before it, its place in the order of urgency (0 is the most urgent), and what it means."""

    word: str
    sign: str
    rank: int
    meaning: str


STATUSES: Mapping[str, Status] = MappingProxyType(
    {
        one.word: one
        for one in (
            Status("broken", "✖", 0, "more than the whole error budget of the window is spent"),
            Status("burning", "!", 1, "a burn-rate condition holds now"),
            Status(
                "at risk", "▲", 2, "hardly any budget is left, or the last hour or the window's value is past target"
            ),
            Status("kept", "✔", 3, "within its budget, and on the promised side of its target"),
            Status("no data", "?", 4, "nothing was measured in the window"),
        )
    }
)


def status_text(word: str) -> str:
    """Write a status with its sign: ``"✖ broken"``."""
    return f"{STATUSES[word].sign} {word}"


def compliance(measured: Sli, spent: Budget, burned: Burn) -> pd.DataFrame:
    """Return how an objective is kept, a row a series.

    Returns
    -------
    DataFrame
        ``objective``, ``title``, ``series``, ``labels``; ``target``, ``now`` (the last hour), ``value`` (over the
        window, from all its events), ``lower`` and ``upper`` (the bucket that a quantile's value lies in; NaN for
        others), all in the base unit ``unit``; ``kept`` (share of events or slices that were good), ``promised`` (the
        share that has to be), ``left`` (of the budget); ``trend`` (relative change in 30 d; NaN: too short a history)
        and ``direction`` (better, worse, steady, or empty); ``worst`` and ``worst_at`` (the worst hour of the window);
        ``status`` and its ``reason``. NaN is no data.
    """
    objective = measured.objective
    hourly = measured.each(max(HOUR, objective.slice))
    inside = hourly[(hourly.index > spent.window.start) & (hourly.index <= spent.as_of)]
    value = measured.over(spent.window.start, spent.as_of)
    bounds = measured.bounds_over(spent.window.start, spent.as_of)
    trend, direction = _trend(hourly[hourly.index <= spent.as_of], measured)
    worst = inside.max() if objective.direction == "above" else inside.min()
    found = inside.columns[inside.notna().any()]
    peaks = inside[found].idxmax() if objective.direction == "above" else inside[found].idxmin()
    names = series_names(series_labels(measured.columns))
    table = pd.DataFrame(
        {
            "objective": objective.name,
            "title": objective.title,
            "series": names,
            "labels": series_labels(measured.columns),
            "target": objective.target,
            "unit": objective.base,
            "now": _last(hourly, spent.as_of, max(HOUR, objective.slice)),
            "value": value,
            "lower": np.nan if bounds is None else bounds["lower"],
            "upper": np.nan if bounds is None else bounds["upper"],
            "kept": spent.table["kept"],
            "promised": objective.objective,
            "left": spent.table["left"],
            "trend": trend,
            "direction": direction,
            "worst": worst,
            "worst_at": peaks.reindex(measured.columns),
        },
        index=measured.columns,
    )
    unseen = spent.table["missing"].to_numpy(dtype=float)
    burning = set(burned.now["place"]) if len(burned.now) else set()
    judged = [_status(row, place in burning, measured) for place, (_, row) in enumerate(table.iterrows())]
    table["status"] = [word for word, _ in judged]
    table["reason"] = [_with_gaps(reason, share) for (_, reason), share in zip(judged, unseen, strict=True)]
    return table


def _with_gaps(reason: str, missing: float) -> str:
    """Say how much of the window nobody knows of, where it is much."""
    return f"{reason}; {percent(missing)} of the window has no data" if UNSEEN <= missing < 1 else reason


def _last(hourly: pd.DataFrame, at: pd.Timestamp, step: pd.Timedelta) -> pd.Series:
    """Return the last hour; one that is older than an hour is not now."""
    recent = hourly[(hourly.index > at - step) & (hourly.index <= at)]
    return recent.iloc[-1] if len(recent) else pd.Series(np.nan, index=hourly.columns)


def _trend(hourly: pd.DataFrame, measured: Sli) -> tuple[pd.Series, pd.Series]:
    """Return the relative change in 30 days, and whether that is better or worse."""
    relative, word = pd.Series(np.nan, index=measured.columns), pd.Series("", index=measured.columns)
    try:
        grown = growth(hourly).table
    except CapacityError:
        return relative, word
    worse = "growing" if measured.objective.direction == "above" else "falling"
    words = {direction: "worse" if direction == worse else "better" for direction in ("growing", "falling")}
    relative.update(grown["relative_30d"])
    told = grown["direction"].map(lambda one: words.get(one, "steady"))
    word.update(told.where(grown["relative_30d"].abs() >= LEAST_TREND, "steady"))
    return relative, word


def _status(row: pd.Series, burning: bool, measured: Sli) -> tuple[str, str]:
    objective = measured.objective
    if pd.isna(row["kept"]):
        return "no data", "nothing was measured in the window"
    if row["left"] < 0:
        return "broken", "the whole error budget is spent"
    if burning:
        return "burning", "a burn-rate condition holds now"
    past = [
        what
        for name, what in (("now", "the last hour"), ("value", "the value over the window"))
        if not pd.isna(row[name]) and not bool(keeps(objective, pd.DataFrame([[row[name]]])).iloc[0, 0])
    ]
    if past:
        return "at risk", f"{' and '.join(past)} past target"
    if row["left"] < LOW:
        return "at risk", f"less than {100 * LOW:.0f} % of the budget is left"
    return "kept", "within its budget and on the promised side"
