"""Growth: how fast demand grows, with an interval that knows about autocorrelation.

The rate is the median of the slopes between days that lie whole weeks apart (Theil–Sen; Hirsch's seasonal form of it:
Hirsch, Slack & Smith 1982), taken over daily means: the season of the day and of the week cancel, and outliers do not
pull. Its interval comes from the variance of a slope under residuals that follow an AR(1) process, because daily
telemetry does: the formula for independent days makes it two to four times too narrow. A step change is no growth: it
is found (`capacity.changes`), told, and left out of the rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri, stdtrit

from capacity import tables
from capacity.changes import Steps, find_steps
from capacity.errors import HistoryTooShort, UnitError
from capacity.frames import Skipped, check, duration, duration_text, instant, series_labels, series_name, step_of
from capacity.provenance import Provenance, read
from capacity.units import unit

__all__ = ["INTERVAL", "Growth", "daily_means", "grown", "growth"]

Array = npt.NDArray[np.float64]

DAY = pd.Timedelta(days=1)
WEEK = 7
# Of the rate's interval: the same share as that of the dates' 10 % and 90 %.
INTERVAL = 0.8
# Two whole weeks: with less there is no pair of days that lies a week apart for each weekday.
MIN_DAYS = 14
# A day counts when this share of it was seen: less may be its quiet hours only.
MIN_SEEN = 0.75
# Residuals past this many robust deviations count as if they lay there (Huber); 1.4826 makes the median absolute
# deviation of normal residuals their standard deviation.
WINSOR, MAD = 3.0, 1.4826
# A doubling that takes longer than two centuries is none: nobody plans for it, and pandas counts time to 292 years.
SLOWEST_DOUBLING_DAYS = 200 * 365
# A lag-1 autocorrelation above this cannot be told from a random walk on a few months of days.
MAX_CORRELATION = 0.97


@dataclass(frozen=True)
class Growth:
    """How fast each series grows.

    Attributes
    ----------
    table : DataFrame, a row a series
        ``now`` (the trend at the end), ``rate_per_day``, ``low``, ``high`` (its central 80 % interval; by week or year
        see `rate`), all in the base unit; ``relative_30d`` (rate × 30 days ÷ now); ``doubling_time`` (now ÷ rate),
        ``doubling_soonest`` and ``doubling_latest`` (at the interval's ends; NaT: it does not grow, as far as the
        interval tells, or takes more than 200 years); ``change`` (mean of the last ``period`` against the one before,
        as a ratio less 1); ``steps`` (how many step changes, which are no growth), ``stepped_at`` and ``step`` (when
        the largest was, and its size); ``direction`` (growing, falling, steady); ``days`` that were used.
    period : Timedelta
        What ``change`` compares.
    skipped : tuple of Skipped
    units : mapping of metric to base unit
    """

    table: pd.DataFrame
    period: pd.Timedelta
    skipped: tuple[Skipped, ...]
    units: dict[str, str]
    provenance: Provenance

    def rate(self, per: str | pd.Timedelta = "7d") -> pd.DataFrame:
        """Return the rate per so long a time: ``rate``, ``low`` and ``high`` (80 %), a row a series."""
        days = duration(per, name="per") / DAY
        return pd.DataFrame({"rate": self.table["rate_per_day"] * days, "low": self.table["low"] * days,
                             "high": self.table["high"] * days})  # fmt: skip

    def __repr__(self) -> str:
        """Return a line: how many series, and how many grow, fall or are steady."""
        return tables.counted("Growth", self.table["direction"])

    def _repr_html_(self) -> str:
        return tables.growth_html(self)


def growth(history: pd.DataFrame, *, as_of: str | pd.Timestamp | None = None) -> Growth:
    """Return each series' growth: rate per day, its interval, doubling time, and the change against the last period.

    Parameters
    ----------
    history : DataFrame
        A wide frame of the contract.
    as_of : instant, optional
        Everything after it is dropped first. None: the end of the history.

    Returns
    -------
    Growth
        A series with fewer than 14 whole days is skipped ("too short").

    Raises
    ------
    FrameError
        The history does not keep the contract.
    HistoryTooShort
        There is nothing left of it at ``as_of``.
    """
    frame = check(history)
    if as_of is not None:
        frame = frame.loc[: instant(as_of, name="as_of")]
    if frame.empty:
        raise HistoryTooShort("the history holds no sample at or before as_of.")
    daily, spacing = daily_means(frame)
    enough = np.isfinite(daily).sum(axis=0) * spacing >= MIN_DAYS
    provenance = read(history)
    period = 28 * DAY if len(daily) * spacing >= 56 else 7 * DAY
    # Where no series has enough there may be no day at all: the table is then empty, and each series has its reason.
    judged = daily[:, enough] if enough.any() else np.empty((MIN_DAYS, 0))
    table = grown(judged, frame.columns[enough], spacing=spacing, period=period, end=frame.index[-1])
    return Growth(
        table=table,
        period=period,
        skipped=_too_short(frame, daily, enough, spacing),
        units={entry.metric: _base(entry.unit) for entry in provenance.metrics},
        provenance=provenance,
    )


def _base(stated: str) -> str:
    try:
        return unit(stated).base
    except UnitError:
        return stated


def daily_means(frame: pd.DataFrame) -> tuple[Array, float]:
    """Return means over days that end at the last instant, shape (days, series), and their spacing in days.

    Days are counted back from the end, so that the last one is whole. Steps of more than a day stay as they are.
    """
    values = frame.to_numpy(dtype=float)
    values = np.where(np.isfinite(values), values, np.nan)
    step = step_of(frame) if len(frame) > 1 else DAY
    if step >= DAY or DAY % step != pd.Timedelta(0):
        return values, step / DAY
    per_day = DAY // step
    days = len(values) // per_day
    blocks = values[len(values) - days * per_day :].reshape(days, per_day, values.shape[1])
    seen = np.isfinite(blocks).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.nansum(blocks, axis=1) / seen
    return np.where(seen >= MIN_SEEN * per_day, means, np.nan), 1.0


def grown(
    daily: Array, columns: pd.MultiIndex, *, spacing: float, period: pd.Timedelta, end: pd.Timestamp
) -> pd.DataFrame:
    """Return the table of `Growth` for daily means, shape (days, series), the last of which ends at ``end``."""
    season = max(1, round(WEEK / spacing)) if spacing <= 1 else 1
    found = find_steps(daily) if spacing == 1 else Steps(daily.shape[1])
    levelled = found.levelled(daily)
    slope = _seasonal_slopes(levelled, season)
    level, reach = _level_and_reach(levelled, slope, season)
    reach = np.hypot(reach, ndtri(0.5 + INTERVAL / 2) * found.doubt(len(daily)))
    low, high = (slope - reach) / spacing, (slope + reach) / spacing
    rate = slope / spacing
    grows = (low > 0) & (level > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(level != 0, rate * 30 / level, np.nan)
    day, size = found.largest()
    known = np.isfinite(size)
    at = end.to_datetime64() - ((len(daily) - day) * spacing * DAY.to_timedelta64()).astype("timedelta64[us]")
    return pd.DataFrame(
        {
            "now": level,
            "rate_per_day": rate,
            "low": low,
            "high": high,
            "relative_30d": relative,
            "doubling_time": _doubling(level, rate, grows),
            "doubling_soonest": _doubling(level, high, grows),
            "doubling_latest": _doubling(level, low, grows),
            "change": _change(daily, round(period / DAY / spacing)),
            "steps": found.count,
            "stepped_at": pd.DatetimeIndex(np.where(known, at, np.datetime64("NaT")), tz="UTC").as_unit("us"),
            "step": size,
            "direction": np.select([low > 0, high < 0], ["growing", "falling"], "steady"),
            "days": np.isfinite(daily).sum(axis=0) * spacing,
        },
        index=columns,
    )


def _doubling(level: Array, rate: Array, grows: npt.NDArray[np.bool_]) -> npt.NDArray[np.timedelta64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        days = np.where(grows, level / rate, np.nan)
    days[days > SLOWEST_DOUBLING_DAYS] = np.nan
    return np.asarray(pd.to_timedelta(pd.Series(days) * 86400e6, unit="us").dt.as_unit("us").to_numpy())


def _seasonal_slopes(daily: Array, season: int) -> Array:
    """Return the median slope between days that lie whole seasons apart, per day, by series."""
    days, series = daily.shape
    lags = range(season, days, season)
    pairs = sum(days - lag for lag in lags)
    slopes = np.empty((pairs, series))
    row = 0
    for lag in lags:
        slopes[row : row + days - lag] = (daily[lag:] - daily[:-lag]) / lag
        row += days - lag
    return _nanmedian(slopes)


def _level_and_reach(daily: Array, slope: Array, season: int) -> tuple[Array, Array]:
    """Return the trend's value at the last day, and how far its slope's interval reaches to either side."""
    days = len(daily)
    x = np.arange(days, dtype=float)
    flat = daily - slope * (x - x[-1])[:, None]
    level = _nanmedian(flat)
    # Each weekday's median is its season; averaged over the week it is the level that has no season in it.
    weekday = np.stack([_nanmedian(flat[day::season]) for day in range(season)])
    level = np.where(np.isnan(weekday).any(axis=0), level, weekday.mean(axis=0))
    rest = flat - np.where(np.isnan(weekday), level, weekday)[np.arange(days) % season]
    scale = MAD * _nanmedian(np.abs(rest))
    # A MAD of 0 says that most days lie on the line: what does not is then real, and is not cut off.
    bound = np.where(scale > 0, WINSOR * scale, np.inf)
    residual = np.clip(np.nan_to_num(rest), -bound, bound)
    return level, _slope_reach(residual, np.isfinite(daily), season)


def _slope_reach(residual: Array, seen: npt.NDArray[np.bool_], season: int) -> Array:
    """Return half the width of a slope's interval when its residuals follow an AR(1) process, by series.

    With R the correlation matrix of the days, and x centred: var = σ² x'Rx ÷ (x'x)², where
    σ² = RSS ÷ (n − tr(HR)) gives back what fitting took, and the correlation is corrected for having been read off
    fitted residuals.
    """
    days, _ = residual.shape
    n = np.maximum(seen.sum(axis=0), 1)
    x = np.arange(days) - (days - 1) / 2
    squares = np.maximum((residual**2).sum(axis=0), np.finfo(float).tiny)
    rho = (residual[1:] * residual[:-1]).sum(axis=0) / squares
    # Least squares residuals of a line understate it by about (2 + 4ρ)/n (Kendall 1954, for a mean: (1 + 3ρ)/n).
    rho = np.clip(rho + (2 + 4 * np.maximum(rho, 0)) / n, 0, MAX_CORRELATION)
    lags = np.arange(1, days)
    powers = rho[None, :] ** lags[:, None]
    slope_part = (x @ x) + 2 * (np.array([x[lag:] @ x[:-lag] for lag in lags])[:, None] * powers).sum(axis=0)
    mean_part = (days + 2 * ((days - lags)[:, None] * powers).sum(axis=0)) / days
    taken = mean_part + slope_part / (x @ x) + (season - 1)
    variance = squares / np.maximum(n - taken, n / 5)
    # A variance read off correlated residuals is itself uncertain: that of n(1 − ρ²)/(1 + ρ²) independent ones
    # (Bayley & Hammersley 1946), which Student's distribution accounts for.
    freedom = np.maximum(n * (1 - rho**2) / (1 + rho**2) - 2 - (season - 1), 2)
    # Days that are missing carry no weight in the slope.
    error = np.sqrt(variance * slope_part * days / n) / (x @ x)
    return np.asarray(stdtrit(freedom, 0.5 + INTERVAL / 2) * error)


def _change(daily: Array, period: int) -> Array:
    last, before = daily[-period:], daily[-2 * period : -period]
    if len(before) < period:
        return np.full(daily.shape[1], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = _nanmean(last) / _nanmean(before) - 1
    return np.where(np.isfinite(change), change, np.nan)


def _too_short(frame: pd.DataFrame, daily: Array, enough: npt.NDArray[np.bool_], spacing: float) -> tuple[Skipped, ...]:
    days = np.isfinite(daily).sum(axis=0) * spacing
    return tuple(
        Skipped(
            series_name(labels),
            "too short",
            f"{duration_text(pd.Timedelta(round(days[position]), unit='D'))} of whole days, {MIN_DAYS}d are needed",
            labels=labels,
        )
        for position, labels in enumerate(series_labels(frame))
        if not enough[position]
    )


def _nanmean(values: Array) -> Array:
    seen = np.isfinite(values).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: Array = np.nansum(values, axis=0) / seen
    return mean


def _nanmedian(values: Array) -> Array:
    """Return the median down each column, NaN where a column has nothing; in silence."""
    found = np.full(values.shape[1], np.nan)
    some = np.isfinite(values).any(axis=0)
    if some.any():
        found[some] = np.nanmedian(values[:, some], axis=0)
    return found
