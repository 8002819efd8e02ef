"""Prophet, flat, linear or logistic as earlier cutoffs bear out.

Its intervals and its independent path noise are not used: the shell has its own.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from types import ModuleType

import numpy as np
import pandas as pd

from capacity.grids import DAY_S, Seasons
from capacity.models.base import Answer, FloatArray, Problem
from capacity.models.single import each_series

__all__ = ["Prophet"]

GROWTHS = ("flat", "linear", "logistic")
# Rows that a fit is given at most; a finer grid is averaged first, and its steps are read off the same curve.
MOST_ROWS = 3_000
# A growth other than flat has to have been better by this much on earlier cutoffs; a slope that goes on for ever does
# more harm than one that is missed.
MARGIN = 0.95
# Saturation: as far beyond what was ever seen as its own range, on either side.
ROOM = 1.0


class Prophet:
    """Fourier seasons on a flat, piecewise linear or saturating trend, one series at a time.

    Which one is told by the cutoffs before: each growth's errors there, as far as they were known by then.
    """

    name = "prophet"
    batched = False

    def points(self, problem: Problem, cutoffs: Sequence[int]) -> Answer:
        """Forecast from every cutoff."""
        parts = [self._series(problem, column, cutoffs) for column in range(problem.series)]
        return Answer(np.concatenate([part.points for part in parts], axis=2), tuple(part.notes[0] for part in parts))

    def _series(self, problem: Problem, column: int, cutoffs: Sequence[int]) -> Answer:
        """Choose among growths cutoff by cutoff; the saturating one is only tried where a slope was worth it."""
        own = _only(problem, column)
        made: dict[str, Answer] = {}
        for growth in GROWTHS:
            if growth == "logistic" and _chosen(own, made, cutoffs)[-1] == "flat":
                break
            made[growth] = _fitted(own, cutoffs, growth)
        chosen = _chosen(own, made, cutoffs)
        points = np.stack([made[growth].points[place] for place, growth in enumerate(chosen)])
        return Answer(points, made[chosen[-1]].notes)


def _only(problem: Problem, column: int) -> Problem:
    where = slice(column, column + 1)
    return Problem(problem.values[:, where], problem.times, problem.horizon, problem.seasons, problem.kinds[where])


def _chosen(problem: Problem, made: dict[str, Answer], cutoffs: Sequence[int]) -> list[str]:
    """Return the growth for every cutoff, by mean error at earlier ones up to it; flat where there is none to go by."""
    chosen = []
    for cutoff in cutoffs:
        wrong = {growth: _wrong(problem, answer, cutoffs, cutoff) for growth, answer in made.items()}
        best = min(wrong, key=lambda growth: wrong[growth] * (1.0 if growth == "flat" else 1.0 / MARGIN))
        chosen.append(best)
    return chosen


def _wrong(problem: Problem, answer: Answer, cutoffs: Sequence[int], known: int) -> float:
    """Mean absolute error of the cutoffs before ``known``, on what had come by then; 0 without any."""
    errors = []
    for place, cutoff in enumerate(cutoffs):
        came = problem.values[cutoff : min(known, cutoff + problem.horizon)]
        apart = np.abs(came - answer.points[place, : len(came)])
        if len(came) and np.isfinite(apart).any():
            errors.append(float(np.nanmean(apart)))
    return float(np.mean(errors)) if errors else 0.0


def _fitted(problem: Problem, cutoffs: Sequence[int], growth: str) -> Answer:
    times = problem.times.tz_convert(None) if problem.times.tz is not None else problem.times
    step = times[1] - times[0]

    def fit_one(values: FloatArray, grid: Seasons, cutoff: int) -> FloatArray:
        # An instant ends its step; Prophet is told when the step began, so that a day's season is the day's.
        seen = times[cutoff - len(values) : cutoff] - step
        ahead = pd.date_range(times[cutoff - 1], periods=problem.horizon, freq=step)
        every = _every(len(values), grid)
        return _fit(_thinned(seen, values, every), ahead, growth)

    return each_series(problem, cutoffs, fit_one, note=f"{growth} trend and Fourier seasons")


def _every(rows: int, grid: Seasons) -> int:
    """How many steps become one row; never so many that fewer than 48 a day are left."""
    most = max(1, int(DAY_S / grid.step_s / 48))
    return min(max(1, -(-rows // MOST_ROWS)), most)


def _thinned(seen: pd.DatetimeIndex, values: FloatArray, every: int) -> pd.DataFrame:
    """Return Prophet's frame: means of ``every`` steps, without those that nothing was seen of."""
    rows = len(values) // every * every
    blocks = values[len(values) - rows :].reshape(-1, every)
    known = np.isfinite(blocks)
    count = known.sum(axis=1)
    mean = np.where(known, blocks, 0.0).sum(axis=1) / np.maximum(count, 1)
    starts = seen[len(seen) - rows :: every] + (seen[1] - seen[0]) * (every - 1) / 2
    return pd.DataFrame({"ds": starts[count > 0], "y": mean[count > 0]})


def _fit(rows: pd.DataFrame, ahead: pd.DatetimeIndex, growth: str) -> FloatArray:
    prophet = _imported()
    future = pd.DataFrame({"ds": ahead})
    if growth == "logistic":
        low, high = rows["y"].min(), rows["y"].max()
        for frame in (rows, future):
            frame["floor"], frame["cap"] = low - ROOM * (high - low), high + ROOM * (high - low)
    with _quiet():
        model = prophet.Prophet(growth=growth, uncertainty_samples=0)
        model.fit(rows, seed=0)
        predicted = model.predict(future)
    return np.asarray(predicted["yhat"].to_numpy(), dtype=float)


def _imported() -> ModuleType:
    """Import prophet and the back end that it loads late, without what both say (and set up to say) on first import."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        import cmdstanpy
        import prophet

        # Its first call sets the level of its logger; later than this it would undo `_quiet`.
        cmdstanpy.utils.get_logger()
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
