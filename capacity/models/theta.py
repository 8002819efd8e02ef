"""Theta: half of a straight line's slope, on top of an exponentially smoothed level.

After Assimakopoulos & Nikolopoulos (2000). Hyndman & Billah (2003) showed the method to be simple exponential smoothing
with drift, the drift half of the slope of the least-squares line; that is how it is computed here, on the seasonally
adjusted block means.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capacity.grids import Seasons
from capacity.models.base import Answer, FloatArray, Problem
from capacity.models.blocks import by_blocks
from capacity.models.single import each_series

__all__ = ["Theta", "adjusted"]

ALPHAS = np.linspace(0.05, 1.0, 20)


class Theta:
    """The Theta method on seasonally adjusted block means, one series at a time; no optimiser."""

    name = "theta"
    batched = True

    def points(self, problem: Problem, cutoffs: Sequence[int]) -> Answer:
        """Forecast from every cutoff."""

        def fit_one(values: FloatArray, grid: Seasons, cutoff: int) -> FloatArray:
            del cutoff
            return by_blocks(values, grid, problem.horizon, _fit)

        return each_series(problem, cutoffs, fit_one, note="a smoothed level with half of the trend")


def _fit(means: FloatArray, period: int, ahead: int) -> FloatArray:
    level, season = adjusted(means, period)
    rows = np.arange(len(level)) - (len(level) - 1) / 2
    slope = float(rows @ level / (rows @ rows)) if len(level) > 2 else 0.0
    flat = level - 0.5 * slope * rows
    last = _smoothed(flat)
    # The line's own half goes on from where the smoothed one stands: the drift is half of the slope.
    end = last + 0.5 * slope * rows[-1]
    return np.asarray(end + 0.5 * slope * np.arange(1, ahead + 1) + season[np.arange(ahead) % len(season)], dtype=float)


def _smoothed(level: FloatArray) -> float:
    """Smooth with the rate that forecast the next block best, by squared error."""
    state = np.full(len(ALPHAS), level[: max(1, len(level) // 8)].mean())
    wrong = np.zeros(len(ALPHAS))
    for value in level:
        error = value - state
        wrong += error**2
        state = state + ALPHAS * error
    return float(state[wrong.argmin()])


def adjusted(means: FloatArray, period: int) -> tuple[FloatArray, FloatArray]:
    """Take the season out of block means: (adjusted, season from the next block on); classical, about a moving mean."""
    if period < 2 or len(means) < 2 * period:
        return means, np.zeros(1)
    weights = np.ones(period) if period % 2 else np.r_[0.5, np.ones(period - 1), 0.5]
    middle = np.convolve(means, weights / weights.sum(), mode="valid")
    start = (len(means) - len(middle)) // 2
    apart = means[start : start + len(middle)] - middle
    place = np.arange(start, start + len(middle)) % period
    season = np.array([np.median(apart[place == each]) if (place == each).any() else 0.0 for each in range(period)])
    season -= season.mean()
    return means - season[np.arange(len(means)) % period], np.roll(season, -(len(means) % period))
