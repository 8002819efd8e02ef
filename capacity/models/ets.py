"""Exponential smoothing by statsmodels: damped additive trend, additive season, on block means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capacity.grids import Seasons
from capacity.models.base import Answer, FloatArray, Problem
from capacity.models.blocks import by_blocks
from capacity.models.single import each_series, quiet

__all__ = ["Ets"]

# Smoothing has forgotten what lies further back than so many blocks.
MOST_BLOCKS = 180


class Ets:
    """ETS(A, Ad, A) by maximum likelihood, one series at a time."""

    name = "ets"
    batched = False

    def points(self, problem: Problem, cutoffs: Sequence[int]) -> Answer:
        """Forecast from every cutoff."""

        def fit_one(values: FloatArray, grid: Seasons, cutoff: int) -> FloatArray:
            del cutoff
            return by_blocks(values, grid, problem.horizon, _fit)

        return each_series(problem, cutoffs, fit_one, note="damped trend and season, smoothed")


def _fit(means: FloatArray, period: int, ahead: int) -> FloatArray:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    used = means[-MOST_BLOCKS:]
    seasonal = period > 1 and len(used) >= 2 * period + 3
    with quiet():
        model = ExponentialSmoothing(
            used,
            trend="add",
            damped_trend=True,
            seasonal="add" if seasonal else None,
            seasonal_periods=period if seasonal else None,
            initialization_method="heuristic" if len(used) >= 10 else "estimated",
        )
        return np.asarray(model.fit(optimized=True).forecast(ahead), dtype=float)
