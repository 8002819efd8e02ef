"""Rolling-origin folds: the same history, cut earlier, forecast, and compared with what then came.

::

    rows     ├──────────────────────────────────────────┤ cutoff of the forecast
    fold 1   ├── seen ──┤········ ahead ················
    fold 2   ├───── seen ─────┤········ ahead ··········
    fold 3   ├──────── seen ────────┤········ ahead ····┤

A fold looks as far ahead as the horizon or the rows allow; late folds see a short way, early ones a long way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capacity.grids import DAY_S, Seasons, phases
from capacity.models.base import Problem

__all__ = ["Noise", "fold_cutoffs", "fold_errors", "in_sample"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# A series' own fold counts when it had seen this many samples, and this share of its span, by then.
MIN_SEEN = 24
MIN_SEEN_SHARE = 0.15
# The first fold sees this share of the rows, so that the furthest steps ahead are seen at least once.
FIRST_SHARE = 0.25


def fold_cutoffs(rows: int, *, horizon: int, seasons: Seasons, folds: int) -> tuple[int, ...]:
    """Return the folds' cutoffs as counts of visible rows, ascending; none where the history allows none."""
    least = max(MIN_SEEN, min(2 * seasons.lag, rows // 2))
    first = max(least, round(FIRST_SHARE * rows), min(rows - horizon, rows - 4 * horizon))
    last = rows - max(1, min(horizon, seasons.steps(DAY_S), rows // 10))
    if last < first:
        return ()
    return tuple(int(cut) for cut in np.unique(np.linspace(first, last, folds).round()))


def fold_errors(problem: Problem, points: FloatArray, cutoffs: Sequence[int], *, steps: IntArray) -> FloatArray:
    """Return truth less points, both (fold, step, series); NaN without a truth, or where a fold had seen too little."""
    rows = len(problem.values)
    errors = np.full((len(cutoffs), len(steps), problem.series), np.nan)
    seen = np.isfinite(problem.values)
    first = np.where(seen.any(axis=0), seen.argmax(axis=0), rows)
    for fold, cutoff in enumerate(cutoffs):
        known = steps[cutoff + steps <= rows]
        errors[fold, : len(known)] = problem.values[cutoff + known - 1] - points[fold, : len(known)]
        enough = (seen[:cutoff].sum(axis=0) >= MIN_SEEN) & (cutoff - first >= MIN_SEEN_SHARE * (rows - first))
        errors[fold][:, ~enough] = np.nan
    return errors


@dataclass(frozen=True)
class Noise:
    """In-sample noise: its size per series, and its relative size per time of day, shape (bin, series)."""

    size: FloatArray
    relative: FloatArray

    def at(self, bins: IntArray) -> FloatArray:
        """Relative size at instants of given bins; shape (…, series)."""
        return self.relative[bins]


# Pseudo-samples that hold a time of day's relative noise near 1.
DAILY_PRIOR = 8.0


def in_sample(problem: Problem) -> Noise:
    """Measure how far samples are from the one a season before, in all and by time of day.

    A series too young for the longest season is measured by a shorter one.
    """
    apart = _season_apart(problem)
    size = _mean(apart)
    bounded = np.minimum(apart, 6 * np.where(size > 0, size, np.inf))
    bins = phases(problem.times, problem.seasons.step_s)
    order = np.argsort(bins, kind="stable")
    present, starts = np.unique(bins[order], return_index=True)
    seen = np.isfinite(bounded)[order]
    count = np.add.reduceat(seen, starts, axis=0, dtype=float)
    total = np.add.reduceat(np.where(seen, bounded[order], 0.0), starts, axis=0) / np.where(size > 0, size, 1.0)
    relative = np.ones((24, problem.series))
    relative[present] = np.where(size > 0, (total + DAILY_PRIOR) / (count + DAILY_PRIOR), 1.0)
    return Noise(size, relative)


def _season_apart(problem: Problem) -> FloatArray:
    """Absolute difference from a season before, by series the longest season that is known often enough."""
    lags = [lag for lag in (problem.seasons.week, problem.seasons.day) if lag and len(problem.values) > lag + 8]
    found, known = np.empty(problem.values.shape), np.zeros(problem.series, dtype=bool)
    for lag in (*lags, 1):
        apart = _apart(problem.values, lag)
        found = np.where(known, found, apart) if known.any() else apart
        known |= np.isfinite(apart).sum(axis=0) >= MIN_SEEN
        if known.all():
            break
    return found


def _apart(values: FloatArray, lag: int) -> FloatArray:
    """Absolute difference from ``lag`` rows before; NaN in the first rows."""
    apart = np.full_like(values, np.nan)
    apart[lag:] = np.abs(values[lag:] - values[:-lag])
    return apart


def _mean(apart: FloatArray) -> FloatArray:
    return np.asarray(np.nansum(apart, axis=0) / np.maximum(np.isfinite(apart).sum(axis=0), 1), dtype=float)
