"""The fleet model: all series of a grid at once, each as a blend of simple forecasts weighed by folds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capacity.grids import DAY_S, WEEK_S, Seasons, design, seasons
from capacity.models.base import Answer, FloatArray, IntArray, Problem
from capacity.models.fleet_candidates import CANDIDATES, CLIMB, View
from capacity.models.fleet_fit import clean, with_columns
from capacity.models.fleet_level import block_medians
from capacity.models.fleet_regime import regimes
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
# A climb younger than the horizon may end any day: this share of what it adds is doubt.
CLIMB_DOUBT = 0.3


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
            np.concatenate([part.unsure for part in parts if part.unsure is not None], axis=1),
            np.concatenate([part.since for part in parts if part.since is not None]),
        )

    def _batch(self, problem: Problem, columns: slice, cutoffs: Sequence[int]) -> Answer:
        values = problem.values[:, columns]
        names = tuple(CANDIDATES)
        ends = stretches(problem.seasons, problem.horizon)
        ledger = Ledger(ends, problem.kinds[columns], np.array([prior for _, prior in CANDIDATES.values()]))
        points = []
        for cutoff in (*_warm_up(cutoffs[0], problem.seasons), *cutoffs):
            view = _view(problem, values, cutoff)
            forecasts = np.stack([candidate(view) for candidate, _ in CANDIDATES.values()])
            if cutoff in cutoffs:
                since = np.where(view.regime.age > 0, cutoff - view.regime.age * view.block, 0)
                weights = ledger.weights(cutoff, since=since, climbing=view.regime.climbing, climb=names.index(CLIMB))
                points.append(blend(weights, forecasts, ends))
            ledger.add(cutoff, forecasts, values[cutoff : cutoff + problem.horizon])
        return Answer(
            np.stack(points),
            _notes(view, strongest(weights, names)),
            view.overall.error / view.block,
            _unsure(view),
            _since(view, cutoffs[-1]),
        )


def _warm_up(first: int, grid: Seasons) -> tuple[int, ...]:
    least = max(LEAST_ROWS, 2 * grid.lag if grid.lag * 2 < first else LEAST_ROWS)
    early = sorted({round(share * first) for share in WARM_UP})
    return tuple(cutoff for cutoff in early if least <= cutoff < first)


def _view(problem: Problem, values: FloatArray, cutoff: int) -> View:
    """Return the candidates' view at a cutoff: nothing at or after row ``cutoff`` is touched."""
    most = min(MOST_ROWS, problem.seasons.steps(MOST_WEEKS * WEEK_S))
    start = max(0, cutoff - most)
    seen = values[start:cutoff]
    grid = seasons(problem.times[1] - problem.times[0], len(seen))
    day = grid.steps(DAY_S)
    block = day if len(seen) >= 7 * day else max(1, len(seen) // 24)
    shape = design(grid, start=start, rows=len(seen), horizon=problem.horizon)
    cleaned = clean(seen, shape, lag=grid.lag)
    raw = np.where(np.isfinite(seen), seen, cleaned.values) - cleaned.season[: len(seen)]
    regime = regimes(block_medians(raw, block))
    jumped = np.flatnonzero(regime.since)
    if len(jumped):
        settled = seen[:, jumped].copy()
        for place, column in enumerate(jumped):
            settled[: len(seen) - regime.since[column] * block, place] += regime.jump[column]
        cleaned = with_columns(cleaned, clean(settled, shape, lag=grid.lag), jumped)
    return View(cleaned, grid, problem.horizon, block, regime)


def _unsure(view: View) -> FloatArray:
    """How far a young climb may be wrong about its end, which no fold could see; shape (horizon, series)."""
    slope = np.where(view.regime.climbing, np.abs(view.recent.slope), 0.0)
    return np.asarray(CLIMB_DOUBT * slope * view.blocks_ahead, dtype=float)


def _since(view: View, cutoff: int) -> IntArray:
    """Row at which each series last jumped; 0 where it did not."""
    return np.where(view.regime.since > 0, cutoff - view.regime.since * view.block, 0)


def _notes(view: View, strongest: tuple[str, ...]) -> tuple[str, ...]:
    """Say what the blend is made of, and which break was found."""
    said = []
    for column, note in enumerate(strongest):
        age = view.regime.age[column]
        what = "a climb" if view.regime.climbing[column] else "a jump of level"
        days = age * view.block * view.grid.step_s / DAY_S
        said.append(f"{note}, since {what} {days:.3g} d before the cutoff" if age else note)
    return tuple(said)
