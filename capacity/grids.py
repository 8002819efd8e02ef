"""The grid that series share: which seasons its step and length can show, and the design matrix that follows from it.

Everything here depends on the time grid alone, never on a value, so one design serves a whole fleet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import gcd

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["DAY_S", "WEEK_S", "Design", "Seasons", "design", "horizon_buckets", "phases", "probes", "seasons"]

FloatArray = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

DAY_S = 86_400.0
WEEK_S = 7 * DAY_S
# Steps ahead at which folds are scored: of these the first ones are all taken.
MOST_PROBES = 160
HEAD_PROBES = 48


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

    def within(self, length: int) -> Seasons:
        """Return those of them that so many samples can show."""
        day, week = (season if length >= 2 * season else 0 for season in (self.day, self.week))
        return Seasons(self.step_s, day, week)

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


def horizon_buckets(ahead: IntArray) -> IntArray:
    """Return the bucket of steps ahead; buckets double: 1, 2, 3–4, 5–8, 9–16 and so on."""
    return np.ceil(np.log2(ahead)).astype(np.int64)


def probes(horizon: int, grid: Seasons) -> IntArray:
    """Return the steps ahead at which folds are scored: all of a short horizon, a fair sample of a long one.

    The first steps are all in it. Beyond them every so many, a number that shares no factor with the day or the week,
    so that every time of day and every weekday come up alike.
    """
    if horizon <= MOST_PROBES:
        return np.arange(1, horizon + 1)
    stride = max(2, -(-(horizon - HEAD_PROBES) // (MOST_PROBES - HEAD_PROBES)))
    while gcd(stride, (grid.day or 1) * 7) > 1:
        stride += 1
    return np.concatenate([np.arange(1, HEAD_PROBES + 1), np.arange(HEAD_PROBES + stride, horizon + 1, stride)])


@dataclass(frozen=True)
class Design:
    """A design for seasons and a bending trend, factorised once for all series and calls that share a grid.

    A season repeats, so its terms are kept for one cycle only, and a fit needs no more of the samples than their sums
    by place in the cycle and their products with a few hat functions.

    Attributes
    ----------
    rows : int
        Samples of history.
    cycle : ndarray, shape (period, p)
        Fourier terms of day and week over one cycle, the first row's place first.
    trend : ndarray, shape (rows, q)
        Hat functions.
    inverse : ndarray, shape (p + q, p + q)
        Of the ridged normal matrix.
    """

    rows: int
    cycle: Float32
    trend: Float32
    inverse: Float32

    def coefficients(self, values: Float32) -> Float32:
        """Return the ridged coefficients of series without gaps, (rows, series) → (p + q, series)."""
        moments = np.concatenate([self.cycle.T @ self._by_place(values), self.trend.T @ values])
        return np.asarray(self.inverse @ moments, dtype=np.float32)

    def season(self, coefficients: Float32) -> Float32:
        """Return the season over one cycle, shape (period, series)."""
        return np.asarray(self.cycle @ coefficients[: self.cycle.shape[1]], dtype=np.float32)

    def level(self, coefficients: Float32) -> Float32:
        """Return the bending trend over the history, shape (rows, series)."""
        return np.asarray(self.trend @ coefficients[self.cycle.shape[1] :], dtype=np.float32)

    def _by_place(self, values: Float32) -> Float32:
        period = len(self.cycle)
        whole = self.rows // period
        sums = values[: whole * period].reshape(whole, period, -1).sum(axis=0)
        sums[: self.rows - whole * period] += values[whole * period :]
        return np.asarray(sums)


# Ridge in units of the noise's variance: a day's shape is trusted, a week's must be borne out by several weeks.
DAY_RIDGE = 1.0
WEEK_RIDGE = 25.0
TREND_RIDGE = 20.0
LEVEL_RIDGE = 1e-3
DAY_HARMONICS = 12
WEEK_HARMONICS = 40


@lru_cache(maxsize=64)
def design(grid: Seasons, *, rows: int) -> Design:
    """Build and factorise the design of ``rows`` samples; kept, as every series and every call of a grid shares it."""
    period = grid.lag
    season, ridge = _fourier(grid, np.arange(period, dtype=float))
    trend, bend = _hats(rows, grid.steps(WEEK_S) if grid.week else max(rows // 6, 4))
    whole = np.concatenate([season[np.arange(rows) % period], trend], axis=1)
    gram = whole.T @ whole
    p = len(ridge)
    gram[np.arange(p), np.arange(p)] += ridge
    gram[p:, p:] += TREND_RIDGE * bend + LEVEL_RIDGE * np.eye(len(bend))
    inverse = np.linalg.inv(gram)
    return Design(rows, season.astype(np.float32), trend.astype(np.float32), inverse.astype(np.float32))


def _fourier(grid: Seasons, steps: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sines and cosines of day and week with the ridge of each; week terms that are day terms are left out."""
    waves: list[tuple[float, float]] = []
    day = grid.steps(DAY_S) if grid.step_s < DAY_S else 1
    for k in range(1, min(DAY_HARMONICS, (day - 1) // 2) + 1 if grid.day else 1):
        waves.append((k * grid.step_s / DAY_S, DAY_RIDGE * (1 + (k / 4) ** 2)))
    for k in range(1, min(WEEK_HARMONICS, (grid.week - 1) // 2) + 1 if grid.week else 1):
        if k % 7 or day == 1:
            waves.append((k * grid.step_s / WEEK_S, WEEK_RIDGE * (1 + (k / 21) ** 2)))
    if not waves:
        return np.zeros((len(steps), 0)), np.zeros(0)
    angle = 2 * np.pi * steps[:, None] * np.array([wave for wave, _ in waves])
    columns = np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
    return columns, np.tile([ridge for _, ridge in waves], 2)


def _hats(rows: int, spacing: int) -> tuple[FloatArray, FloatArray]:
    """Hat functions every ``spacing`` rows, counted back from the last, and their squared second differences."""
    knots = max(2, -(-rows // spacing) + 1)
    place = (knots - 1) - np.arange(rows - 1, -1, -1) / spacing
    hats = np.clip(1 - np.abs(place[:, None] - np.arange(knots)), 0.0, None)
    bends = np.diff(np.eye(knots), 2, axis=0)
    return hats, bends.T @ bends
