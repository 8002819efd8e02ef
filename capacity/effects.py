"""How much an event moved a series, read off samples a season apart, so that neither season nor trend passes for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.grids import DAY_S, WEEK_S, seasons

__all__ = ["History", "HolidayEffect", "holiday_profile", "jump", "lift", "surplus"]

FloatArray = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# Days after a shift whose samples tell its size; later ones would tell of growth.
TELLING_DAYS = 7.0
# With fewer days than these behind it, what was announced is believed; without an announcement, what there is.
TRUSTED_DAYS = 3.0
# Pseudo-holidays that behave like a Sunday, beside those that were seen.
SUNDAY_PRIOR = 1.0
NEIGHBOUR_WEEKS = (-3, -2, -1, 1, 2, 3)


@dataclass(frozen=True)
class History:
    """One series and its step."""

    values: FloatArray
    step: pd.Timedelta

    @property
    def lag(self) -> int:
        """The longest season in steps; 1 where there is none."""
        return seasons(self.step, len(self.values)).lag

    def rows(self, days: float) -> int:
        """How many steps so many days are, at least one."""
        return max(1, round(days * DAY_S / self.step.total_seconds()))


def jump(history: History, first: int, *, stated: float | None) -> float:
    """How far the level moved at row ``first``; ``stated`` is believed until the samples of some days say it."""
    known = int(np.isfinite(history.values[first:]).sum())
    if stated is not None and known < history.rows(TRUSTED_DAYS):
        return float(stated)
    measured = _moved(history, first)
    if np.isfinite(measured):
        return measured
    return float(stated) if stated is not None else 0.0


def _moved(history: History, first: int) -> float:
    """Median difference from a season before across the shift, less that before it (which is growth)."""
    values, rows = history.values, len(history.values)
    lag = next((lag for lag in (history.lag, history.rows(1), 1) if lag <= first and lag < rows), 1)
    stop = min(rows, first + max(1, min(history.rows(TELLING_DAYS), lag if lag > 1 else rows)))
    cycles = np.ceil((np.arange(first, stop) - first + 1) / lag).astype(int)
    before = np.arange(first, stop) - cycles * lag
    across = values[first:stop] - np.where(before >= 0, values[np.maximum(before, 0)], np.nan)
    usual = values[lag:first] - values[: max(first - lag, 0)]
    recent = usual[-4 * lag :] if lag > 1 else np.zeros(0)
    if not np.isfinite(across).any():
        return float("nan")
    growth = float(np.nanmedian(recent)) if np.isfinite(recent).any() else 0.0
    return float(np.nanmedian(across)) - growth


def lift(values: FloatArray, first: int, size: float) -> FloatArray:
    """Return ``values`` with what came before row ``first`` moved by ``size``."""
    out = values.copy()
    out[:first] += size
    return out


def surplus(history: History, rows: Flags) -> float:
    """Median difference of the flagged rows from the same phase of other weeks (days, where there are no weeks)."""
    apart = history.values[rows] - _typical(history, rows)[rows]
    return float(np.nanmedian(apart)) if np.isfinite(apart).any() else float("nan")


def _typical(history: History, rows: Flags, lag: int | None = None) -> FloatArray:
    """Return what the same phase showed in cycles nearby that are not flagged; NaN where none is."""
    lag = lag or history.lag
    clean = np.where(rows, np.nan, history.values)
    place = np.arange(len(clean))
    others = np.full((len(NEIGHBOUR_WEEKS), len(clean)), np.nan)
    for cycle, away in enumerate(NEIGHBOUR_WEEKS):
        inside = (place + away * lag >= 0) & (place + away * lag < len(clean))
        others[cycle, inside] = clean[place[inside] + away * lag]
    seen = np.isfinite(others)
    count = seen.sum(axis=0)
    ordered = np.sort(np.where(seen, others, np.inf), axis=0)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    return np.where(count > 0, middle, np.nan)


@dataclass(frozen=True)
class HolidayEffect:
    """Rows to leave out of a season, what holidays to come add, and how many were seen."""

    left_out: Flags
    added: FloatArray
    days: int


def holiday_profile(
    history: History, times: pd.DatetimeIndex, past: Flags, horizon: pd.DatetimeIndex, ahead: Flags, *, zone: str
) -> HolidayEffect:
    """Learn what a holiday is like by hour of its day, from those seen and from Sundays.

    A holiday at a weekend is a day of a weekend. Without a week to compare with nothing can be told, so nothing is
    added.
    """
    local, coming = _local(times, history.step, zone), _local(horizon, history.step, zone)
    past = past & (local.day_of_week.to_numpy() < 5)
    ahead = ahead & (coming.day_of_week.to_numpy() < 5)
    days = len(np.unique(local[past].normalize()))
    added = np.zeros(len(horizon))
    week = round(WEEK_S / history.step.total_seconds())
    if not ahead.any() or len(history.values) < 2 * week:
        return HolidayEffect(past, added, days)
    apart = np.where(past, history.values - _typical(history, past, week), np.nan)
    usual = np.where(past, np.nan, history.values)[-4 * week :]
    recent = local[-4 * week :]
    for hour in np.unique(coming[ahead].hour):
        seen = apart[past & (local.hour.to_numpy() == hour)]
        here = ahead & (coming.hour.to_numpy() == hour)
        added[here] = _expected(seen, usual, recent, coming[here], int(hour), days)
    return HolidayEffect(past, added, days)


def _expected(
    seen: FloatArray, usual: FloatArray, recent: pd.DatetimeIndex, coming: pd.DatetimeIndex, hour: int, days: int
) -> FloatArray:
    """Return what holidays to come add at an hour of the day: the mean of those seen and one Sunday more."""
    at_hour = recent.hour.to_numpy() == hour
    weekday = recent.day_of_week.to_numpy()
    sunday = _median(usual[at_hour & (weekday == 6)])
    own = np.array([_median(usual[at_hour & (weekday == day)]) for day in range(5)])
    prior = np.nan_to_num(sunday - own)[coming.day_of_week.to_numpy()]
    known = float(np.nanmean(seen)) if np.isfinite(seen).any() else 0.0
    count = days if np.isfinite(seen).any() else 0
    return np.asarray((count * known + SUNDAY_PRIOR * prior) / (count + SUNDAY_PRIOR), dtype=float)


def _median(values: FloatArray) -> float:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else float("nan")


def _local(times: pd.DatetimeIndex, step: pd.Timedelta, zone: str) -> pd.DatetimeIndex:
    """Return when each step began, by the clock on the wall."""
    return (times - step).tz_convert(zone).tz_localize(None)
