"""What the shell does with a model: folds, choice, calibration, law."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import ThreadpoolController

from capacity import threads
from capacity.calibration import Calibration, Learnt, calibrate
from capacity.copula import Copula, fit_copula
from capacity.errors import HistoryTooShort
from capacity.folds import Noise, fold_cutoffs, fold_errors, in_sample
from capacity.grids import phases, probes, seasons
from capacity.links import Link
from capacity.models import AUTO, load_model
from capacity.models.base import Answer, Model, Problem, filled
from capacity.models.fleet import Fleet
from capacity.models.fleet_weights import Pool
from capacity.odds import Odds
from capacity.outages import without_outages
from capacity.paths import Law, shape_at
from capacity.prepare import Prepared
from capacity.recalibration import BINS, Folded, recalibrated

__all__ = ["Fit", "fit"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Progress = Callable[[int, int, str], object]
# How errors hang together and the odds that follow from it, by kind, and how these would have done on the folds.
_Together = tuple[tuple[Copula, ...], tuple[tuple[Odds, Odds], ...], FloatArray]

# A batched model's folds cost little; a per-series model pays a fit for each.
FOLDS = 10
FOLDS_EACH = 4
# Series of a kind that teach the rest of it; series in a block, which bounds memory.
PILOTS = 256
BLOCK = 256
# The fleet model stays unless seasonal naive was better by more than folds can be wrong about.
NAIVE_MARGIN = 1.02


@lru_cache(maxsize=1)
def blas() -> ThreadpoolController:
    """Return what sets the threads of linear algebra: matrices here are small, and two threads wait for each other."""
    return ThreadpoolController()


@dataclass(frozen=True)
class Fit:
    """A fitted fleet: its law, and per series the model used, notes, scores and the row of its last jump (0: none).

    ``tested`` is how many steps ahead its folds have looked; ``breaches`` what they claimed of limits and what happened
    (`capacity.recalibration`).
    """

    law: Law
    models: tuple[str, ...]
    notes: tuple[str, ...]
    scores: Mapping[str, FloatArray]
    since: IntArray
    tested: int
    breaches: FloatArray


@dataclass(frozen=True)
class _Taught:
    """What series of a kind teach each other: weights of candidates by cutoff, growth and shape of errors."""

    pool: Pool
    learnt: Learnt


@dataclass(frozen=True)
class _Part:
    """A block of series, fitted: points and scale (horizon, series), shape (series, segment, level), and the words."""

    points: FloatArray
    scale: FloatArray
    calibration: Calibration
    models: list[str]
    notes: list[str]
    scores: dict[str, FloatArray]
    taught: _Taught
    since: IntArray
    folded: Folded | None


@dataclass(frozen=True)
class _Work:
    """What all blocks share: the model, the fold cutoffs, the steps ahead at which folds are scored."""

    model: Model
    auto: bool
    cutoffs: tuple[int, ...]
    steps: IntArray
    bins: IntArray


def fit(
    prepared: Prepared,
    *,
    horizon: int,
    model: str,
    link: Link,
    kinds: IntArray,
    seed: int,
    progress: Progress | None = None,
) -> Fit:
    """Fit ``model`` to a prepared history; see `capacity.forecast.forecast`.

    Series are fitted in blocks, which bounds memory. What a kind shares (first weights of candidates, growth and shape
    of errors, how errors hang together) is learnt once, from `PILOTS` of its series spread evenly over it, or all where
    there are no more: so a series' forecast depends on its own history and on its kind's pilots, never on its block.
    """
    chosen = load_model("fleet" if model == AUTO else model)
    if not prepared.frame.shape[1]:
        raise HistoryTooShort("no series can be forecast: " + _reasons(prepared), hint="Pull a longer window.")
    problem, out = _problem(prepared, horizon, link, kinds)
    folds = FOLDS if chosen.batched else FOLDS_EACH
    cutoffs = fold_cutoffs(len(problem.values), horizon=horizon, seasons=problem.seasons, folds=folds)
    bins = _ahead_bins(problem, (*cutoffs, len(problem.values)))
    work = _Work(chosen, model == AUTO, cutoffs, probes(horizon, problem.seasons), bins)
    pilots = _pilots(kinds) if isinstance(chosen, Fleet) else np.arange(problem.series)
    if progress is not None:
        progress(0, problem.series, f"forecasting {problem.series} series")
    with blas().limit(limits=1, user_api="blas"):
        first = _part(work, _some(problem, pilots), None)
        parts, (copulas, odds, reliability) = _rest(work, problem, first, problem.kinds[pilots], seed, progress)
    if progress is not None:
        progress(problem.series, problem.series, f"forecasting {problem.series} series")
    law = replace(_law(prepared, problem, parts, copulas, link, seed), odds=odds)
    return Fit(
        law,
        tuple(name for part in parts for name in part.models),
        _told((note for part in parts for note in part.notes), out),
        {name: np.concatenate([part.scores[name] for part in parts]) for name in parts[0].scores},
        np.concatenate([part.since for part in parts]),
        len(problem.values) - cutoffs[0] if cutoffs else 0,
        reliability,
    )


def _pilots(kinds: IntArray) -> IntArray:
    """Series from which a kind's others learn: all, or `PILOTS` spread evenly over it; ascending."""
    chosen = []
    for kind in np.unique(kinds):
        own = np.flatnonzero(kinds == kind)
        chosen.append(own if len(own) <= PILOTS else own[np.arange(PILOTS) * len(own) // PILOTS])
    return np.sort(np.concatenate(chosen))


def _some(problem: Problem, columns: IntArray | slice) -> Problem:
    return replace(problem, values=np.ascontiguousarray(problem.values[:, columns]), kinds=problem.kinds[columns])


def _rest(
    work: _Work, problem: Problem, first: _Part, kinds: IntArray, seed: int, progress: Progress | None
) -> tuple[list[_Part], _Together]:
    """Fit what the pilots leave block by block, and beside it how the pilots' errors hang together."""
    if len(kinds) == problem.series:
        return [first], _together(first, problem, kinds, seed)
    where, parts = threads.blocks(problem.series, BLOCK), []
    with ThreadPoolExecutor(1) as beside:
        together = beside.submit(_together, first, problem, kinds, seed)
        fitted = threads.each(lambda one: _part(work, _some(problem, one), first.taught), where)
        for place, part in zip(where, fitted, strict=True):
            parts.append(part)
            if progress is not None:
                progress(place.stop, problem.series, f"forecasting {problem.series} series")
    return parts, together.result()


def _part(work: _Work, problem: Problem, taught: _Taught | None) -> _Part:
    """Fit one block: points, choice, calibration."""
    cutoffs, steps, rows = work.cutoffs, work.steps, len(problem.values)
    every = (*cutoffs, rows)
    pool: Pool = {} if taught is None else taught.pool
    if isinstance(work.model, Fleet):
        trial = work.model.trial(problem, every, steps=steps, pool=pool)
        folds, answer = trial.folds, trial.final
    else:
        answer = work.model.points(problem, every)
        folds = answer.points[:-1, steps - 1]
    naive = _Naive(problem)
    errors = fold_errors(problem, folds, cutoffs, steps=steps)
    naive_errors = fold_errors(
        problem, np.stack([naive.at(cutoff, steps) for cutoff in every])[:-1], cutoffs, steps=steps
    )
    points, names, notes = answer.points[-1], [work.model.name] * problem.series, list(answer.notes)
    if work.auto:
        lost = _loses(errors, naive_errors)
        errors = np.where(lost, naive_errors, errors)
        points = np.where(lost, naive.at(rows, np.arange(1, problem.horizon + 1)), points)
        names = ["naive" if gone else name for gone, name in zip(lost, names, strict=True)]
        notes = [_fallback(gone, note, naive.note) for gone, note in zip(lost, notes, strict=True)]
    noise = in_sample(problem)
    calibration = calibrate(
        _settled(errors, answer.since, cutoffs, steps),
        steps=steps,
        horizon=problem.horizon,
        noise=noise.size,
        daily=noise.at(work.bins[:-1, steps - 1]),
        ahead=noise.at(work.bins[-1]),
        kinds=problem.kinds,
        day=problem.seasons.steps(86_400),
        tested=rows - cutoffs[0] if cutoffs else 0,
        learnt=None if taught is None else taught.learnt,
    )
    scale = _widened(calibration, answer, problem.horizon)
    scores = _scores(errors, naive_errors, noise, calibration)
    since = np.zeros(problem.series, dtype=np.int64) if answer.since is None else answer.since
    folded = None if taught is not None else _folded(work, problem, errors, calibration, noise)
    return _Part(points, scale, calibration, names, notes, scores, _Taught(pool, calibration.learnt), since, folded)


def _folded(work: _Work, problem: Problem, errors: FloatArray, calibration: Calibration, noise: Noise) -> Folded | None:
    """Return what the folds forecast, and what came; None without folds."""
    if not work.cutoffs:
        return None
    rows, steps = len(problem.values), work.steps
    at = np.array(work.cutoffs)[:, None] + steps - 1
    came = np.where(np.isfinite(calibration.standardised), problem.values[np.minimum(at, rows - 1)], np.nan)
    return Folded(
        came=came,
        centre=came - errors,
        spread=calibration.sizes * noise.at(work.bins[:-1, steps - 1]),
        shape=calibration.shape,
        segment=calibration.segment[steps - 1],
        steps=steps,
        kinds=problem.kinds,
        windows=(rows - work.cutoffs[0]) / problem.horizon,
    )


def _problem(prepared: Prepared, horizon: int, link: Link, kinds: IntArray) -> tuple[Problem, IntArray]:
    """Return what models are given, and how many samples of each series are an outage."""
    grid = seasons(prepared.step, len(prepared.frame))
    whole = without_outages(prepared.values, grid)
    out = np.isnan(whole).sum(axis=0) - np.isnan(prepared.values).sum(axis=0)
    return Problem(link.forward(whole), prepared.frame.index, horizon, grid, kinds), out  # type: ignore[arg-type]


def _told(notes: Iterable[str], out: IntArray) -> tuple[str, ...]:
    """Add to the notes what was left out."""
    said = zip(notes, out, strict=True)
    return tuple(f"{note}, without {count} zeros that are an outage" if count else note for note, count in said)


def _reasons(prepared: Prepared) -> str:
    said = [f"{one.series}: {one.reason} ({one.detail})" for one in prepared.skipped[:3]]
    more = len(prepared.skipped) - len(said)
    return "; ".join(said) + (f"; and {more} more." if more else ".")


class _Naive:
    """Seasonal naive of a block, gaps filled once for all cutoffs."""

    def __init__(self, problem: Problem) -> None:
        self.lag = problem.seasons.lag
        self.held = filled(problem.values, lag=self.lag)
        season = {problem.seasons.week: "the last week", problem.seasons.day: "the last day"}
        self.note = f"{season.get(self.lag, 'the last value')} repeated"

    def at(self, cutoff: int, steps: IntArray) -> FloatArray:
        """Repeat the last season before the cutoff, shape (step, series)."""
        last = self.held[max(0, cutoff - self.lag) : cutoff]
        return np.asarray(last[(steps - 1) % len(last)])


def _loses(errors: FloatArray, naive: FloatArray) -> npt.NDArray[np.bool_]:
    """Which series seasonal naive forecasts better, every stretch of the horizon counting alike."""
    ratio = np.log(_stretches(errors) + 1e-300) - np.log(_stretches(naive) + 1e-300)
    seen = np.isfinite(ratio)
    mean = np.where(seen, ratio, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    return np.asarray(mean > np.log(NAIVE_MARGIN))


def _stretches(errors: FloatArray) -> FloatArray:
    """Mean absolute error over quarters of the horizon, shape (quarter, series)."""
    parts = np.array_split(np.abs(errors), min(4, errors.shape[1]), axis=1)
    return np.stack([_nanmean(part, (0, 1)) for part in parts])


def _nanmean(values: FloatArray, axis: int | tuple[int, ...]) -> FloatArray:
    seen = np.isfinite(values)
    count = seen.sum(axis=axis)
    total = np.where(seen, values, 0.0).sum(axis=axis)
    return np.asarray(np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0), dtype=float)


def _fallback(gone: bool, note: str, other: str) -> str:
    return f"{other}, because on the folds it was better than the fleet model" if gone else note


def _settled(errors: FloatArray, since: IntArray | None, cutoffs: Sequence[int], steps: IntArray) -> FloatArray:
    """Leave out what folds from before a jump say of the time after it."""
    if since is None or not since.any():
        return errors
    out = errors.copy()
    for fold, cutoff in enumerate(cutoffs):
        out[fold][(cutoff < since) & ((cutoff + steps - 1)[:, None] >= since)] = np.nan
    return out


def _ahead_bins(problem: Problem, cutoffs: Sequence[int]) -> IntArray:
    """Bin of every instant ahead of every cutoff, shape (cutoff, horizon)."""
    step = problem.times[1] - problem.times[0]
    longest = pd.date_range(problem.times[0], periods=len(problem.values) + problem.horizon, freq=step, unit="us")
    bins = phases(longest, problem.seasons.step_s)
    return np.stack([bins[cutoff : cutoff + problem.horizon] for cutoff in cutoffs])


def _widened(calibration: Calibration, answer: Answer, horizon: int) -> FloatArray:
    """Add to the scale what no fold could see: doubt of a young climb, and the trend's past the folds' reach."""
    scale = calibration.scale
    if answer.unsure is not None:
        scale = np.hypot(scale, answer.unsure)
    if answer.drift is not None:
        beyond = np.maximum(np.arange(1, horizon + 1) - calibration.reach, 0)[:, None]
        scale = np.hypot(scale, beyond * answer.drift)
    return scale


def _together(first: _Part, problem: Problem, kinds: IntArray, seed: int) -> _Together:
    """Learn from the pilots how the errors of a kind hang together, and what the chances drawn so are worth."""
    learnt = first.calibration
    copulas = tuple(
        fit_copula(learnt.standardised[:, :, kinds == kind], seasons=problem.seasons, steps=learnt.steps)
        for kind in range(int(kinds.max()) + 1)
    )
    if first.folded is None:
        return copulas, (), np.zeros((BINS, 3))
    return copulas, *recalibrated(copulas, first.folded, horizon=problem.horizon, seed=seed)


def _law(
    prepared: Prepared, problem: Problem, parts: list[_Part], copulas: tuple[Copula, ...], link: Link, seed: int
) -> Law:
    return Law(
        np.concatenate([part.points for part in parts], axis=1),
        np.concatenate([part.scale for part in parts], axis=1),
        np.concatenate([part.calibration.shape for part in parts]),
        parts[0].calibration.segment,
        link,
        problem.kinds,
        copulas,
        tuple(repr(tuple(column)) for column in prepared.frame.columns),
        seed,
    )


def _scores(errors: FloatArray, naive: FloatArray, noise: Noise, calibration: Calibration) -> dict[str, FloatArray]:
    """Scores of the folds, per series; the unit of errors is the in-sample error of seasonal naive."""
    unit = np.where(noise.size > 0, noise.size, np.nan)
    segment = calibration.segment[calibration.steps - 1]
    ends = shape_at(calibration.shape, np.array([0.1, 0.9]))[:, segment]
    within = (calibration.standardised >= ends[:, :, 0].T) & (calibration.standardised <= ends[:, :, 1].T)
    seen = np.isfinite(calibration.standardised)
    return {
        "mase": _nanmean(np.abs(errors), (0, 1)) / unit,
        "naive_mase": _nanmean(np.abs(naive), (0, 1)) / unit,
        "coverage80": _nanmean(np.where(seen, within, np.nan), (0, 1)),
        "bias": _nanmean(errors, (0, 1)) / unit,
        "folds": np.isfinite(errors).any(axis=1).sum(axis=0).astype(float),
    }
