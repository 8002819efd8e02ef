"""The fleet's candidates: simple forecasts, each right for some series and some stretch of the horizon.

Every candidate is a function of the cleaned history up to the cutoff and gives (horizon, series). `fleet_weights`
decides, per series and stretch, whom to believe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from capacity.grids import Seasons
from capacity.models.base import FloatArray
from capacity.models.fleet_fit import Cleaned
from capacity.models.fleet_level import Drift, block_means, damped_trend, drift, smoothed
from capacity.models.fleet_regime import Regime

__all__ = ["CANDIDATES", "CLIMB", "View"]

# Smoothing a day: nearly the last day; about a week; a slope that forgets in a month.
FAST, MIDDLE = 0.7, 0.25
TREND_ALPHA, TREND_BETA, TREND_DAMPING = 0.3, 0.1, 0.96
PROFILE_WEEKS = 4
PROFILE_SHARE = 0.7


@dataclass(frozen=True)
class View:
    """What candidates see: the cleaned history, and what several of them need."""

    cleaned: Cleaned
    grid: Seasons
    horizon: int
    block: int
    regime: Regime

    @cached_property
    def means(self) -> FloatArray:
        """Deseasonalised block means, shape (blocks, series)."""
        return block_means(self.cleaned.level, self.block)

    @cached_property
    def middle(self) -> FloatArray:
        """The level of about the last week."""
        return smoothed(self.means, MIDDLE)

    @cached_property
    def blocks_ahead(self) -> FloatArray:
        """Steps ahead in blocks, from the middle of the last block on; shape (horizon, 1)."""
        return ((np.arange(1, self.horizon + 1) + (self.block - 1) / 2) / self.block)[:, None]

    @cached_property
    def season(self) -> FloatArray:
        """The season over the horizon: the fitted one and the last weeks' mean, which err in different ways."""
        fitted = self.cleaned.season[self.cleaned.rows :]
        return (1 - PROFILE_SHARE) * fitted + PROFILE_SHARE * (self.profile + self.season_mean)

    @cached_property
    def season_mean(self) -> FloatArray:
        """The fitted season's mean over the last cycle, which goes with a profile about zero."""
        rows = self.cleaned.rows
        return np.asarray(self.cleaned.season[max(0, rows - self.grid.lag) : rows].mean(axis=0), dtype=float)

    @cached_property
    def overall(self) -> Drift:
        """The trend of the whole history."""
        return drift(self.means)

    @cached_property
    def recent(self) -> Drift:
        """The trend of its last third, at least a fortnight of blocks; of a climb, since it began."""
        third = max(14, len(self.means) // 3)
        return drift(self.means, np.where(self.regime.climbing, self.regime.age + 1, third))

    @cached_property
    def profile(self) -> FloatArray:
        """Mean of the last weeks by place in the season, about its own mean; repeated over the horizon."""
        shape = _profile(self.cleaned.values - self.cleaned.trend, self.grid.lag, PROFILE_WEEKS)
        return _repeat(shape - shape.mean(axis=0), self.horizon)

    def line(self, trend: Drift) -> FloatArray:
        """Continue a trend through the level of the last blocks, corrected for their age."""
        ages = np.arange(len(self.means) - 1, -1, -1.0)
        weights = (1 - MIDDLE) ** ages
        age = float(weights @ ages / weights.sum())
        return self.middle + trend.slope * (age + self.blocks_ahead)


def _in_proportion(view: View, trend: Drift) -> FloatArray:
    """Continue a trend with a season that grows with the level, as traffic's does, where the level is above 0.

    The season is that of the last weeks, so the level that it belongs to is theirs.
    """
    line = view.line(trend)
    owner = view.means[-7 * PROFILE_WEEKS :].mean(axis=0) if view.grid.week else view.middle
    grown = np.clip(line / np.where(owner > 0, owner, np.inf), 0.5, 3.0)
    return line + view.season * np.where(owner > 0, grown, 1.0)


def _profile(values: FloatArray, lag: int, cycles: int) -> FloatArray:
    held = max(1, min(cycles, len(values) // lag))
    used = values[-held * lag :] if len(values) >= lag else values[-1:]
    return np.asarray(used.reshape(held if len(values) >= lag else 1, -1, values.shape[1]).mean(axis=0), dtype=float)


def _repeat(shape: FloatArray, horizon: int) -> FloatArray:
    return shape[np.arange(horizon) % len(shape)]


def _last_day(view: View) -> FloatArray:
    """Yesterday, moved by how the days of the week differ."""
    day = view.grid.day
    if not day:
        return _repeat(view.cleaned.values[-view.grid.lag :], view.horizon)
    yesterday = _repeat(view.cleaned.values[-day:], view.horizon)
    if not view.grid.week:
        return yesterday
    shape = _profile(view.cleaned.values, view.grid.week, PROFILE_WEEKS)
    return yesterday + _repeat(shape, view.horizon) - _repeat(shape[-day:], view.horizon)


def _day_profile(view: View) -> FloatArray:
    return _repeat(_profile(view.cleaned.values, view.grid.day or 1, 7), view.horizon)


def _persistent(view: View) -> FloatArray:
    """Add to the level what is left of the last residual as an AR(1) forgets it."""
    residual = view.cleaned.level[-8 * view.block :] - view.middle
    power = (residual**2).sum(axis=0)
    hang = (residual[1:] * residual[:-1]).sum(axis=0) / np.where(power > 0, power, 1.0)
    hang = np.clip(hang, 0.0, 0.999)
    ahead = np.arange(1, view.horizon + 1)[:, None]
    return np.asarray(view.season + view.middle + hang**ahead * residual[-1], dtype=float)


def _damped(view: View) -> FloatArray:
    level, slope = damped_trend(view.means, alpha=TREND_ALPHA, beta=TREND_BETA, damping=TREND_DAMPING)
    gain = TREND_DAMPING * (1 - TREND_DAMPING**view.blocks_ahead) / (1 - TREND_DAMPING)
    return view.season + level + slope * gain


Forecaster = Callable[[View], FloatArray]

# The one that continues a climb.
CLIMB = "season and the recent trend"

# name → (forecast, log error relative to the average candidate's, to begin with). The name is what an explanation says.
# The beginnings are averages over ten public sets of operations series, rounded to a twentieth.
CANDIDATES: dict[str, tuple[Forecaster, float]] = {
    "season and yesterday's level": (lambda view: view.season + smoothed(view.means, FAST), 0.0),
    "season and the week's level": (lambda view: view.season + view.middle, 0.0),
    "season and the long mean": (lambda view: view.season + view.means.mean(axis=0), 0.1),
    "season and a damped trend": (_damped, 0.0),
    "season and the whole trend": (lambda view: view.season + view.line(view.overall), 0.05),
    CLIMB: (lambda view: view.season + view.line(view.recent), 0.1),
    "growing season and the whole trend": (lambda view: _in_proportion(view, view.overall), 0.05),
    "growing season and the recent trend": (lambda view: _in_proportion(view, view.recent), 0.1),
    "season and the last residual": (_persistent, -0.1),
    "mean weeks and the week's level": (lambda view: view.profile + view.season_mean + view.middle, -0.1),
    "mean weeks": (
        lambda view: _repeat(_profile(view.cleaned.values, view.grid.lag, PROFILE_WEEKS), view.horizon),
        0.0,
    ),
    "last week": (lambda view: _repeat(view.cleaned.values[-view.grid.lag :], view.horizon), -0.05),
    "yesterday and the week's shape": (_last_day, -0.1),
    "yesterday": (lambda view: _repeat(view.cleaned.values[-(view.grid.day or 1) :], view.horizon), 0.2),
    "mean days": (_day_profile, 0.2),
    "flat": (lambda view: np.broadcast_to(view.middle, view.season.shape), 0.6),
    "last value": (lambda view: np.broadcast_to(view.cleaned.values[-1], view.season.shape), 0.6),
    "long median": (lambda view: np.broadcast_to(np.median(view.cleaned.values, axis=0), view.season.shape), 0.7),
}
