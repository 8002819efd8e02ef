"""Whom to believe: weights of candidates per series and stretch of the horizon, from errors that were known in time.

For the cutoff of a fold only what had been seen by that cutoff counts: the errors of earlier folds, up to it. So the
errors of the blend are those of a forecast that could have been made, and calibrating on them is honest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from capacity.grids import DAY_S, Seasons
from capacity.models.base import FloatArray

__all__ = ["Ledger", "stretches"]

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# Where a stretch of the horizon ends, in days: a quarter day, two days, a week, four weeks, and all beyond.
ENDS_DAYS = (0.25, 2.0, 7.0, 28.0)
# A candidate twice as wrong as another has 2**-SHARPNESS of its weight.
SHARPNESS = 5.0
# Folds' worth of belief in the kind's average, in all candidates alike within it, and in what candidates begin with.
KIND_PRIOR = 2.0
EVEN_PRIOR = 0.5
CANDIDATE_PRIOR = 2.0
# How far a climb is believed before any fold since it began has spoken, and how many folds halve that.
CLIMB_BELIEF = 0.95
CLIMB_FOLDS = 4.0


def stretches(grid: Seasons, horizon: int) -> IntArray:
    """Return the ends of the stretches in steps ahead, the last one at the horizon."""
    ends = [grid.steps(days * DAY_S) for days in ENDS_DAYS]
    inside = sorted({end for end in ends if end < horizon})
    return np.array([*inside, horizon], dtype=np.int64)


class Ledger:
    """Keeps every candidate's errors by fold and stretch, and weighs candidates by those known at a cutoff.

    ``prior`` is the log error, relative to the average candidate's, to begin with, one a candidate.
    """

    def __init__(self, ends: IntArray, kinds: IntArray, prior: FloatArray) -> None:
        self.prior = prior
        self.ends = ends
        self.starts = np.concatenate([[0], ends[:-1]])
        self.kinds = kinds
        self._running: list[tuple[int, FloatArray, FloatArray]] = []

    def add(self, cutoff: int, forecasts: FloatArray, truth: FloatArray) -> None:
        """Record the forecasts (candidate, horizon, series) of a cutoff against ``truth`` (known, series)."""
        known = min(len(truth), forecasts.shape[1])
        seen = np.isfinite(truth[:known])
        wrong = np.where(seen, np.abs(forecasts[:, :known] - np.where(seen, truth[:known], 0.0)), 0.0)
        zero = np.zeros((wrong.shape[0], 1, wrong.shape[2]))
        total = np.concatenate([zero, np.cumsum(wrong, axis=1)], axis=1)
        count = np.concatenate([zero[0], np.cumsum(seen, axis=0)])
        self._running.append((cutoff, total, count))

    def weights(self, cutoff: int, *, since: IntArray, climbing: BoolArray, climb: int) -> FloatArray:
        """Weigh the candidates at a cutoff; shape (stretch, candidate, series), a sum of 1 over candidates.

        ``since`` is the row at which each series' present regime began: folds before it do not count. Of a
        ``climbing`` series the candidate ``climb`` is believed until folds since have had their say.
        """
        candidates, series = len(self.prior), len(self.kinds)
        score = np.zeros((len(self.ends), candidates, series))
        folds = np.zeros((len(self.ends), 1, series))
        for origin, total, count in self._running:
            known = min(max(cutoff - origin, 0), len(count) - 1)
            low = np.minimum(self.starts, known)
            high = np.minimum(self.ends, known)
            samples = count[high] - count[low]
            mean = (total[:, high] - total[:, low]).transpose(1, 0, 2) / np.maximum(samples, 1)[:, None]
            covered = (high - low) / (self.ends - self.starts)
            counts = (samples > 0) & (origin >= since)
            share = np.where(counts, covered[:, None], 0.0)[:, None]
            score += share * mean
            folds += share
        weights = _softmax(self._shrunk(score / np.maximum(folds, 1e-12), folds))
        belief = np.where(climbing, CLIMB_BELIEF * CLIMB_FOLDS / (CLIMB_FOLDS + folds), 0.0)
        weights *= 1 - belief
        weights[:, climb] += belief[:, 0]
        return weights

    def _shrunk(self, mean: FloatArray, folds: FloatArray) -> FloatArray:
        """Log errors relative to the candidates' average, shrunk towards the kind's; unseen stretches borrow."""
        level = mean.mean(axis=1, keepdims=True)
        relative = np.log(np.maximum(mean, 1e-6 * level) / np.where(level > 0, level, 1.0) + 1e-12)
        relative = np.where((folds > 0) & (level > 0), relative, 0.0)
        shrunk = np.zeros_like(relative)
        prior = self.prior[None, :, None]
        for kind in np.unique(self.kinds):
            own = self.kinds == kind
            weight = folds[:, :, own]
            fleet = (weight * relative[:, :, own]).sum(axis=2, keepdims=True) / (
                weight.sum(axis=2, keepdims=True) + EVEN_PRIOR
            )
            shrunk[:, :, own] = (weight * relative[:, :, own] + KIND_PRIOR * fleet + CANDIDATE_PRIOR * prior) / (
                weight + KIND_PRIOR + CANDIDATE_PRIOR
            )
        for place in range(1, len(shrunk)):
            trust = np.minimum(folds[place], 1.0)
            shrunk[place] = trust * shrunk[place] + (1 - trust) * shrunk[place - 1]
        return shrunk


def _softmax(relative: FloatArray) -> FloatArray:
    power = np.exp(-SHARPNESS * (relative - relative.min(axis=1, keepdims=True)))
    return np.asarray(power / power.sum(axis=1, keepdims=True), dtype=float)


def blend(weights: FloatArray, forecasts: FloatArray, ends: IntArray) -> FloatArray:
    """Blend (candidate, horizon, series) by weights (stretch, candidate, series), smoothly from stretch to stretch."""
    horizon = forecasts.shape[1]
    starts = np.concatenate([[0], ends[:-1]])
    centre = np.log(np.sqrt((starts + 1.0) * ends))
    ahead = np.log(np.arange(1, horizon + 1))
    share = np.stack([np.interp(ahead, centre, unit) for unit in np.eye(len(ends))])
    out = np.zeros(forecasts.shape[1:])
    for place, part in enumerate(share):
        used = np.flatnonzero(part)
        if len(used):
            rows = slice(used[0], used[-1] + 1)
            out[rows] += part[rows, None] * np.einsum("chs,cs->hs", forecasts[:, rows], weights[place])
    return out


def strongest(weights: FloatArray, names: Sequence[str], *, most: int = 2) -> tuple[str, ...]:
    """Name the candidates that weigh most over all stretches, one text a series."""
    mean = weights.mean(axis=0)
    order = np.argsort(-mean, axis=0, kind="stable")[:most]
    return tuple(
        " + ".join(f"{names[place]} ({100 * mean[place, column]:.0f} %)" for place in order[:, column])
        for column in range(mean.shape[1])
    )
