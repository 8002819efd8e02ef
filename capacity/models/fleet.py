"""The fleet model: all series of a grid at once, each as a blend of simple forecasts weighed by folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from capacity.grids import DAY_S, WEEK_S, design
from capacity.models.base import Answer, FloatArray, IntArray, Problem, filled
from capacity.models.fleet_candidates import CANDIDATES, CLIMB, MONTH_WEEKS, PLAIN, YEAR_S, YEARLY, View
from capacity.models.fleet_fit import HELD, Cleaned, Float32, Scaled, clean, less_season, scaled, with_columns
from capacity.models.fleet_level import block_means
from capacity.models.fleet_regime import regimes
from capacity.models.fleet_weights import Ledger, Pool, blend, stretches, strongest

__all__ = ["Fleet", "Trial", "foreseeable"]

# Half a year of hours; more says little about next month's season and costs its square.
MOST_WEEKS = 26
MOST_ROWS = 20_000
# Cutoffs before the first fold, which only serve to weigh candidates there.
WARM_UP = (0.5, 0.75)
LEAST_ROWS = 24
# A week must have been seen so often to be told from a jump; a block of which less was seen does not speak.
FEW_WEEKS = 4
LEAST_SEEN = 0.1
# An error of a fold is no candidate's fault beyond this many times its usual size: the mean of errors each held to
# `HELD` times that mean, found in so many passes.
UNFORESEEN, USUAL_PASSES = 8.0, 4
# A climb younger than the horizon may end any day: this share of what it adds is doubt.
CLIMB_DOUBT = 0.3


@dataclass(frozen=True)
class Trial:
    """Forecasts of the folds at some steps ahead, and of the last cutoff over the whole horizon.

    ``folds`` has shape (fold, step, series); ``pool`` is what kinds have taught by each cutoff (`Ledger`).
    """

    folds: FloatArray
    final: Answer
    pool: Pool


class Fleet:
    """Season and trend by one factorisation; level, profile and naive candidates; weights by errors known in time."""

    name = "fleet"
    batched = True

    def points(self, problem: Problem, cutoffs: Sequence[int]) -> Answer:
        """Forecast from every cutoff; see `capacity.models.base.Model`."""
        trial = self.trial(problem, cutoffs, steps=np.arange(1, problem.horizon + 1))
        return replace(trial.final, points=np.concatenate([trial.folds, trial.final.points]))

    def trial(self, problem: Problem, cutoffs: Sequence[int], *, steps: IntArray, pool: Pool | None = None) -> Trial:
        """Forecast all cutoffs but the last at ``steps`` ahead only, the last one over the whole horizon."""
        names = tuple(name for name in CANDIDATES if name not in YEARLY or _has_year(problem, cutoffs[-1]))
        ends = stretches(problem.seasons, problem.horizon)
        prior = np.array([CANDIDATES[name][1] for name in names])
        pool = {} if pool is None else pool
        origins = (*_warm_up(cutoffs[0]), *cutoffs)
        ledger = Ledger(ends, steps, problem.kinds, prior, np.array(origins), pool)
        held = _Held(problem)
        folds = []
        for cutoff in origins:
            ahead = steps if cutoff != cutoffs[-1] else np.arange(1, problem.horizon + 1)
            given, view = _view(problem, held, cutoff, ahead)
            forecasts = np.empty((len(names), len(ahead), problem.series), dtype=np.float32)
            for place, name in enumerate(names):
                forecasts[place] = CANDIDATES[name][0](view)
            if cutoff in cutoffs:
                since = np.where(view.regime.age > 0, cutoff - view.regime.age * view.block, 0)
                weights = ledger.weights(cutoff, since=since, climbing=view.regime.climbing, climb=names.index(CLIMB))
                folds.append(given.back(blend(weights, forecasts, ends, ahead)))
            if cutoff != cutoffs[-1]:
                truth = given.to(_truth(problem.values, cutoff + steps - 1))
                ledger.add(cutoff, forecasts, foreseeable(truth, forecasts[names.index(PLAIN)]), given.size)
        final = Answer(
            folds[-1][None],
            _notes(view, strongest(weights, names)),
            given.size * view.overall.error / view.block,
            given.size * _unsure(view),
            _since(view, cutoffs[-1]),
        )
        before = np.stack(folds[:-1]) if folds[:-1] else np.empty((0, len(steps), problem.series))
        return Trial(before, final, pool)


def _truth(values: FloatArray, rows: IntArray) -> FloatArray:
    """Return some rows; NaN where there is none."""
    out = np.full((len(rows), values.shape[1]), np.nan)
    inside = rows < len(values)
    out[inside] = values[rows[inside]]
    return out


def foreseeable(truth: Float32, forecast: Float32) -> Float32:
    """Leave out of a fold's truth (step, series) what no candidate could have foreseen: it tells none from another.

    That is what lies far beyond where the plainest of them usually errs.
    """
    wrong = np.abs(truth - forecast)
    seen = np.isfinite(wrong)
    wrong = np.where(seen, wrong, np.float32(0))
    usual = np.full(wrong.shape[1], np.inf, dtype=np.float32)
    for _ in range(USUAL_PASSES):
        usual = np.minimum(wrong, HELD * usual).sum(axis=0) / np.maximum(seen.sum(axis=0), 1).astype(np.float32)
    return np.where(wrong <= UNFORESEEN * usual, truth, np.float32(np.nan))


def _warm_up(first: int) -> tuple[int, ...]:
    """Return cutoffs before the first fold; without any, its weights would be those of ignorance, and so its errors."""
    early = sorted({round(share * first) for share in WARM_UP})
    return tuple(cutoff for cutoff in early if LEAST_ROWS <= cutoff < first)


class _Held:
    """A history without gaps, each filled from before it; what was seen; and the row of each series' first sample."""

    def __init__(self, problem: Problem) -> None:
        self.values = filled(problem.values, lag=problem.seasons.lag)
        self.seen = np.isfinite(problem.values)
        self.first = np.where(self.seen.any(axis=0), self.seen.argmax(axis=0), len(self.seen))

    def between(self, start: int, cutoff: int) -> FloatArray:
        """Return rows of the history; 0 for a series that has not begun: a value from later is never looked at."""
        rows, begun = self.values[start:cutoff], self.first < cutoff
        return rows if begun.all() else np.where(begun, rows, 0.0)


def _view(problem: Problem, held: _Held, cutoff: int, ahead: IntArray) -> tuple[Scaled, View]:
    """Return the candidates' view at a cutoff: nothing at or after row ``cutoff`` is touched."""
    most = min(MOST_ROWS, problem.seasons.steps(MOST_WEEKS * WEEK_S))
    start = max(0, cutoff - most)
    seen = held.seen[start:cutoff]
    given = scaled(held.between(start, cutoff), seen)
    grid = problem.seasons.within(len(seen))
    day = grid.steps(DAY_S)
    block = day if len(seen) >= 7 * day else max(1, len(seen) // 24)
    shape = design(grid, rows=len(seen))
    cleaned = clean(given, shape)
    regime = regimes(_levels(given, cleaned, block, weekly=len(seen) >= FEW_WEEKS * grid.week))
    jumped = np.flatnonzero(regime.since)
    if len(jumped):
        settled = given.values[:, jumped].copy()
        for place, column in enumerate(jumped):
            settled[: len(seen) - regime.since[column] * block, place] += regime.jump[column]
        part = Scaled(settled, seen[:, jumped], given.middle[jumped], given.size[jumped])
        cleaned = with_columns(cleaned, clean(part, shape), jumped)
    zero = (-given.middle / given.size).astype(np.float32)
    raw = given.values if seen.all() else np.where(seen, given.values, cleaned.values)
    return given, View(cleaned, grid, ahead, block, regime, zero, raw, _year(problem, held, cutoff, given))


def _has_year(problem: Problem, cutoff: int) -> bool:
    """Whether a year and the month before it have been seen by a cutoff, of a series with weeks."""
    first = problem.seasons.steps(YEAR_S) + problem.seasons.steps(MONTH_WEEKS * WEEK_S)
    return problem.seasons.week > 0 and cutoff >= first


def _year(problem: Problem, held: _Held, cutoff: int, given: Scaled) -> Float32 | None:
    """Return what was seen a year ago, from the month before on to half a week past the horizon."""
    if not _has_year(problem, cutoff):
        return None
    then = cutoff - problem.seasons.steps(YEAR_S)
    month, week = problem.seasons.steps(MONTH_WEEKS * WEEK_S), problem.seasons.week
    return given.to(held.between(then - month, min(then + problem.horizon + week // 2 + 1, cutoff)))


def _levels(given: Scaled, cleaned: Cleaned, block: int, *, weekly: bool) -> Float32:
    """Means of blocks without season, of what was seen alone: what was filled in knows nothing of a jump.

    A week seen only two or three times takes a jump for its own: then full days speak for themselves.
    """
    raw = less_season(given.values, cleaned.season) if weekly else given.values - cleaned.season.mean(axis=0)
    if given.seen.all():
        return block_means(raw, block)
    share = block_means(given.seen.astype(np.float32), block)
    known = block_means(raw * given.seen, block) / np.maximum(share, np.float32(1e-6))
    return np.where(share >= LEAST_SEEN, known, block_means(cleaned.level, block))


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
