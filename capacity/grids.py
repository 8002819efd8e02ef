"""The grid that series share: which seasons its step and length can show, and the design matrix that follows from it.

Everything here depends on the time grid alone, never on a value, so one design serves a whole fleet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["DAY_S", "WEEK_S", "Design", "Seasons", "design", "horizon_buckets", "phases", "seasons"]

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
    """Return the bucket of every step ahead; buckets double: 1, 2, 3–4, 5–8, 9–16 and so on."""
    ahead = np.arange(1, horizon + 1)
    return np.ceil(np.log2(ahead)).astype(np.int64)


@dataclass(frozen=True)
class Design:
    """A design matrix for seasons and a bending trend, factorised once for all series of a grid.

    Attributes
    ----------
    season : ndarray, shape (rows + horizon, p)
        Fourier terms of day and week, history first, then the horizon.
    whole : ndarray, shape (rows, p + q)
        Season and trend over the history.
    inverse : ndarray, shape (p + q, p + q)
        Of the ridged normal matrix.
    """

    season: FloatArray
    whole: FloatArray
    inverse: FloatArray

    def coefficients(self, values: FloatArray) -> FloatArray:
        """Return the ridged coefficients of series without gaps, (rows, series) → (p + q, series)."""
        return np.asarray(self.inverse @ (self.whole.T @ values), dtype=float)


# Ridge in units of the noise's variance: a day's shape is trusted, a week's must be borne out by several weeks.
DAY_RIDGE = 1.0
WEEK_RIDGE = 25.0
TREND_RIDGE = 20.0
LEVEL_RIDGE = 1e-3
DAY_HARMONICS = 12
WEEK_HARMONICS = 40


def design(grid: Seasons, *, start: int, rows: int, horizon: int) -> Design:
    """Build and factorise the design of ``rows`` samples that begin ``start`` steps after the grid's origin."""
    steps = np.arange(start, start + rows + horizon, dtype=float)
    season, ridge = _fourier(grid, steps)
    trend, bend = _hats(rows, grid.steps(WEEK_S) if grid.week else max(rows // 6, 4))
    whole = np.concatenate([season[:rows], trend], axis=1)
    gram = whole.T @ whole
    p = len(ridge)
    gram[np.arange(p), np.arange(p)] += ridge
    gram[p:, p:] += TREND_RIDGE * bend + LEVEL_RIDGE * np.eye(len(bend))
    return Design(season, whole, np.linalg.inv(gram))


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
