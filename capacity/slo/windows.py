"""The windows that objectives are kept over, rolling or by the calendar, and sums over trailing stretches of time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from capacity.catalog import Objective

__all__ = ["Span", "rolling_sum", "span"]

OFFSETS = {
    "day": pd.offsets.Day(1),
    "week": pd.offsets.Week(weekday=0),
    "month": pd.offsets.MonthBegin(1),
    "quarter": pd.offsets.QuarterBegin(1, startingMonth=1),
    "year": pd.offsets.YearBegin(1),
}
TICK = pd.Timedelta(1, unit="us")


@dataclass(frozen=True)
class Span:
    """A window: what happened at start < t ≤ end counts."""

    start: pd.Timestamp
    end: pd.Timestamp

    @property
    def length(self) -> pd.Timedelta:
        """How long it is."""
        return self.end - self.start


def span(objective: Objective, at: pd.Timestamp, *, ahead: bool = False) -> Span:
    """Return the window that is judged at an instant.

    Parameters
    ----------
    objective : Objective
    at : Timestamp
        A rolling window ends there. A calendar's is the one that holds it; an instant on the border ends one.
    ahead : bool
        Return the window in which the future's events count: the rolling one that begins at ``at``, the calendar's that
        holds what comes right after it.
    """
    if not objective.calendar:
        return Span(at, at + objective.window) if ahead else Span(at - objective.window, at)
    offset, zone = OFFSETS[objective.calendar], objective.timezone or "UTC"
    inside = (at if ahead else at - TICK).tz_convert(zone).tz_localize(None)
    begun = offset.rollback(inside.normalize())
    ends = (one.tz_localize(zone).tz_convert("UTC").as_unit("us") for one in (begun, begun + offset))
    return Span(*ends)


def rolling_sum(frame: pd.DataFrame, window: pd.Timedelta, *, step: pd.Timedelta, whole: bool = True) -> pd.DataFrame:
    """Return the sum over (t − window, t] at each instant; missing values add nothing.

    NaN where nothing in it is known, and, where ``whole``, where it reaches back before the frame.
    """
    rows = max(1, round(window / step))
    values = frame.to_numpy(dtype=float)
    known = np.isfinite(values)
    total = _trailing(np.where(known, values, 0.0), rows)
    seen = _trailing(known.astype(float), rows) > 0.5
    if whole:
        seen[: rows - 1] = False
    return pd.DataFrame(np.where(seen, total, np.nan), index=frame.index, columns=frame.columns)


def _trailing(values: np.ndarray, rows: int) -> np.ndarray:
    risen = np.cumsum(values, axis=0)
    shifted = np.zeros_like(risen)
    shifted[rows:] = risen[:-rows] if rows < len(risen) else 0.0
    return np.asarray(risen - shifted)
