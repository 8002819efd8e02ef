"""Error budgets: how much of what may go wrong has gone wrong, and how fast.

The budget of a window is the share ``1 − objective`` of its valid events; each bad event spends its part of it. Nothing
is rounded before it is compared. A promise of 100 % has no budget: one bad event spends it infinitely often.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from capacity.catalog import Objective
from capacity.slo.indicator import Sli
from capacity.slo.windows import Span, rolling_sum, span

__all__ = ["Budget", "budget", "burn", "shares"]

DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Budget:
    """The error budget of one objective in one window.

    Attributes
    ----------
    window : Span
        What counts; a calendar's goes on after ``as_of``.
    table : DataFrame, a row a series
        ``total`` and ``bad`` events, ``allowed`` (how many may be bad: in a calendar's window as if the rest of it saw
        as many events), ``spent`` and ``left`` (shares of the budget; they add up to 1), ``kept`` (the share of events
        that were good), ``burn`` (error ratio ÷ budget: 1 spends exactly the window), ``missing`` (share of the slices
        so far that have no data). NaN: no data.
    by_day : DataFrame, day × series
        What each day (UTC, up to its midnight) spent of the budget.
    left : DataFrame, slices × series
        What was left of a rolling window's budget at each instant; of a calendar's, since it began.
    """

    objective: Objective
    as_of: pd.Timestamp
    window: Span
    table: pd.DataFrame
    by_day: pd.DataFrame = field(repr=False)
    left: pd.DataFrame = field(repr=False)


def budget(measured: Sli, *, as_of: pd.Timestamp | None = None) -> Budget:
    """Return an objective's error budget at an instant; None: at the end of what was measured."""
    objective, at = measured.objective, measured.end if as_of is None else as_of
    window = span(objective, at)
    inside = np.asarray((measured.total.index > window.start) & (measured.total.index <= at))
    total, bad = measured.total[inside], measured.bad[inside]
    elapsed = (at - window.start) / window.length
    table = pd.DataFrame({"total": total.sum(min_count=1), "bad": bad.sum(min_count=1)})
    there = table["total"].where(table["total"] > 0)
    table["allowed"] = objective.budget * there / elapsed
    table["spent"] = shares(table["bad"], table["allowed"])
    table["left"] = 1.0 - table["spent"]
    table["kept"] = 1.0 - table["bad"] / there
    table["burn"] = shares(table["bad"], objective.budget * there)
    slices = max(1, round((at - window.start) / objective.slice))
    table["missing"] = 1.0 - total.notna().sum() / slices
    days = pd.DatetimeIndex(bad.index).ceil("D")
    daily = bad.groupby(days).sum(min_count=1)
    by_day = daily.apply(lambda column: shares(column, table["allowed"][column.name]))
    return Budget(objective, at, window, table, by_day, _left(measured, at, window))


def shares(bad: pd.Series, allowed: pd.Series | float) -> pd.Series:
    """Return bad ÷ allowed: 0 where nothing was bad, ∞ where something was and nothing may be; NaN without events."""
    limit = pd.Series(allowed, index=bad.index) if not isinstance(allowed, pd.Series) else allowed
    with np.errstate(divide="ignore", invalid="ignore"):
        found = bad.to_numpy(dtype=float) / limit.to_numpy(dtype=float)
    nothing = (bad == 0).to_numpy() & (limit == 0).to_numpy()
    return pd.Series(np.where(nothing, 0.0, found), index=bad.index)


def burn(measured: Sli, window: pd.Timedelta) -> pd.DataFrame:
    """Return the burn rate over (t − window, t] at each slice: error ratio ÷ error budget.

    NaN where no valid event is known in it, and where it reaches back before what was measured.
    """
    step = measured.objective.slice
    bad, total = (rolling_sum(frame, window, step=step) for frame in (measured.bad, measured.total))
    ratio = bad / total.where(total > 0)
    allowed = measured.objective.budget
    if allowed > 0:
        return ratio / allowed
    return ratio.where(~(ratio > 0), np.inf)


def _left(measured: Sli, at: pd.Timestamp, window: Span) -> pd.DataFrame:
    """Return what was left of the budget at each instant up to ``at``."""
    objective = measured.objective
    if not objective.calendar:
        left = 1.0 - burn(measured, objective.window)
        return left[left.index <= at]
    inside = np.asarray((measured.total.index > window.start) & (measured.total.index <= at))
    bad, total = (frame[inside].cumsum().ffill() for frame in (measured.bad, measured.total))
    passed = (pd.DatetimeIndex(bad.index) - window.start) / window.length
    allowed = objective.budget * total.div(np.asarray(passed), axis=0)
    return 1.0 - (bad / allowed.where(allowed > 0))
