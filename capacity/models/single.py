"""What per-series models share: the loop over cutoffs and series, and what happens where a fit fails."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np

from capacity.grids import Seasons, seasons
from capacity.models.base import Answer, FloatArray, Problem, filled
from capacity.models.naive import repeat_season

__all__ = ["each_series"]

log = logging.getLogger(__name__)

# Takes one series as seen at a cutoff (NaN is missing), its grid, and the cutoff; gives (horizon,).
FitOne = Callable[[FloatArray, Seasons, int], FloatArray]


def each_series(problem: Problem, cutoffs: Sequence[int], fit_one: FitOne, *, note: str) -> Answer:
    """Fit every series at every cutoff; one that fails is forecast by seasonal naive, and its note says so.

    A constant series is its constant: no optimiser is asked.
    """
    points = np.empty((len(cutoffs), problem.horizon, problem.series))
    notes = []
    for column in range(problem.series):
        failed = ""
        for place, cutoff in enumerate(cutoffs):
            points[place, :, column], failed = _one(problem, column, cutoff, fit_one)
        notes.append(failed or note)
    return Answer(points, tuple(notes))


def _one(problem: Problem, column: int, cutoff: int, fit_one: FitOne) -> tuple[FloatArray, str]:
    values = problem.values[:cutoff, column]
    grid = seasons(problem.times[1] - problem.times[0], cutoff)
    known = values[np.isfinite(values)]
    if not len(known):
        return np.zeros(problem.horizon), ""
    if np.ptp(known) <= 1e-12 * np.abs(known).max(initial=1e-300):
        return np.full(problem.horizon, known[-1]), ""
    first = int(np.argmax(np.isfinite(values)))
    size = float(np.abs(known - np.median(known)).mean())
    centre = float(np.median(known))
    # Every optimiser sees numbers of about one, so that bytes and ratios are fitted alike.
    try:
        points = fit_one((values[first:] - centre) / size, grid, cutoff) * size + centre
        if np.isfinite(points).all():
            return points, ""
        reason = "its forecast was not finite"
    except (ValueError, RuntimeError, np.linalg.LinAlgError, FloatingPointError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    log.debug("series %d at cutoff %d: %s", column, cutoff, reason)
    held = filled(values[first:, None], lag=grid.lag)
    return repeat_season(held, lag=grid.lag, horizon=problem.horizon)[
        :, 0
    ], f"seasonal naive, as the fit failed: {reason}"
