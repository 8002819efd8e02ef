"""What the folds of a backtest add up to: scores by series, by stretch and by steps ahead; breaches claimed and met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import scores
from capacity.forecast import LEVELS, Forecast
from capacity.frames import series_labels, series_name

__all__ = ["STRETCHES", "Fold", "by_stretch", "coverage", "pit", "table"]

FloatArray = npt.NDArray[np.float64]

# The stretches of the horizon that scores are told for.
STRETCHES = (("to 2d", 0.0, 2.0), ("2d to 7d", 2.0, 7.0), ("7d to 28d", 7.0, 28.0), ("past 28d", 28.0, np.inf))


@dataclass(frozen=True)
class Fold:
    """One fold.

    Attributes
    ----------
    made : Forecast
    came : ndarray, shape (horizon, series)
        The truth.
    actual : ndarray, shape (horizon, series)
        What of it is scored: NaN within the gap.
    scale : ndarray, shape (series,)
    lag : int
        The season of the naive forecast, in steps.
    """

    made: Forecast
    came: FloatArray
    actual: FloatArray
    scale: FloatArray
    lag: int


def _rows(fold: Fold, part: slice) -> dict[str, FloatArray]:
    """Every score of a stretch of the horizon, one array over series each."""
    actual = fold.actual[part]
    quantiles = {level: fold.made.law.quantile(level)[part] for level in (*LEVELS,)}
    past = fold.made.history.to_numpy()
    naive = past[-fold.lag :][np.arange(len(fold.actual)) % fold.lag][part]
    middle = quantiles[0.5]
    asked = [quantiles[level] for level in scores.SQL_LEVELS]
    mase, naive_mase = scores.mase(actual, middle, fold.scale), scores.mase(actual, naive, fold.scale)
    return {
        "mase": mase,
        "naive_mase": naive_mase,
        "rmsse": scores.rmsse(actual, middle, past, lag=fold.lag),
        "sql": scores.sql(actual, asked, scores.SQL_LEVELS, fold.scale),
        "wql": scores.wql(actual, asked, scores.SQL_LEVELS),
        "bias": scores.bias(actual, middle, fold.scale),
        "coverage80": scores.coverage(actual, quantiles[0.1], quantiles[0.9]),
        "coverage95": scores.coverage(actual, quantiles[0.025], quantiles[0.975]),
    }


def by_stretch(fold: Fold) -> pd.DataFrame:
    """Return a fold's scores, a row a series and stretch of the horizon."""
    names = [series_name(labels) for labels in series_labels(fold.made.columns)]
    days = fold.made.step.total_seconds() / 86_400 * np.arange(1, len(fold.actual) + 1)
    parts = []
    for name, low, high in STRETCHES:
        inside = np.flatnonzero((days > low) & (days <= high))
        if len(inside):
            row = _rows(fold, slice(inside[0], inside[-1] + 1))
            parts.append(pd.DataFrame({"series": names, "cutoff": fold.made.cutoff, "stretch": name, **row}))
    return pd.concat(parts, ignore_index=True)


def table(folds: Sequence[Fold]) -> pd.DataFrame:
    """Return the scores over all folds and the whole horizon, a row a series."""
    frames = [pd.DataFrame(_rows(fold, slice(None)), index=fold.made.columns) for fold in folds]
    whole = pd.concat(frames, keys=range(len(frames)), names=["fold"])
    levels = list(range(1, whole.index.nlevels))
    mean = whole.groupby(level=levels, sort=False).mean()
    mean.insert(2, "skill", 1 - mean["mase"] / mean["naive_mase"])
    mean["folds"] = whole["mase"].groupby(level=levels, sort=False).count()
    return mean


def _stacked(folds: Sequence[Fold], level: float) -> FloatArray:
    return np.concatenate([fold.made.law.quantile(level) for fold in folds], axis=1)


def coverage(folds: Sequence[Fold]) -> pd.DataFrame:
    """Return coverage and width of the intervals, a row a step ahead."""
    actual = np.concatenate([fold.actual for fold in folds], axis=1)
    scale = np.concatenate([fold.scale for fold in folds])
    low, high = _stacked(folds, 0.1), _stacked(folds, 0.9)
    lowest, highest = _stacked(folds, 0.025), _stacked(folds, 0.975)
    step = folds[0].made.step
    return pd.DataFrame(
        {
            "coverage80": scores.coverage(actual, low, high, axis=1),
            "coverage95": scores.coverage(actual, lowest, highest, axis=1),
            "width80": scores.mean_seen((high - low) / scale, 1),
            "width95": scores.mean_seen((highest - lowest) / scale, 1),
            "count": np.isfinite(actual).sum(axis=1),
        },
        index=pd.Index(step * np.arange(1, len(actual) + 1), name="ahead"),
    )


def pit(folds: Sequence[Fold]) -> pd.Series:
    """Return the share of actuals between neighbouring levels."""
    actual = np.concatenate([fold.actual for fold in folds], axis=1)
    shares = scores.pit(actual, [_stacked(folds, level) for level in LEVELS], LEVELS)
    ends = (0.0, *LEVELS, 1.0)
    return pd.Series(shares, index=pd.IntervalIndex.from_breaks(ends, name="level"), name="share")
