"""Whom to believe: weights of candidates per series and stretch of the horizon, from errors that were known in time.

For the cutoff of a fold only what had been seen by that cutoff counts: the errors of earlier folds, up to it. So the
errors of the blend are those of a forecast that could have been made, and calibrating on them is honest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from capacity.grids import DAY_S, Seasons
from capacity.models.base import FloatArray
from capacity.models.fleet_descent import Descent
from capacity.models.fleet_fit import Float32

__all__ = ["Ledger", "Lesson", "Pool", "blend", "stretches", "strongest"]

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# Where a stretch of the horizon ends, in days: a quarter day, two days, a week, four weeks, and all beyond.
ENDS_DAYS = (0.25, 2.0, 7.0, 28.0)
# A candidate twice as wrong as another has 2**-SHARPNESS of its weight.
SHARPNESS = 7.0
# Folds' worth of belief in the kind's average, in all candidates alike within it, and in what candidates begin with.
KIND_PRIOR = 2.0
EVEN_PRIOR = 0.5
CANDIDATE_PRIOR = 1.0
# How far a climb is believed before any fold since it began has spoken, and how many folds halve that.
CLIMB_BELIEF = 0.95
CLIMB_FOLDS = 4.0


class Lesson(NamedTuple):
    """What kinds have taught by a cutoff, both (stretch, candidate, kind): log errors, and moves of log weights."""

    errors: Float32
    moves: Float32


# By cutoff.
Pool = dict[int, Lesson]


def stretches(grid: Seasons, horizon: int) -> IntArray:
    """Return the ends of the stretches in steps ahead, the last one at the horizon."""
    ends = [grid.steps(days * DAY_S) for days in ENDS_DAYS]
    inside = sorted({end for end in ends if end < horizon})
    return np.array([*inside, horizon], dtype=np.int64)


class Ledger:
    """Keeps every candidate's errors by fold and stretch, and weighs candidates by those known at a cutoff.

    Parameters
    ----------
    ends : ndarray of int
        Of the stretches, in steps ahead.
    steps : ndarray of int
        Steps ahead at which forecasts are recorded.
    kinds : ndarray of int, shape (series,)
    prior : ndarray, shape (candidate,)
        Log error, relative to the average candidate's, to begin with.
    cutoffs : ndarray of int
        All at which errors will be recorded or weights asked for.
    pool : dict
        What kinds have taught by each cutoff. Empty, it is filled from these series; filled, it is used, so that a
        series' weights do not depend on which others are at hand.
    """

    def __init__(
        self,
        ends: IntArray,
        steps: IntArray,
        kinds: IntArray,
        prior: FloatArray,
        cutoffs: IntArray,
        pool: Pool,
    ) -> None:
        self.prior = prior.astype(np.float32)
        self.ends = ends
        self.kinds = kinds
        self.pool = pool
        self.steps = steps
        self.cutoffs = cutoffs
        self.high = np.searchsorted(steps, ends, side="right")
        self.low = np.concatenate([[0], self.high[:-1]])
        self._running: list[tuple[int, IntArray, Float32, Float32]] = []
        self._descent = None if pool else Descent(self.low, self.high, steps, kinds)

    def add(self, cutoff: int, forecasts: Float32, truth: Float32, size: FloatArray) -> None:
        """Record the forecasts (candidate, step, series) of a cutoff against ``truth`` (step, series), in ``size``.

        What is not known yet, or never, is NaN.
        """
        if self._descent is not None:
            self._descent.add(cutoff, forecasts, truth, size)
        seen = np.isfinite(truth)
        # Sums are kept at the ends of stretches, and where a later cutoff stands: nothing else is asked for.
        marks = np.unique([*self.high, *np.searchsorted(self.steps, self.cutoffs - cutoff, side="right")])
        marks = np.concatenate([[0], marks[(marks > 0) & (marks <= len(self.steps))]])
        total = np.empty((len(marks), len(forecasts), len(size)), dtype=np.float32)
        until = (np.arange(len(self.steps)) < marks[:, None]).astype(np.float32)
        known, whole = np.where(seen, truth, np.float32(0)), bool(seen.all())
        wrong = np.empty_like(known)
        for place, one in enumerate(forecasts):
            # One candidate at a time: what is worked on stays in the processor's cache.
            np.abs(np.subtract(one, known, out=wrong), out=wrong)
            if not whole:
                wrong *= seen
            total[:, place] = until @ wrong
        total *= size.astype(np.float32)
        self._running.append((cutoff, marks, total, until @ seen.astype(np.float32)))

    def weights(self, cutoff: int, *, since: IntArray, climbing: BoolArray, climb: int) -> Float32:
        """Weigh the candidates at a cutoff; shape (stretch, candidate, series), a sum of 1 over candidates.

        ``since`` is the row at which each series' present regime began. Of a ``climbing`` series folds before it do not
        count, and the candidate ``climb`` is believed until folds since have had their say. A jump says nothing of what
        came before it, so folds that ended by then count as well, and only those that it fell into do not.
        """
        candidates, series = len(self.prior), len(self.kinds)
        score = np.zeros((len(self.ends), candidates, series), dtype=np.float32)
        folds = np.zeros((len(self.ends), 1, series), dtype=np.float32)
        for origin, marks, total, count in self._running:
            known = int(np.searchsorted(self.steps, cutoff - origin, side="right"))
            low, high = np.minimum(self.low, known), np.minimum(self.high, known)
            some = np.flatnonzero(high > low)
            if not len(some):
                continue
            covered = ((high - low)[some] / (self.high - self.low)[some]).astype(np.float32)
            low, high = np.searchsorted(marks, low[some]), np.searchsorted(marks, high[some])
            samples = count[high] - count[low]
            last = origin + self.steps[np.minimum(self.high, known)[some] - 1]
            told = (origin >= since) | (~climbing & (last[:, None] <= since))
            share = ((samples > 0) & told) * covered[:, None]
            score[some] += (total[high] - total[low]) * (share / np.maximum(samples, 1))[:, None]
            folds[some, 0] += share
        score /= np.maximum(folds, np.float32(1e-12))
        weights = self._moved(cutoff, _softmax(self._shrunk(cutoff, score, folds)), since)
        belief = np.where(climbing, CLIMB_BELIEF * CLIMB_FOLDS / (CLIMB_FOLDS + folds), 0.0).astype(np.float32)
        weights *= 1 - belief
        weights[:, climb] += belief[:, 0]
        return weights

    def _moved(self, cutoff: int, weights: Float32, since: IntArray) -> Float32:
        """Move weights as the kind's blend asks for."""
        if self._descent is not None:
            self.pool[cutoff] = Lesson(self.pool[cutoff].errors, self._descent.moves(cutoff, weights, since))
        weights *= np.exp(self.pool[cutoff].moves[:, :, self.kinds])
        return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)

    def _shrunk(self, cutoff: int, mean: Float32, folds: Float32) -> Float32:
        """Log errors relative to the candidates' average, shrunk towards the kind's; unseen stretches borrow."""
        level = mean.mean(axis=1, keepdims=True)
        relative = np.log(np.maximum(mean, 1e-6 * level) / np.where(level > 0, level, np.float32(1)) + 1e-12)
        relative *= (folds > 0) & (level > 0)
        if cutoff not in self.pool:
            errors = self._pooled(relative, folds)
            self.pool[cutoff] = Lesson(errors, np.zeros_like(errors))
        fleet = self.pool[cutoff].errors[:, :, self.kinds]
        prior = self.prior[None, :, None]
        shrunk = (folds * relative + KIND_PRIOR * fleet + CANDIDATE_PRIOR * prior) / (
            folds + KIND_PRIOR + CANDIDATE_PRIOR
        )
        for place in range(1, len(shrunk)):
            trust = np.minimum(folds[place], 1.0)
            shrunk[place] = trust * shrunk[place] + (1 - trust) * shrunk[place - 1]
        return np.asarray(shrunk, dtype=np.float32)

    def _pooled(self, relative: Float32, folds: Float32) -> Float32:
        """Average log errors of each kind, shape (stretch, candidate, kind)."""
        parts = []
        for kind in range(int(self.kinds.max()) + 1):
            own = self.kinds == kind
            weight = folds[:, :, own]
            parts.append((weight * relative[:, :, own]).sum(axis=2) / (weight.sum(axis=2) + EVEN_PRIOR))
        return np.stack(parts, axis=2).astype(np.float32)


def _softmax(relative: Float32) -> Float32:
    power = np.exp(-SHARPNESS * (relative - relative.min(axis=1, keepdims=True)))
    return np.asarray(power / power.sum(axis=1, keepdims=True), dtype=np.float32)


def blend(weights: Float32, forecasts: Float32, ends: IntArray, steps: IntArray) -> Float32:
    """Blend (candidate, step, series) by weights (stretch, candidate, series), smoothly from stretch to stretch."""
    starts = np.concatenate([[0], ends[:-1]])
    centre = np.log(np.sqrt((starts + 1.0) * ends))
    share = np.stack([np.interp(np.log(steps), centre, unit) for unit in np.eye(len(ends))]).astype(np.float32)
    out = np.zeros(forecasts.shape[1:], dtype=np.float32)
    for place, part in enumerate(share):
        used = np.flatnonzero(part)
        if len(used):
            rows = slice(used[0], used[-1] + 1)
            out[rows] += part[rows, None] * np.einsum("chs,cs->hs", forecasts[:, rows], weights[place])
    return out


def strongest(weights: Float32, names: Sequence[str], *, most: int = 2) -> tuple[str, ...]:
    """Name the candidates that weigh most over all stretches, one text a series."""
    mean = weights.mean(axis=0)
    order = np.argsort(-mean, axis=0, kind="stable")[:most]
    return tuple(
        " + ".join(f"{names[place]} ({100 * mean[place, column]:.0f} %)" for place in order[:, column])
        for column in range(mean.shape[1])
    )
