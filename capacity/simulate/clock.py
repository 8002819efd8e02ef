"""The time axis of a simulation: minutes in blocks, knots every ten minutes, and what the local clock says.

A block is drawn whole, by a generator of its own, so that any slice can be drawn alone and agrees with the whole. What
has a memory (trend, season, noise that hangs together) lives on the knots, which are drawn for the whole axis at once:
they are few.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

MINUTE = pd.Timedelta(minutes=1)
HOUR_MINUTES = 60
DAY_MINUTES = 24 * HOUR_MINUTES
KNOT_MINUTES = 10
BLOCK_DAYS = 10
BLOCK_MINUTES = BLOCK_DAYS * DAY_MINUTES


@dataclass(frozen=True)
class Timeline:
    """Minutes in (start, end], cut into blocks of ten days; ``as_of`` parts what is shown from what is yet to come.

    ``as_of`` and the whole length must be whole blocks from ``start``.
    """

    start: pd.Timestamp
    as_of: pd.Timestamp
    end: pd.Timestamp

    @cached_property
    def minutes(self) -> int:
        """How many minutes the axis has."""
        return int((self.end - self.start) // MINUTE)

    @cached_property
    def shown(self) -> int:
        """How many of them lie in history, up to and with ``as_of``."""
        return int((self.as_of - self.start) // MINUTE)

    @cached_property
    def days(self) -> Floats:
        """Where the knots lie, in days from ``as_of``; one more than there are stretches between them."""
        return (np.arange(self.minutes // KNOT_MINUTES + 1) * KNOT_MINUTES - self.shown) / DAY_MINUTES

    def times(self, first: int, last: int) -> pd.DatetimeIndex:
        """Return the instants of the minutes ``first`` … ``last - 1``; minute 0 ends one minute after ``start``."""
        return pd.date_range(self.start + (first + 1) * MINUTE, periods=last - first, freq=MINUTE, unit="us")

    def span(self, start: pd.Timestamp, end: pd.Timestamp) -> tuple[int, int]:
        """Return the minutes whose instants lie in (start, end], cut to the axis, as ``(first, last)``."""
        first, last = ((instant - self.start) // MINUTE for instant in (start, end))
        return max(int(first), 0), max(min(int(last), self.minutes), 0)

    def between(self, knots: Floats, block: int) -> Floats:
        """Return a block's minutes, read off the knots along straight lines."""
        first = block * BLOCK_MINUTES // KNOT_MINUTES
        ends = knots[first : first + BLOCK_MINUTES // KNOT_MINUTES + 1]
        share = np.arange(1, KNOT_MINUTES + 1) / KNOT_MINUTES
        lines: Floats = ends[:-1, None] + np.diff(ends)[:, None] * share
        return lines.ravel()


def timeline(as_of: pd.Timestamp, *, history_days: int = 180, later_days: int = 120) -> Timeline:
    """Build the axis around ``as_of``; both lengths in days, multiples of ten."""
    day = pd.Timedelta(days=1)
    return Timeline(as_of - history_days * day, as_of, as_of + later_days * day)


@lru_cache(maxsize=32)
def local_clock(axis: Timeline, zone: str) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the hour of the day, the weekday (0 is Monday) and the count of local days, at every knot."""
    knots = pd.date_range(axis.start, axis.end, freq=KNOT_MINUTES * MINUTE, unit="us").tz_convert(zone)
    wall = knots.tz_localize(None)
    day = (wall - wall[0].normalize()) // pd.Timedelta(days=1)
    return (wall.hour + wall.minute / 60.0).to_numpy(float), wall.day_of_week.to_numpy(np.int64), day.to_numpy(np.int64)


@lru_cache(maxsize=32)
def busy(axis: Timeline, zone: str, *, weekend: float = 0.35, peak: float = 14.5) -> Floats:
    """Return how busy each knot is, from 0 (the small hours) to 1 (a weekday's busiest hour), by the local clock.

    Two humps, before and after noon; ``weekend`` is how much of them is left on Saturdays and Sundays, ``peak`` the
    hour of the higher one.
    """
    hour, weekday, _ = local_clock(axis, zone)
    humps = 0.85 * _hump(hour, peak - 4.5) + 1.0 * _hump(hour, peak) + 0.35 * _hump(hour, peak + 5.5)
    days = np.array([1.0, 0.98, 1.0, 0.97, 0.9, weekend, weekend * 0.85])
    shape: Floats = humps / humps.max() * days[weekday]
    return shape


def _hump(hour: Floats, centre: float) -> Floats:
    bump: Floats = np.exp(4.0 * (np.cos((hour - centre) * (2 * np.pi / 24)) - 1.0))
    return bump
