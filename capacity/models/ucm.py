"""Unobserved components by statsmodels: a level that wanders, a slope, an autoregressive rest, a season."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capacity.grids import Seasons
from capacity.models.base import Answer, FloatArray, Problem
from capacity.models.blocks import by_blocks
from capacity.models.single import each_series, quiet
from capacity.models.theta import adjusted

__all__ = ["Ucm"]

MOST_BLOCKS = 180
ITERATIONS = 15


class Ucm:
    """A random walk with a drift beneath noise that hangs together, by maximum likelihood, one series at a time."""

    name = "ucm"
    batched = False

    def points(self, problem: Problem, cutoffs: Sequence[int]) -> Answer:
        """Forecast from every cutoff."""

        def fit_one(values: FloatArray, grid: Seasons, cutoff: int) -> FloatArray:
            del cutoff
            return by_blocks(values, grid, problem.horizon, _fit)

        return each_series(problem, cutoffs, fit_one, note="level, drift and season as unobserved components")


def _fit(means: FloatArray, period: int, ahead: int) -> FloatArray:
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    # The season is taken out first: it costs the filter a state a harmonic, and the answer is the same to a per cent.
    level, season = adjusted(means[-MOST_BLOCKS:], period)
    with quiet():
        # A slope that is constant: one that wanders too is what runs away over a quarter.
        model = UnobservedComponents(level, level="rwdrift" if len(level) >= 48 else "llevel", autoregressive=1)
        fitted = model.fit(disp=0, maxiter=ITERATIONS, cov_type="none")
        points = np.asarray(fitted.forecast(ahead), dtype=float)
    return np.asarray(points + season[np.arange(ahead) % len(season)], dtype=float)
