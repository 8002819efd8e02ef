"""Step changes: days on which the level of a series moved at once, and stayed.

A step is no growth: a migration that lands in October must not be read as a slope from August on. It is found where the
median of the week after a day differs from that of the week before by far more than weeks usually differ, and where
most of that came within three days, which tells it from a climb.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["MOST", "Steps", "find_steps"]

Array = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]

WEEK = 7
# Differences between neighbouring weeks overlap, so that the largest of a hundred is seldom past three deviations of
# them: six are not chance. Below a fiftieth of the level nobody would call it a step.
SURE, LEAST = 6.0, 0.02
# A climb that takes a week has three sevenths of its way behind it in three days.
NEAR_DAYS, SHARP = 3, 0.6
# More than so many are no steps but the series' way.
MOST = 3
MAD = 1.4826


class Steps:
    """The steps of every series, shape (`MOST`, series): first day at the new level, size and its error; NaN: none."""

    def __init__(self, series: int) -> None:
        self.day: Places = np.zeros((MOST, series), dtype=np.intp)
        self.size: Array = np.full((MOST, series), np.nan)
        self.error: Array = np.full((MOST, series), np.nan)

    @property
    def count(self) -> npt.NDArray[np.intp]:
        """How many each series has."""
        return np.asarray(np.isfinite(self.size).sum(axis=0))

    def largest(self) -> tuple[Places, Array]:
        """Return day and size of each series' largest step; size NaN where there is none."""
        row = np.where(np.isfinite(self.size), np.abs(self.size), -1.0).argmax(axis=0)
        place = np.arange(self.size.shape[1])
        return self.day[row, place], self.size[row, place]

    def doubt(self, days: int) -> Array:
        """Return the standard error that not knowing the steps' sizes adds to a slope per day, by series."""
        x = np.arange(days) - (days - 1) / 2
        # What a step of 1 at a day adds to the least squares slope.
        pull = np.append(np.cumsum(x[::-1])[::-1], 0.0) / (x @ x)
        return np.asarray(np.sqrt(np.nansum((pull[self.day] * self.error) ** 2, axis=0)))

    def levelled(self, daily: Array) -> Array:
        """Return the days as if every one before a step had been at the level after it."""
        days = np.arange(len(daily))[:, None]
        levelled = daily.copy()
        for day, size in zip(self.day, self.size, strict=True):
            levelled += np.where(days < day, np.nan_to_num(size), 0.0)
        return levelled


def find_steps(daily: Array) -> Steps:
    """Find the steps in daily means, shape (days, series); NaN is missing. None in fewer than four weeks."""
    found = Steps(daily.shape[1])
    if len(daily) < 4 * WEEK or not daily.shape[1]:
        return found
    rhythm, left = _rhythm(daily), daily.copy()
    active = np.arange(daily.shape[1])
    for row in range(MOST):
        day, sure = _largest((left - rhythm)[:, active])
        active, day = active[sure], day[sure]
        if not len(active):
            break
        size, error = _size(left[:, active], day)
        found.day[row, active], found.size[row, active], found.error[row, active] = day, size, error
        left[:, active] += np.where(np.arange(len(left))[:, None] < day, size, 0.0)
    return found


def _rhythm(daily: Array) -> Array:
    """Return the week's rhythm: what each weekday usually is above the week around it."""
    centre = np.full_like(daily, np.nan)
    centre[WEEK // 2 : len(daily) - WEEK // 2] = _medians(daily, WEEK)
    apart = daily - centre
    by_day = np.stack([_median(apart[day::WEEK]) for day in range(WEEK)])
    return np.nan_to_num(by_day)[np.arange(len(daily)) % WEEK]


def _largest(daily: Array) -> tuple[Places, npt.NDArray[np.bool_]]:
    """Return the day of each series' largest step, and whether it is sure."""
    weeks = _medians(daily, WEEK)
    jumps = weeks[WEEK:] - weeks[:-WEEK]
    typical = _median(jumps)
    apart = np.abs(jumps - typical)
    bound = np.maximum(SURE * MAD * _median(apart), LEAST * np.abs(_median(daily)))
    peak = np.where(np.isfinite(apart), apart, -1.0).argmax(axis=0)
    place = np.arange(daily.shape[1])
    day = _turn(daily, peak + WEEK)
    near = _around(daily, day)
    size = jumps[peak, place] - typical
    sure = (np.abs(size) > bound) & (np.sign(near) == np.sign(size)) & (np.abs(near) >= SHARP * np.abs(size))
    return day, np.asarray(sure)


def _size(daily: Array, day: Places) -> tuple[Array, Array]:
    """Return the size of a step, by how much days one and two weeks apart differ across it beyond others; its error.

    A median of differences that stand for no more than a week of independent ones.
    """
    rows, found = np.arange(len(daily))[:, None], []
    for lag in (WEEK, 2 * WEEK):
        apart = np.full_like(daily, np.nan)
        apart[lag:] = daily[lag:] - daily[:-lag]
        across = (rows >= day) & (rows < day + lag)
        found.append(np.where(across, apart - _median(np.where(across, np.nan, apart)), np.nan))
    each = np.concatenate(found)
    size = _median(each)
    return size, 1.25 * MAD * _median(np.abs(each - size)) / np.sqrt(WEEK)


def _turn(daily: Array, peak: Places) -> Places:
    """Return the day about ``peak`` on which the level moved most: a median does not tell it to the day."""
    around = np.clip(peak + np.arange(-NEAR_DAYS, NEAR_DAYS + 1)[:, None], 1, len(daily) - 1)
    place = np.arange(daily.shape[1])
    moved = np.abs(np.nan_to_num(daily[around, place] - daily[around - 1, place]))
    return np.asarray(around[moved.argmax(axis=0), place])


def _around(daily: Array, day: Places) -> Array:
    """Return by how much the days from ``day`` on differ from those before it."""
    place = np.arange(daily.shape[1])
    ahead = np.minimum(day + np.arange(NEAR_DAYS)[:, None], len(daily) - 1)
    back = np.maximum(day - 1 - np.arange(NEAR_DAYS)[:, None], 0)
    return _median(daily[ahead, place]) - _median(daily[back, place])


def _medians(daily: Array, window: int) -> Array:
    """Return the median of each window of days, shape (days − window + 1, series); NaN where most of it is missing."""
    windows = np.lib.stride_tricks.sliding_window_view(daily, window, axis=0)
    ranked = np.sort(windows, axis=-1)
    seen = np.isfinite(windows).sum(axis=-1)
    low, high = np.maximum((seen - 1) // 2, 0), np.maximum(seen // 2, 0)
    middle = (_at(ranked, low) + _at(ranked, high)) / 2
    return np.where(seen > window // 2, middle, np.nan)


def _at(ranked: Array, place: npt.NDArray[np.intp]) -> Array:
    return np.asarray(np.take_along_axis(ranked, np.minimum(place, ranked.shape[-1] - 1)[..., None], axis=-1)[..., 0])


def _median(values: Array) -> Array:
    """Return the median down each column, NaN where a column has nothing; in silence."""
    ranked = np.sort(values, axis=0)
    seen = np.isfinite(values).sum(axis=0)
    low, high = np.maximum((seen - 1) // 2, 0), np.minimum(seen // 2, len(values) - 1)
    place = np.arange(values.shape[1])
    return np.where(seen > 0, (ranked[low, place] + ranked[high, place]) / 2, np.nan)
