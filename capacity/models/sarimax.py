"""SARIMAX by statsmodels: (1,0,1)(0,1,1) about the season of the block means; without a season (0,1,1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capacity.grids import Seasons
from capacity.models.base import Answer, FloatArray, Problem
from capacity.models.blocks import by_blocks
from capacity.models.single import each_series, quiet

__all__ = ["Sarimax"]

# A seasonal moving average forgets within a few seasons.
MOST_BLOCKS = 112
# The likelihood is flat near its top: later iterations move the forecast by less than a per cent of the noise.
ITERATIONS = 10


class Sarimax:
    """A seasonal ARIMA by maximum likelihood, one series at a time."""

    name = "sarimax"
    batched = False

    def points(self, problem: Problem, cutoffs: Sequence[int]) -> Answer:
        """Forecast from every cutoff."""

        def fit_one(values: FloatArray, grid: Seasons, cutoff: int) -> FloatArray:
            del cutoff
            return by_blocks(values, grid, problem.horizon, _fit)

        return each_series(problem, cutoffs, fit_one, note="a seasonal ARIMA")


def _fit(means: FloatArray, period: int, ahead: int) -> FloatArray:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    used = means[-MOST_BLOCKS:]
    seasonal = period > 1 and len(used) >= 3 * period
    lag = period if seasonal else 1
    # Differenced beforehand, the model is stationary: a third of the states, and no diffuse start.
    changes = used[lag:] - used[:-lag]
    with quiet():
        model = SARIMAX(
            changes,
            order=(1, 0, 1) if seasonal else (0, 0, 1),
            seasonal_order=(0, 0, 1, period) if seasonal else (0, 0, 0, 0),
            concentrate_scale=True,
        )
        start = np.array([0.5, 0.0, -0.5] if seasonal else [-0.3])
        fitted = model.fit(start, disp=0, maxiter=ITERATIONS, cov_type="none")
        ahead_changes = np.asarray(fitted.forecast(ahead), dtype=float)
    whole = np.concatenate([used[-lag:], ahead_changes])
    for place in range(lag, len(whole)):
        whole[place] += whole[place - lag]
    return whole[lag:]
