"""What the shell does with a model: folds, choice, calibration, law."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.calibration import Calibration, calibrate
from capacity.copula import fit_copula
from capacity.errors import HistoryTooShort
from capacity.folds import Noise, fold_cutoffs, fold_errors, in_sample
from capacity.grids import phases, seasons
from capacity.links import Link
from capacity.models import AUTO, load_model
from capacity.models.base import Answer, Model, Problem
from capacity.paths import Law, shape_at
from capacity.prepare import Prepared

__all__ = ["Fit", "fit"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Progress = Callable[[int, int, str], object]

# A batched model's folds cost little; a per-series model pays a fit for each.
FOLDS = 10
FOLDS_EACH = 4
# The fleet model stays unless seasonal naive was better by more than folds can be wrong about.
NAIVE_MARGIN = 1.02


@dataclass(frozen=True)
class Fit:
    """A fitted fleet: its law, and per series the model used, notes and scores."""

    law: Law
    models: tuple[str, ...]
    notes: tuple[str, ...]
    scores: Mapping[str, FloatArray]


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
    """Fit ``model`` to a prepared history; see `capacity.forecast.forecast`."""
    chosen = load_model("fleet" if model == AUTO else model)
    if not prepared.frame.shape[1]:
        raise HistoryTooShort("no series can be forecast: " + _reasons(prepared), hint="Pull a longer window.")
    problem = _problem(prepared, horizon, link, kinds)
    folds = FOLDS if chosen.batched else FOLDS_EACH
    cutoffs = fold_cutoffs(len(problem.values), horizon=horizon, seasons=problem.seasons, folds=folds)
    answer = _run(chosen, problem, cutoffs, progress)
    errors = fold_errors(problem, answer, cutoffs)
    naive = load_model("naive").points(problem, (*cutoffs, len(problem.values)))
    naive_errors = fold_errors(problem, naive, cutoffs)
    points, names, notes = answer.points[-1], [chosen.name] * problem.series, list(answer.notes)
    if model == AUTO:
        lost = _loses(errors, naive_errors)
        errors = np.where(lost, naive_errors, errors)
        points = np.where(lost, naive.points[-1], points)
        names = ["naive" if gone else name for gone, name in zip(lost, names, strict=True)]
        notes = [_fallback(gone, note, other) for gone, note, other in zip(lost, notes, naive.notes, strict=True)]
    noise = in_sample(problem)
    calibration = _calibrate(problem, _settled(errors, answer.since, cutoffs), noise, cutoffs)
    law = _law(prepared, problem, points, calibration, link, seed, answer)
    return Fit(law, tuple(names), tuple(notes), _scores(errors, naive_errors, noise, calibration))


def _problem(prepared: Prepared, horizon: int, link: Link, kinds: IntArray) -> Problem:
    values = link.forward(prepared.values)
    grid = seasons(prepared.step, len(values))
    return Problem(values, prepared.frame.index, horizon, grid, kinds)  # type: ignore[arg-type]


def _reasons(prepared: Prepared) -> str:
    said = [f"{one.series}: {one.reason} ({one.detail})" for one in prepared.skipped[:3]]
    more = len(prepared.skipped) - len(said)
    return "; ".join(said) + (f"; and {more} more." if more else ".")


def _run(model: Model, problem: Problem, cutoffs: Sequence[int], progress: Progress | None) -> Answer:
    if progress is not None:
        progress(0, 1, f"forecasting {problem.series} series")
    answer = model.points(problem, (*cutoffs, len(problem.values)))
    if progress is not None:
        progress(1, 1, f"forecasting {problem.series} series")
    return answer


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


def _settled(errors: FloatArray, since: IntArray | None, cutoffs: Sequence[int]) -> FloatArray:
    """Leave out what folds from before a jump say of the time after it."""
    if since is None or not since.any():
        return errors
    out = errors.copy()
    for fold, cutoff in enumerate(cutoffs):
        target = cutoff + np.arange(errors.shape[1])[:, None]
        out[fold][(cutoff < since) & (target >= since)] = np.nan
    return out


def _calibrate(problem: Problem, errors: FloatArray, noise: Noise, cutoffs: Sequence[int]) -> Calibration:
    bins = _ahead_bins(problem, (*cutoffs, len(problem.values)))
    return calibrate(
        errors,
        noise=noise.size,
        daily=noise.at(bins[:-1]),
        ahead=noise.at(bins[-1]),
        kinds=problem.kinds,
        day=problem.seasons.steps(86_400),
        tested=len(problem.values) - cutoffs[0] if cutoffs else 0,
    )


def _ahead_bins(problem: Problem, cutoffs: Sequence[int]) -> IntArray:
    """Bin of every instant ahead of every cutoff, shape (cutoff, horizon)."""
    step = problem.times[1] - problem.times[0]
    longest = pd.date_range(problem.times[0], periods=len(problem.values) + problem.horizon, freq=step, unit="us")
    bins = phases(longest, problem.seasons.step_s)
    return np.stack([bins[cutoff : cutoff + problem.horizon] for cutoff in cutoffs])


def _law(
    prepared: Prepared,
    problem: Problem,
    points: FloatArray,
    calibration: Calibration,
    link: Link,
    seed: int,
    answer: Answer,
) -> Law:
    scale = calibration.scale
    if answer.unsure is not None:
        scale = np.hypot(scale, answer.unsure)
    if answer.drift is not None:
        beyond = np.maximum(np.arange(1, problem.horizon + 1) - calibration.reach, 0)[:, None]
        scale = np.hypot(scale, beyond * answer.drift)
    copulas = tuple(
        fit_copula(calibration.standardised[:, :, problem.kinds == kind], seasons=problem.seasons)
        for kind in range(int(problem.kinds.max()) + 1)
    )
    keys = tuple(repr(tuple(column)) for column in prepared.frame.columns)
    return Law(points, scale, calibration.shape, calibration.segment, link, problem.kinds, copulas, keys, seed)


def _scores(errors: FloatArray, naive: FloatArray, noise: Noise, calibration: Calibration) -> dict[str, FloatArray]:
    """Scores of the folds, per series; the unit of errors is the in-sample error of seasonal naive."""
    unit = np.where(noise.size > 0, noise.size, np.nan)
    ends = shape_at(calibration.shape, np.array([0.1, 0.9]))[:, calibration.segment]
    within = (calibration.standardised >= ends[:, :, 0].T) & (calibration.standardised <= ends[:, :, 1].T)
    seen = np.isfinite(calibration.standardised)
    return {
        "mase": _nanmean(np.abs(errors), (0, 1)) / unit,
        "naive_mase": _nanmean(np.abs(naive), (0, 1)) / unit,
        "coverage80": _nanmean(np.where(seen, within, np.nan), (0, 1)),
        "bias": _nanmean(errors, (0, 1)) / unit,
        "folds": np.isfinite(errors).any(axis=1).sum(axis=0).astype(float),
    }
