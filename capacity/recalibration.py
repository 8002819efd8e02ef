"""What a forecast's folds say of the odds of a breach, by kind and side; see `capacity.odds`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capacity.copula import Copula
from capacity.odds import Odds, fit_odds, standings
from capacity.paths import error_paths, kind_ranks

__all__ = ["Folded", "recalibrated"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Series of a kind whose folds are asked, and paths drawn for each: what is fitted has two numbers.
SERIES, PATHS = 48, 128


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
) -> tuple[tuple[Odds, Odds], ...]:
    """Return the odds of being above a limit, and of being below one, a pair a kind."""
    drawn = [kind_ranks(copula, horizon, PATHS, seed % 2**64, kind) for kind, copula in enumerate(copulas)]
    return tuple(_of_kind(ranks[:, folded.steps - 1], folded, kind) for kind, ranks in enumerate(drawn))


def _of_kind(ranks: IntArray, folded: Folded, kind: int) -> tuple[Odds, Odds]:
    every = np.flatnonzero(folded.kinds == kind)
    own = every if len(every) <= SERIES else every[np.arange(SERIES) * len(every) // SERIES]
    errors = error_paths(folded.shape[own], folded.segment, ranks)
    came, centre, spread = (each[:, :, own] for each in (folded.came, folded.centre, folded.spread))
    # Series move together: as many as these tell as much as their root does.
    windows = folded.windows * float(np.sqrt(len(own)))
    above = fit_odds(standings(came, centre, spread, errors), windows=windows)
    below = fit_odds(standings(-came, -centre, spread, -errors), windows=windows)
    return above, below
