"""The fleet model: all series of a grid at once, each as a blend of simple forecasts weighed by folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capacity.grids import WEEK_S, Seasons, seasons
from capacity.models.base import Answer, FloatArray, Problem
from capacity.models.fleet_candidates import CANDIDATES, View
from capacity.models.fleet_fit import clean
from capacity.models.fleet_weights import Ledger, blend, stretches, strongest

__all__ = ["Fleet"]

# Half a year of hours; more says little about next month's season and costs its square.
MOST_WEEKS = 26
MOST_ROWS = 20_000
# Cutoffs before the first fold, which only serve to weigh candidates there.
WARM_UP = (0.5, 0.75)
LEAST_ROWS = 24
# Series handled at once: what bounds memory.
BATCH = 512


class Fleet:
    """Season and trend by one factorisation; level, profile and naive candidates; weights by errors known in time."""

    name = "fleet"
    batched = True

    def points(self, problem: Problem, cutoffs: Sequence[int]) -> Answer:
        """Forecast from every cutoff; see `capacity.models.base.Model`."""
        parts = [
            self._batch(problem, slice(start, start + BATCH), cutoffs) for start in range(0, problem.series, BATCH)
        ]
        return Answer(
            np.concatenate([part.points for part in parts], axis=2),
            tuple(note for part in parts for note in part.notes),
            np.concatenate([part.drift for part in parts if part.drift is not None]),
        )

    def _batch(self, problem: Problem, columns: slice, cutoffs: Sequence[int]) -> Answer:
        values = problem.values[:, columns]
        ends = stretches(problem.seasons, problem.horizon)
        ledger = Ledger(ends, problem.kinds[columns])
        points, notes, drift = [], ("",) * values.shape[1], np.zeros(values.shape[1])
        for cutoff in (*_warm_up(cutoffs[0], problem.seasons), *cutoffs):
            view = _view(problem, values, cutoff)
            forecasts = np.stack([candidate(view) for candidate in CANDIDATES.values()])
            if cutoff in cutoffs:
                weights = ledger.weights(cutoff, len(CANDIDATES))
                points.append(blend(weights, forecasts, ends))
                notes = strongest(weights, tuple(CANDIDATES))
                drift = view.overall.error / view.block
            ledger.add(cutoff, forecasts, values[cutoff : cutoff + problem.horizon])
        return Answer(np.stack(points), notes, drift)


def _warm_up(first: int, grid: Seasons) -> tuple[int, ...]:
    least = max(LEAST_ROWS, 2 * grid.lag if grid.lag * 2 < first else LEAST_ROWS)
    early = sorted({round(share * first) for share in WARM_UP})
    return tuple(cutoff for cutoff in early if least <= cutoff < first)


def _view(problem: Problem, values: FloatArray, cutoff: int) -> View:
    """The candidates' view at a cutoff: nothing at or after row ``cutoff`` is touched."""
    most = min(MOST_ROWS, problem.seasons.steps(MOST_WEEKS * WEEK_S))
    start = max(0, cutoff - most)
    step = problem.times[1] - problem.times[0]
    grid = seasons(step, cutoff - start)
    return View(clean(values[start:cutoff], grid, start=start, horizon=problem.horizon), grid, problem.horizon)
