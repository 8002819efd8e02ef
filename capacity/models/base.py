"""The contract of a model: point forecasts for several cutoffs at once, and nothing else.

Uncertainty is not a model's business. One shell (`capacity.forecast`) runs the folds of every model, calibrates
quantiles by what they saw and draws the paths; so a model is one class with one method, and one line in the registry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.grids import Seasons

__all__ = ["Answer", "FloatArray", "IntArray", "Model", "Problem", "filled"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Problem:
    """What a model is given.

    Attributes
    ----------
    values : ndarray, shape (time, series)
        On the scale of the link (the data's own unless bounded on both sides); NaN is missing.
    times : DatetimeIndex, shape (time,)
        UTC; each instant ends its step.
    horizon : int
        Steps ahead.
    seasons : Seasons
        What the grid can show.
    kinds : ndarray of int, shape (series,)
        Which series are of one kind and may learn from each other.
    """

    values: FloatArray
    times: pd.DatetimeIndex
    horizon: int
    seasons: Seasons
    kinds: npt.NDArray[np.int64]

    @property
    def series(self) -> int:
        """How many series there are."""
        return int(self.values.shape[1])


@dataclass(frozen=True)
class Answer:
    """What a model gives back.

    Attributes
    ----------
    points : ndarray, shape (cutoff, horizon, series)
    notes : tuple of str, one a series
        What the forecast at the last cutoff is made of, in a few words.
    drift : ndarray, shape (series,), or None
        Standard error of the trend at the last cutoff, per step: what carries uncertainty past the folds' reach.
    unsure : ndarray, shape (horizon, series), or None
        Further mean absolute error at the last cutoff that no fold could have seen.
    since : ndarray of int, shape (series,), or None
        Row at which each series last jumped to another level (0: it did not). What a fold from before says of rows
        after it is the jump's error, not the forecast's, and is left out of the calibration.
    """

    points: FloatArray
    notes: tuple[str, ...]
    drift: FloatArray | None = None
    unsure: FloatArray | None = None
    since: IntArray | None = None


class Model(Protocol):
    """A model: a name and point forecasts."""

    name: str
    batched: bool

    def points(self, problem: Problem, cutoffs: Sequence[int]) -> Answer:
        """Forecast from every cutoff.

        ``cutoffs`` are counts of visible rows, ascending: the answer of cutoff ``c`` may depend on
        ``problem.values[:c]`` and on nothing after it.
        """
        ...


def filled(values: FloatArray, *, lag: int) -> FloatArray:
    """Fill gaps with the value one season earlier, then with the last one seen, then with the first."""
    if not np.isnan(values).any():
        return values
    out = values.copy()
    for start in range(lag, len(out), lag):
        block, before = out[start : start + lag], out[start - lag : start]
        np.copyto(block, before[: len(block)], where=np.isnan(block))
    frame = pd.DataFrame(out)
    return frame.ffill().bfill().fillna(0.0).to_numpy(dtype=float)
