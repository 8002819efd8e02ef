"""STL by statsmodels: a robust season that may change, and the damped trend of what it leaves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capacity.grids import Seasons
from capacity.models.base import Answer, FloatArray, Problem
from capacity.models.blocks import by_blocks
from capacity.models.single import each_series, quiet

__all__ = ["Stl"]

# The window of the season's own smoother, in cycles: it changes slowly. Cleveland et al. (1990) want it odd, ≥ 7.
SEASON_WINDOW = 13
MOST_BLOCKS = 365


class Stl:
    """Seasonal-trend decomposition by loess, one series at a time; spikes do not move it."""

    name = "stl"
    batched = False

    def points(self, problem: Problem, cutoffs: Sequence[int]) -> Answer:
        """Forecast from every cutoff."""

        def fit_one(values: FloatArray, grid: Seasons, cutoff: int) -> FloatArray:
            del cutoff
            return by_blocks(values, grid, problem.horizon, _fit)

        return each_series(problem, cutoffs, fit_one, note="a robust season by loess and a damped trend")


def _fit(means: FloatArray, period: int, ahead: int) -> FloatArray:
    from statsmodels.tsa.holtwinters import Holt
    from statsmodels.tsa.seasonal import STL

    used = means[-MOST_BLOCKS:]
    season, rest = np.zeros(1), used
    with quiet():
        if period > 1 and len(used) >= 2 * period + 1:
            parts = STL(used, period=period, seasonal=SEASON_WINDOW, robust=True).fit()
            season, rest = np.asarray(parts.seasonal)[-period:], used - np.asarray(parts.seasonal)
        model = Holt(rest, damped_trend=True, initialization_method="estimated")
        points = np.asarray(model.fit(optimized=True).forecast(ahead), dtype=float)
    return np.asarray(points + season[np.arange(ahead) % len(season)], dtype=float)
