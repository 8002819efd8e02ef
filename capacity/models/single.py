"""What per-series models share: the loop over cutoffs and series, and what happens where a fit fails."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from capacity.grids import Seasons, seasons
from capacity.models.base import Answer, FloatArray, Problem, filled
from capacity.models.naive import repeat_season

__all__ = ["FAILURES", "each_series", "quiet"]

log = logging.getLogger(__name__)

# Takes one series as seen at a cutoff (NaN is missing), its grid, and the cutoff; gives (horizon,).
FitOne = Callable[[FloatArray, Seasons, int], FloatArray]

# What an optimiser that cannot fit a series raises. Anything else is a defect and is shown.
FAILURES = (ValueError, RuntimeError, ArithmeticError, IndexError, np.linalg.LinAlgError)
# A forecast that is further from the middle than so many times all that was ever seen apart is an optimiser's, not the
# series': a slope that lasted the whole history goes on for four more of them.
RUNAWAY = 5.0
# Below this share of its own size a spread is rounding: numbers near 1e9 carry 1e-16 of themselves.
CONSTANT = 1e-12


def each_series(problem: Problem, cutoffs: Sequence[int], fit_one: FitOne, *, note: str) -> Answer:
    """Fit every series at every cutoff; one that fails is forecast by seasonal naive, and its note says so.

    A constant series is its constant: no optimiser is asked. Every fit sees numbers of about one around 0, so that
    bytes and ratios are fitted alike.
    """
    points = np.empty((len(cutoffs), problem.horizon, problem.series))
    notes = []
    # Matrices of a dozen rows: threads that wait for each other cost ten times what they bring.
    with threadpool_limits(1):
        for column in range(problem.series):
            said = ""
            for place, cutoff in enumerate(cutoffs):
                points[place, :, column], said = _one(problem, column, cutoff, fit_one)
            notes.append(said or note)
    return Answer(points, tuple(notes))


def _one(problem: Problem, column: int, cutoff: int, fit_one: FitOne) -> tuple[FloatArray, str]:
    """Return the points of one series at one cutoff, and what is to be said of them (empty: nothing)."""
    values = problem.values[:cutoff, column]
    known = values[np.isfinite(values)]
    if not len(known):
        return np.zeros(problem.horizon), ""
    if np.ptp(known) <= CONSTANT * np.abs(known).max(initial=1e-300):
        return np.full(problem.horizon, known[-1]), "a constant"
    seen = values[int(np.argmax(np.isfinite(values))) :]
    grid = seasons(problem.times[1] - problem.times[0], len(seen))
    centre = float(np.median(known))
    size = float(np.abs(known - centre).mean())
    scaled = (seen - centre) / size
    try:
        points = fit_one(scaled, grid, cutoff)
        if np.isfinite(points).all() and np.abs(points).max() <= RUNAWAY * np.ptp(known) / size:
            return points * size + centre, ""
        reason = "its forecast ran away"
    except FAILURES as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    log.debug("series %d at cutoff %d: %s", column, cutoff, reason)
    held = filled(seen[:, None], lag=grid.lag)
    naive = repeat_season(held, lag=grid.lag, horizon=problem.horizon)[:, 0]
    return naive, f"seasonal naive, as the fit failed: {reason}"


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence what statsmodels says of an optimiser that stopped early: the fit is usable, and the folds judge it."""
    from statsmodels.tools.sm_exceptions import ConvergenceWarning, EstimationWarning, ModelWarning

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        for category in (ConvergenceWarning, EstimationWarning, ModelWarning):
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"(statsmodels|numpy|scipy)\.")
        yield
