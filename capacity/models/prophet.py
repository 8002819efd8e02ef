"""Prophet with its defaults. Its intervals and its independent path noise are not used: the shell has its own."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from types import ModuleType

import numpy as np
import pandas as pd

from capacity.grids import Seasons
from capacity.models.base import Answer, FloatArray, Problem
from capacity.models.single import each_series

__all__ = ["Prophet"]


class Prophet:
    """Piecewise linear trend and Fourier seasons, one series at a time."""

    name = "prophet"
    batched = False

    def points(self, problem: Problem, cutoffs: Sequence[int]) -> Answer:
        """Forecast from every cutoff."""
        times = problem.times.tz_convert(None) if problem.times.tz is not None else problem.times
        step = times[1] - times[0]

        def fit_one(values: FloatArray, grid: Seasons, cutoff: int) -> FloatArray:
            del grid
            # An instant ends its step; Prophet is told when the step began, so that a day's season is the day's.
            seen = times[cutoff - len(values) : cutoff] - step
            ahead = pd.date_range(times[cutoff - 1], periods=problem.horizon, freq=step)
            return _fit(seen, values, ahead)

        return each_series(problem, cutoffs, fit_one, note="piecewise trend and Fourier seasons")


def _fit(seen: pd.DatetimeIndex, values: FloatArray, ahead: pd.DatetimeIndex) -> FloatArray:
    prophet = _imported()
    with _quiet():
        model = prophet.Prophet(uncertainty_samples=0)
        known = np.isfinite(values)
        model.fit(pd.DataFrame({"ds": seen[known], "y": values[known]}), seed=0)
        predicted = model.predict(pd.DataFrame({"ds": ahead}))
    return np.asarray(predicted["yhat"].to_numpy(), dtype=float)


def _imported() -> ModuleType:
    """Import prophet and the back end that it loads late, without what both say (and set up to say) on first import."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        import cmdstanpy  # noqa: F401
        import prophet
    finally:
        logging.disable(before)
    module: ModuleType = prophet
    return module


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence what Prophet says on every fit, and nothing else."""
    loggers = [logging.getLogger(name) for name in ("prophet", "cmdstanpy")]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # prophet 1.5 on pandas 3.1: it still uses what pandas 4 will take away.
            warnings.filterwarnings("ignore", category=getattr(pd.errors, "Pandas4Warning", DeprecationWarning))
            warnings.filterwarnings("ignore", category=FutureWarning, module="prophet")
            yield
    finally:
        for logger, level in before:
            logger.setLevel(level)
