"""The fleet's candidates: simple forecasts, each right for some series and some stretch of the horizon.

Every candidate is a function of the cleaned history up to the cutoff and gives (horizon, series). `fleet_weights`
decides, per series and stretch, whom to believe.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from capacity.grids import DAY_S, Seasons
from capacity.models.fleet_fit import Cleaned, Float32
from capacity.models.fleet_level import Drift, block_means, damped_trend, drift, smoothed
from capacity.models.fleet_regime import Regime

__all__ = ["CANDIDATES", "CLIMB", "MONTH_WEEKS", "PLAIN", "YEARLY", "YEAR_S", "View"]

# Smoothing a day: nearly the last day; about a week; a slope that forgets in a month.
FAST, MIDDLE = 0.7, 0.25
TREND_ALPHA, TREND_BETA, TREND_DAMPING = 0.3, 0.1, 0.96
PROFILE_WEEKS = 4
PROFILE_SHARE = 0.5
MEDIAN_ROWS = 200
# A year of whole weeks, so that weekdays fall on weekdays; the weeks before it, whose level is today's a year ago; how
# much of last year's course is believed; how far its days grow or shrink with the level.
YEAR_S = 364 * DAY_S
MONTH_WEEKS = 4
COURSE_KEPT = 0.7
GROWN = (0.2, 5.0)


IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class View:
    """What candidates see, in the series' own units: the cleaned history, and what several of them need.

    ``ahead`` are the steps ahead that are asked for, from 1; ``zero`` is where each series' 0 lies in its own units;
    ``raw`` is the history as it was seen, gaps filled by the fit; ``year`` what was seen from `MONTH_WEEKS` before the
    cutoff's day a year ago on, as far as the horizon reaches; None where there was nothing yet.
    """

    cleaned: Cleaned
    grid: Seasons
    ahead: IntArray
    block: int
    regime: Regime
    zero: Float32
    raw: Float32
    year: Float32 | None = None

    @cached_property
    def means(self) -> Float32:
        """Deseasonalised block means, shape (blocks, series)."""
        return block_means(self.cleaned.level, self.block)

    @cached_property
    def middle(self) -> Float32:
        """The level of about the last week."""
        return smoothed(self.means, MIDDLE)

    @cached_property
    def month(self) -> Float32:
        """The mean level of the last four weeks of blocks."""
        return np.asarray(self.means[-28:].mean(axis=0))

    @cached_property
    def blocks_ahead(self) -> Float32:
        """Steps ahead in blocks, from the middle of the last block on; shape (ahead, 1)."""
        return ((self.ahead + (self.block - 1) / 2) / self.block)[:, None].astype(np.float32)

    @cached_property
    def season(self) -> Float32:
        """The season ahead: the fitted one and the last weeks' mean, which err in different ways."""
        fitted = self.cleaned.ahead(self.ahead)
        return (1 - PROFILE_SHARE) * fitted + PROFILE_SHARE * (self.profile + self.season_mean)

    @cached_property
    def season_mean(self) -> Float32:
        """The fitted season's mean over a cycle, which goes with a profile about zero."""
        return np.asarray(self.cleaned.season.mean(axis=0))

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
    def weeks(self) -> Float32:
        """Mean of the last weeks by place in the season, shape (lag, series)."""
        return _profile(self.cleaned.values, self.grid.lag, PROFILE_WEEKS)

    @cached_property
    def profile(self) -> Float32:
        """The same without the trend, about its own mean; repeated ahead."""
        held = PROFILE_WEEKS * self.grid.lag
        shape = _profile(self.cleaned.values[-held:] - self.cleaned.trend[-held:], self.grid.lag, PROFILE_WEEKS)
        return self.repeat(shape - shape.mean(axis=0))

    def repeat(self, shape: Float32) -> Float32:
        """Continue a cycle whose last row is the history's last."""
        return np.asarray(shape[(self.ahead - 1) % len(shape)])

    def same(self, level: Float32) -> Float32:
        """Continue a level as it is."""
        return np.broadcast_to(level, (len(self.ahead), len(level)))

    @cached_property
    def whole_line(self) -> Float32:
        """The whole trend, continued."""
        return self._line(self.overall)

    @cached_property
    def recent_line(self) -> Float32:
        """The recent trend, continued."""
        return self._line(self.recent)

    def _line(self, trend: Drift) -> Float32:
        """Continue a trend through the level of the last blocks, corrected for their age."""
        ages = np.arange(len(self.means) - 1, -1, -1.0)
        weights = (1 - MIDDLE) ** ages
        age = float(weights @ ages / weights.sum())
        return self.middle + trend.slope * (age + self.blocks_ahead)


def _in_proportion(view: View, line: Float32) -> Float32:
    """Continue a line with a season that grows with the level, as traffic's does, where the level is above 0.

    The season is that of the last weeks, so the level that it belongs to is theirs.
    """
    owner = (view.means[-7 * PROFILE_WEEKS :].mean(axis=0) if view.grid.week else view.middle) - view.zero
    grown = np.clip((line - view.zero) / np.where(owner > 0, owner, np.float32(np.inf)), 0.5, 3.0)
    return line + view.season * np.where(owner > 0, grown, 1.0)


def _profile(values: Float32, lag: int, cycles: int) -> Float32:
    held = max(1, min(cycles, len(values) // lag))
    used = values[-held * lag :] if len(values) >= lag else values[-1:]
    return np.asarray(
        used.reshape(held if len(values) >= lag else 1, -1, values.shape[1]).mean(axis=0), dtype=np.float32
    )


def _last_day(view: View) -> Float32:
    """Yesterday, moved by how the days of the week differ."""
    day = view.grid.day
    if not day:
        return view.repeat(view.cleaned.values[-view.grid.lag :])
    yesterday = view.repeat(view.cleaned.values[-day:])
    if not view.grid.week:
        return yesterday
    return yesterday + view.repeat(view.weeks) - view.repeat(view.weeks[-day:])


def _middling(values: Float32) -> Float32:
    """Median of the history, read off a fair sample of it."""
    stride = max(1, -(-len(values) // MEDIAN_ROWS))
    stride += stride % 2 == 0 or stride % 3 == 0
    ordered = np.sort(np.ascontiguousarray(values[::-stride].T), axis=1)
    many = ordered.shape[1]
    return np.asarray((ordered[:, (many - 1) // 2] + ordered[:, many // 2]) / 2)


def _persistent(view: View) -> Float32:
    """Add to the level what is left of the last residual as an AR(1) forgets it."""
    residual = view.cleaned.level[-8 * view.block :] - view.middle
    power = (residual**2).sum(axis=0)
    hang = (residual[1:] * residual[:-1]).sum(axis=0) / np.where(power > 0, power, 1.0)
    hang = np.clip(hang, 0.0, 0.999)
    left = np.exp(view.ahead[:, None].astype(np.float32) * np.log(np.maximum(hang, np.float32(1e-9))))
    left *= residual[-1]
    left += view.season
    left += view.middle
    return np.asarray(left)


def _damped(view: View) -> Float32:
    level, slope = damped_trend(view.means, alpha=TREND_ALPHA, beta=TREND_BETA, damping=TREND_DAMPING)
    gain = TREND_DAMPING * (1 - TREND_DAMPING**view.blocks_ahead) / (1 - TREND_DAMPING)
    return view.season + level + slope * gain


def _last_year(view: View, year: Float32) -> tuple[Float32, Float32, IntArray]:
    """Return the level a year ago, today's, and the places of the steps ahead among ``year``'s rows."""
    week = view.grid.week
    month = MONTH_WEEKS * week
    # What lies more than a year ahead is the year's own course again.
    places = month + (view.ahead - 1) % view.grid.steps(YEAR_S)
    now = view.means[-max(1, 2 * week // view.block) :].mean(axis=0)
    return year[month - 2 * week : month].mean(axis=0), now, np.minimum(places, len(year) - 1)


def _course(view: View) -> Float32:
    """Follow the course of last year's weeks, from today's level on."""
    if view.year is None:
        return view.season + view.middle
    then, _, places = _last_year(view, view.year)
    half = view.grid.week // 2
    sums = np.vstack([np.zeros_like(then)[None], np.cumsum(view.year, axis=0)])
    low, high = np.maximum(places - half, 0), np.minimum(places + half + 1, len(view.year))
    course = (sums[high] - sums[low]) / (high - low)[:, None].astype(np.float32)
    return np.asarray(view.season + view.middle + np.float32(COURSE_KEPT) * (course - then))


def _same_days(view: View) -> Float32:
    """Repeat last year's days in proportion to the level, where the level is above 0; else moved by it."""
    if view.year is None:
        return view.season + view.middle
    then, now, places = _last_year(view, view.year)
    days, owner = view.year[places], then - view.zero
    grown = np.clip((now - view.zero) / np.where(owner > 0, owner, np.float32(np.inf)), *GROWN)
    return np.where(owner > 0, view.zero + (days - view.zero) * grown, days - then + now)


Forecaster = Callable[[View], Float32]

# The one that continues a climb.
CLIMB = "season and the recent trend"

# The plainest: what the others are told apart from.
PLAIN = "season and the week's level"

# name → (forecast, log error relative to the average candidate's, to begin with). The name is what an explanation says.
# The beginnings are averages over ten public sets of operations series, rounded to a twentieth.
CANDIDATES: dict[str, tuple[Forecaster, float]] = {
    "season and yesterday's level": (lambda view: view.season + smoothed(view.means, FAST), 0.0),
    PLAIN: (lambda view: view.season + view.middle, 0.0),
    "season and the long mean": (lambda view: view.season + view.means.mean(axis=0), 0.1),
    "season and a damped trend": (_damped, 0.0),
    "season and the month's level": (lambda view: view.season + view.month, 0.0),
    CLIMB: (lambda view: view.season + view.recent_line, 0.1),
    "growing season and the whole trend": (lambda view: _in_proportion(view, view.whole_line), 0.05),
    "growing season and the recent trend": (lambda view: _in_proportion(view, view.recent_line), 0.1),
    "season and the last residual": (_persistent, -0.1),
    "mean weeks and the week's level": (lambda view: view.profile + view.season_mean + view.middle, -0.1),
    "mean weeks": (lambda view: view.repeat(view.weeks), 0.0),
    "last week": (lambda view: view.repeat(view.cleaned.values[-view.grid.lag :]), -0.05),
    "last week as it was": (lambda view: view.repeat(view.raw[-view.grid.lag :]), 0.0),
    "yesterday and the week's shape": (_last_day, -0.1),
    "yesterday": (lambda view: view.repeat(view.raw[-(view.grid.day or 1) :]), 0.2),
    "mean days": (lambda view: view.repeat(_profile(view.cleaned.values, view.grid.day or 1, 7)), 0.2),
    "mean days of a fortnight": (lambda view: view.repeat(_profile(view.cleaned.values, view.grid.day or 1, 14)), 0.2),
    "flat": (lambda view: view.same(view.middle), 0.6),
    "last value": (lambda view: view.same(view.cleaned.values[-1]), 0.6),
    "long median": (lambda view: view.same(_middling(view.cleaned.values)), 0.7),
    "last year's course": (_course, 0.0),
    "last year's days": (_same_days, 0.0),
}
# Those that want more than a year of history; without it nobody asks them.
YEARLY = ("last year's course", "last year's days")
