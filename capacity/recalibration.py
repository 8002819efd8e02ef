"""What a forecast's folds say of the odds of a breach, by kind and side; see `capacity.odds`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capacity.copula import Copula
from capacity.odds import LEVELS, Odds, fit_odds, standings
from capacity.paths import error_paths, kind_ranks

__all__ = ["BINS", "Folded", "recalibrated"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Series of a kind whose folds are asked, and paths drawn for each: what is fitted has two numbers.
SERIES, PATHS = 48, 128
# What was claimed is told by tenths.
BINS = 10


@dataclass(frozen=True)
class Folded:
    """What folds forecast and what came, on the link's scale, each of shape (fold, step, series).

    Attributes
    ----------
    came, centre, spread
        The truth (NaN: unknown), the point forecast, and the size of the error by the other folds.
    shape : ndarray, shape (series, segment, level)
    segment : ndarray of int, shape (step,)
    steps : ndarray of int
        Steps ahead.
    kinds : ndarray of int, shape (series,)
    windows : float
        How many stretches as long as the horizon the folds saw.
    """

    came: FloatArray
    centre: FloatArray
    spread: FloatArray
    shape: FloatArray
    segment: IntArray
    steps: IntArray
    kinds: IntArray
    windows: float


def recalibrated(
    copulas: Sequence[Copula], folded: Folded, *, horizon: int, seed: int
) -> tuple[tuple[tuple[Odds, Odds], ...], FloatArray]:
    """Return the odds of being above a limit and below one, a pair a kind, and how they would have done on the folds.

    Returns
    -------
    odds : tuple of pairs
    reliability : ndarray, shape (`BINS`, 3)
        By tenths of the claimed chance: sums of what was claimed, of what happened, and how many claims there were.
        Each fold was claimed by the odds that the others teach.
    """
    pairs, told = [], np.zeros((BINS, 3))
    for kind, copula in enumerate(copulas):
        ranks = kind_ranks(copula, horizon, PATHS, seed % 2**64, kind)
        above, below, windows = _standings(ranks[:, folded.steps - 1], folded, kind)
        pairs.append((fit_odds(above, windows=windows), fit_odds(below, windows=windows)))
        told += _told(above, windows) + _told(below, windows)
    return tuple(pairs), told


def _told(places: FloatArray, windows: float) -> FloatArray:
    """Sum up, by tenths of the claim, what each fold was claimed by the others' odds, and what happened."""
    found = np.zeros((BINS, 3))
    for fold, own in enumerate(places):
        seen = own[np.isfinite(own)]
        if not len(seen):
            continue
        odds = fit_odds(np.delete(places, fold, axis=0), windows=windows * (1 - 1 / len(places)))
        claimed = odds.of(1 - LEVELS, paths=PATHS)
        bins = np.minimum((claimed * BINS).astype(np.int64), BINS - 1)
        happened = (seen[:, None] > LEVELS).sum(axis=0)
        rows = np.stack([claimed * len(seen), happened, np.full(len(LEVELS), len(seen))], axis=1)
        np.add.at(found, bins, rows)
    return found


def _standings(ranks: IntArray, folded: Folded, kind: int) -> tuple[FloatArray, FloatArray, float]:
    every = np.flatnonzero(folded.kinds == kind)
    own = every if len(every) <= SERIES else every[np.arange(SERIES) * len(every) // SERIES]
    errors = error_paths(folded.shape[own], folded.segment, ranks)
    came, centre, spread = (each[:, :, own] for each in (folded.came, folded.centre, folded.spread))
    # Series move together: as many as these tell as much as their root does.
    windows = folded.windows * float(np.sqrt(len(own)))
    return (
        standings(came, centre, spread, errors),
        standings(-came, -centre, spread, -errors),
        windows,
    )
