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
# A step ahead that no cutoff comes to know.
NEVER = np.iinfo(np.int64).max


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
        spread = [_spread(start, stop, MOST_STEPS) for start, stop in zip(low, high, strict=True)]
        longest = max(len(one) for one in spread)
        # By (stretch, place), so that all are moved at once: a short one is filled up with what nobody comes to know.
        self.places = np.stack([np.resize(one, longest) if len(one) else np.zeros(longest, int) for one in spread])
        self.ahead = np.where(np.arange(longest) < [[len(one)] for one in spread], steps[self.places], NEVER)
        chosen = [np.flatnonzero(kinds == kind) for kind in range(int(kinds.max()) + 1)]
        self.series = [own[_spread(0, len(own), MOST_SERIES)] for own in chosen]
        self._kept: list[tuple[int, list[Float32]]] = []

    def add(self, cutoff: int, forecasts: Float32, truth: Float32, size: FloatArray) -> None:
        """Record forecasts (candidate, step, series) of a cutoff against ``truth`` (step, series), in ``size``."""
        kept = []
        for own in self.series:
            known = truth[self.places][..., own]
            wrong = forecasts[:, self.places][..., own] - known
            wrong = np.where(np.isfinite(known), wrong, np.float32(0)) * size[own].astype(np.float32)
            kept.append(np.ascontiguousarray(wrong.transpose(1, 3, 2, 0)))
        self._kept.append((cutoff, kept))

    def moves(self, cutoff: int, weights: Float32, since: IntArray) -> Float32:
        """Return what is to be added to log weights (stretch, candidate, series), shape (stretch, candidate, kind)."""
        out = np.zeros((*weights.shape[:2], len(self.series)), dtype=np.float32)
        known = {origin: self.ahead <= cutoff - origin for origin, _ in self._kept}
        seen = [(origin, kept) for origin, kept in self._kept if known[origin].any()]
        if not seen:
            return out
        count = np.sum([known[origin].sum(axis=1) for origin, _ in seen], axis=0)
        folds = np.sum([known[origin].any(axis=1) for origin, _ in seen], axis=0)
        for kind, own in enumerate(self.series):
            errors = [
                kept[kind] * (known[origin][:, None, :, None] & (origin >= since[own])[:, None, None])
                for origin, kept in seen
            ]
            moved = _descended(np.concatenate(errors, axis=2), count, weights[:, :, own].transpose(0, 2, 1))
            trust = len(own) * folds / (len(own) * folds + PRIOR)
            out[:, :, kind] = trust[:, None] * moved
        return out


def _spread(start: int, stop: int, most: int) -> IntArray:
    """Return at most so many places between two, evenly spread."""
    count = min(most, stop - start)
    return start + np.arange(count) * (stop - start) // max(count, 1)


def _descended(errors: Float32, count: IntArray, weights: Float32) -> Float32:
    """Return how far log weights move, (stretch, candidate).

    ``errors`` are by (stretch, series, fold and step, candidate), 0 where there is none; ``count`` says by stretch of
    how many folds and steps there are.
    """
    many = np.maximum(count, 1).astype(np.float32)[:, None]
    level = np.abs(errors).mean(axis=3).sum(axis=2) / many
    moved = np.zeros((len(errors), errors.shape[3]), dtype=np.float32)
    for step in range(STEPS):
        blend = weights * np.exp(moved)[:, None]
        blend /= blend.sum(axis=2, keepdims=True)
        wrong = np.matmul(errors, blend[..., None])[..., 0]
        size = np.abs(wrong).sum(axis=2) / many + np.float32(1e-6) * level
        slope = np.matmul(np.sign(wrong)[..., None, :], errors)[..., 0, :] / many[..., None]
        slope /= np.where(size > 0, size, np.float32(1))[..., None]
        slope -= (blend * slope).sum(axis=2, keepdims=True)
        moved -= RATE / (1 + step) * np.clip(slope.mean(axis=1), -1.0, 1.0)
    return moved
