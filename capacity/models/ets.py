"""Exponential smoothing by statsmodels: damped additive trend, additive season of a day (a week on a daily grid)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from capacity.grids import Seasons
from capacity.models.base import Answer, FloatArray, Problem, filled
from capacity.models.single import each_series

__all__ = ["Ets"]

# Seasonal states a fit can hold in seconds; a finer grid's day is smoothed away, and its week is never a state.
MOST_STATES = 60
# Rows that a fit looks at: eight weeks of hours. Smoothing has forgotten what lies before.
MOST_ROWS = 1_344


class Ets:
    """ETS(A, Ad, A) by maximum likelihood, one series at a time."""

    name = "ets"
    batched = False

    def points(self, problem: Problem, cutoffs: Sequence[int]) -> Answer:
        """Forecast from every cutoff."""

        def fit_one(values: FloatArray, grid: Seasons, cutoff: int) -> FloatArray:
            del cutoff
            return _fit(values[-MOST_ROWS:], grid, problem.horizon)

        return each_series(problem, cutoffs, fit_one, note="damped trend and season, smoothed")


def _fit(values: FloatArray, grid: Seasons, horizon: int) -> FloatArray:
    from statsmodels.tools.sm_exceptions import ConvergenceWarning
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    period = next((lag for lag in (grid.day, grid.week) if 1 < lag <= MOST_STATES and len(values) > 2 * lag), 0)
    whole = filled(values[:, None], lag=grid.lag)[:, 0]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        # Optimisers that stop early still give a usable fit; the folds judge it.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        model = ExponentialSmoothing(
            whole,
            trend="add",
            damped_trend=True,
            seasonal="add" if period else None,
            seasonal_periods=period or None,
            initialization_method="heuristic",
        )
        return np.asarray(model.fit(optimized=True).forecast(horizon), dtype=float)
