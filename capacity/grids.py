"""The grid that series share: which seasons its step and length can show, and the design matrix that follows from it.

Everything here depends on the time grid alone, never on a value, so one design serves a whole fleet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["DAY_S", "WEEK_S", "Seasons", "horizon_buckets", "phases", "seasons"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S


@dataclass(frozen=True, slots=True)
class Seasons:
    """The seasons of a grid, in steps; 0 where the grid cannot show one.

    A season must repeat twice to be told from a trend, so a grid shorter than two weeks has no week.
    """

    step_s: float
    day: int
    week: int

    @property
    def lag(self) -> int:
        """The longest season in steps, 1 where there is none: what a seasonal-naive forecast repeats."""
        return self.week or self.day or 1

    def steps(self, seconds: float) -> int:
        """How many steps ``seconds`` are, at least one."""
        return max(1, round(seconds / self.step_s))


def seasons(step: pd.Timedelta, length: int) -> Seasons:
    """Return the seasons that ``length`` samples at ``step`` can show."""
    step_s = step.total_seconds()
    day = round(DAY_S / step_s) if step_s <= DAY_S / 2 else 0
    week = round(WEEK_S / step_s) if step_s <= WEEK_S / 2 else 0
    return Seasons(step_s, day if length >= 2 * day else 0, week if length >= 2 * week else 0)


def phases(times: pd.DatetimeIndex, step_s: float) -> IntArray:
    """Return each instant's bin: hour of day below a daily step, weekday from there on.

    An instant speaks for the step that ends there, so it is the step's start that is binned.
    """
    started = times.as_unit("us").asi8 // 1_000_000 - round(step_s)
    if step_s <= DAY_S / 2:
        return ((started % 86_400) // 3_600).astype(np.int64)
    return ((started // 86_400) % 7).astype(np.int64)


def horizon_buckets(horizon: int) -> IntArray:
    """Return the bucket of every step ahead; buckets double: 1, 2, 3–4, 5–8, 9–16, …"""
    ahead = np.arange(1, horizon + 1)
    return np.ceil(np.log2(ahead)).astype(np.int64)
