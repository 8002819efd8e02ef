"""What candidates are worth together: a kind's blend is moved to where its fold errors become smaller.

Errors of single candidates do not tell how they err together: of five that are all too low, and one that is too high,
the one is worth most. So the weights of a kind are moved down the gradient of the blend's own mean absolute error, a
few multiplicative steps (exponentiated gradient: Kivinen & Warmuth 1997), the same for all of its series.
"""

from __future__ import annotations

import numpy as np

from capacity.models.base import FloatArray, IntArray
from capacity.models.fleet_fit import Float32

__all__ = ["Descent"]

# Steps down, and how far the first goes: the second half as far, the third a third.
STEPS = 8
RATE = 3.0
# Series' folds that halve it: with few there is more chance than gradient.
PRIOR = 10.0
# Series of a kind, and steps of a stretch, that are looked at.
MOST_SERIES = 64
MOST_STEPS = 16


class Descent:
    """Keeps the signed errors of candidates, and says by how much a kind's log weights should move.

    Parameters
    ----------
    low, high : ndarray of int, shape (stretch,)
        Where each stretch begins and ends among ``steps``.
    steps : ndarray of int
        Steps ahead at which errors are recorded.
    kinds : ndarray of int, shape (series,)
    """

    def __init__(self, low: IntArray, high: IntArray, steps: IntArray, kinds: IntArray) -> None:
        self.steps = steps
        self.places = [_spread(start, stop, MOST_STEPS) for start, stop in zip(low, high, strict=True)]
        chosen = [np.flatnonzero(kinds == kind) for kind in range(int(kinds.max()) + 1)]
        self.series = [own[_spread(0, len(own), MOST_SERIES)] for own in chosen]
        self._kept: list[tuple[int, list[list[Float32]]]] = []

    def add(self, cutoff: int, forecasts: Float32, truth: Float32, size: FloatArray) -> None:
        """Record forecasts (candidate, step, series) of a cutoff against ``truth`` (step, series), in ``size``."""
        kept: list[list[Float32]] = []
        for own in self.series:
            kept.append([])
            for places in self.places:
                known = truth[np.ix_(places, own)]
                wrong = forecasts[:, places][:, :, own] - known
                wrong = np.where(np.isfinite(known), wrong, np.float32(0)) * size[own].astype(np.float32)
                kept[-1].append(np.ascontiguousarray(wrong.transpose(2, 1, 0)))
        self._kept.append((cutoff, kept))

    def moves(self, cutoff: int, weights: Float32, since: IntArray) -> Float32:
        """Return what is to be added to log weights (stretch, candidate, series), shape (stretch, candidate, kind)."""
        out = np.zeros((*weights.shape[:2], len(self.series)), dtype=np.float32)
        for kind, own in enumerate(self.series):
            for stretch, places in enumerate(self.places):
                known = [
                    kept[kind][stretch][:, : int(np.searchsorted(self.steps[places], cutoff - origin, side="right"))]
                    * (origin >= since[own])[:, None, None]
                    for origin, kept in self._kept
                ]
                seen = [one for one in known if one.shape[1]]
                if seen:
                    errors = np.concatenate(seen, axis=1)
                    trust = len(own) * len(seen) / (len(own) * len(seen) + PRIOR)
                    out[stretch, :, kind] = trust * _descended(errors, weights[stretch][:, own].T)
        return out


def _spread(start: int, stop: int, most: int) -> IntArray:
    """Return at most so many places between two, evenly spread."""
    count = min(most, stop - start)
    return start + np.arange(count) * (stop - start) // max(count, 1)


def _descended(errors: Float32, weights: Float32) -> Float32:
    """Return how far log weights move, (candidate,), by errors (series, fold and step, candidate)."""
    level = np.abs(errors).mean(axis=(1, 2))
    moved = np.zeros(errors.shape[2], dtype=np.float32)
    for step in range(STEPS):
        blend = weights * np.exp(moved)
        blend /= blend.sum(axis=1, keepdims=True)
        wrong = np.matmul(errors, blend[:, :, None])[:, :, 0]
        size = np.abs(wrong).mean(axis=1) + np.float32(1e-6) * level
        slope = np.matmul(np.sign(wrong)[:, None, :], errors)[:, 0] / errors.shape[1]
        slope /= np.where(size > 0, size, np.float32(1))[:, None]
        slope -= (blend * slope).sum(axis=1, keepdims=True)
        moved -= RATE / (1 + step) * np.clip(slope.mean(axis=0), -1.0, 1.0)
    return moved
