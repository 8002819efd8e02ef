"""Odds: the chance of a breach, recalibrated by what the folds saw of highest points.

The paths that a fold would have drawn each have a highest point, and so has what came. Were the paths right, each tenth
of their highest points would hold a tenth of those that came. Where it does not, the chance of passing a limit is moved
on the scale of log-odds: ``logit p' = shift + slope · logit p``. That keeps every law of a chance: it never falls along
the horizon, and a higher limit is never passed sooner.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["AS_CLAIMED", "LEVELS", "Odds", "fit_odds", "standings"]

FloatArray = npt.NDArray[np.float64]

# What is believed before any fold is looked at, and how firmly (standard deviations): models were chosen and scaled by
# these very folds, and what comes next is less like them. Chosen on ten public sets at once, on fleets whose chances
# are known and on the demo's dates (`make bench-outlook`).
SHIFT, SLOPE = -0.15, 0.75
SHIFT_DEVIATION, SLOPE_DEVIATION = 0.5, 0.2
# A chance is never less certain than by so much of what was claimed.
LEAST_SLOPE = 0.2
# The levels at which paths are held against what came: a highest point answers at all of them at once, and that is
# worth so many answers of yes or no.
LEVELS = np.linspace(0.05, 0.95, 10)
ANSWERS = 6.7
# Parts of a fold's steps whose highest points are compared, and the share of a part's samples that has to be there.
PARTS = (0.25, 0.5, 1.0)
ENOUGH = 0.6


@dataclass(frozen=True, slots=True)
class Odds:
    """How a chance is moved on the scale of log-odds."""

    shift: float = 0.0
    slope: float = 1.0

    def of(self, chance: FloatArray, *, paths: int) -> FloatArray:
        """Return a share of so many paths, recalibrated; none of them stays none, and NaN stays NaN."""
        some = chance > 0
        if self == AS_CLAIMED or not some.any():
            return chance
        bounded = np.clip(chance[some], 0.5 / paths, 1 - 0.5 / paths)
        found = chance.copy()
        found[some] = 1.0 / (1.0 + np.exp(-self.shift - self.slope * np.log(bounded / (1 - bounded))))
        return found


AS_CLAIMED = Odds()


def standings(came: FloatArray, centre: FloatArray, spread: FloatArray, errors: FloatArray) -> FloatArray:
    """Return where the highest of what came stands among the highest points of paths.

    Parameters
    ----------
    came, centre, spread : ndarray, shape (fold, step, series)
        What came (NaN: unknown), the fold's point forecast, and the size of its error.
    errors : ndarray, shape (path, step, series)
        Standardised errors along the paths.

    Returns
    -------
    ndarray, shape (fold, part, series)
        The share of paths whose highest point lies below, over the first quarter and half of the steps and all of them;
        NaN where too little of a part is known.
    """
    steps = came.shape[1]
    ends = np.array([max(1, round(part * steps)) for part in PARTS])
    out = np.full((len(came), len(ends), came.shape[2]), np.nan)
    for fold, truth in enumerate(came):
        known = np.isfinite(truth)
        seen = known.cumsum(axis=0)[ends - 1] / ends[:, None]
        if not (seen >= ENOUGH).any():
            continue
        # Late folds know a few steps alone: no more are looked at.
        last = int(np.flatnonzero(known.any(axis=1))[-1]) + 1
        paths = spread[fold, :last] * errors[:, :last]
        paths += centre[fold, :last]
        if not known[:last].all():
            paths[:, ~known[:last]] = -np.inf
        tops = _highest(paths, ends)
        top = _highest(np.where(known, truth, -np.inf)[None, :last], ends)
        place = ((tops < top).mean(axis=0) + (tops <= top).mean(axis=0)) / 2
        out[fold] = np.where(seen >= ENOUGH, place, np.nan)
    return out


def _highest(values: FloatArray, ends: npt.NDArray[np.int64]) -> FloatArray:
    """Return the highest of (path, step, series) until each end, or until the last step; shape (path, end, series)."""
    inside = np.unique(ends[ends < values.shape[1]])
    parts = np.maximum.reduceat(values, np.concatenate([[0], inside]), axis=1)
    return np.asarray(np.maximum.accumulate(parts, axis=1)[:, np.searchsorted(inside, ends)])


def fit_odds(places: FloatArray, *, windows: float) -> Odds:
    """Fit the odds to `standings`, by a logistic regression with a prior.

    Parameters
    ----------
    places : ndarray
        NaN is left out.
    windows : float
        How many independent highest points they are worth: folds overlap, and series move together.
    """
    seen = places[np.isfinite(places)]
    prior = np.array([SHIFT, SLOPE])
    precision = np.diag([SHIFT_DEVIATION**-2.0, SLOPE_DEVIATION**-2.0])
    if not len(seen):
        return Odds(SHIFT, SLOPE)
    # A limit at each level is claimed to be passed by what lies above it.
    claimed = np.stack([np.ones(len(LEVELS)), np.log((1 - LEVELS) / LEVELS)], axis=1)
    passed = (seen[:, None] > LEVELS).mean(axis=0)
    weight, found = windows * ANSWERS / len(LEVELS), prior
    for _ in range(25):
        chance = 1.0 / (1.0 + np.exp(-claimed @ found))
        gradient = weight * claimed.T @ (passed - chance) - precision @ (found - prior)
        bend = weight * (claimed.T * (chance * (1 - chance))) @ claimed + precision
        found = found + np.linalg.solve(bend, gradient)
    return Odds(float(found[0]), float(max(found[1], LEAST_SLOPE)))
