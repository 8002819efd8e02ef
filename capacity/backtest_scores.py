"""What the folds of a backtest add up to: scores by series, by stretch and by steps ahead; breaches claimed and met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import passage, scores
from capacity.errors import CapacityError
from capacity.forecast import LEVELS, Forecast
from capacity.frames import duration, series_labels, series_name
from capacity.limits import LimitLike
from capacity.outlook import outlook

__all__ = ["SPANS", "STRETCHES", "Fold", "brier", "by_stretch", "claims", "coverage", "pit", "reliability", "table"]

FloatArray = npt.NDArray[np.float64]

# Spans within which a breach is claimed and judged, and the stretches of the horizon that scores are told for.
SPANS = ("7d", "30d", "60d", "90d")
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


def claims(fold: Fold, limit: LimitLike, event: Mapping[str, Any]) -> pd.DataFrame:
    """Hold claims against what happened, per series and span; a span that the truth does not cover is left out."""
    claimed = outlook(fold.made, limit=limit, **event)
    window = passage.window_steps(claimed.question.sustained, fold.made.step)
    past = fold.made.history.ffill().to_numpy()[len(fold.made.history) - (window - 1) :]
    whole = np.concatenate([past, fold.came])[None]
    room = claimed.usable.to_numpy()[-len(fold.came) :]
    rolled = passage.rolling(whole, window, claimed.question.aggregate)
    met = np.maximum.accumulate(passage.past(rolled, room, claimed.direction)[0], axis=0)
    rows = []
    for span in SPANS:
        steps = int(duration(span) // fold.made.step)
        if 0 < steps <= len(met):
            chance = claimed.curve.to_numpy()[steps - 1]
            happened = np.where(np.isfinite(fold.came[:steps]).any(axis=0), met[steps - 1], np.nan)
            rows.append(pd.DataFrame({"span": span, "probability": chance, "happened": happened}))
    if not rows:
        raise CapacityError(f"the horizon is shorter than {SPANS[0]}, the first span that breaches are judged for.")
    return pd.concat(rows, ignore_index=True)


def brier(judged: pd.DataFrame) -> pd.DataFrame:
    """Return Brier scores of claims, a row a span, beside those of always claiming the base rate."""
    known = judged.dropna()
    rows = {}
    for span, part in known.groupby("span", sort=False):
        chance, came = part["probability"].to_numpy(float), part["happened"].to_numpy(float)
        rate = came.mean()
        rows[span] = {
            "brier": scores.brier(chance, came),
            "base_rate_brier": scores.brier(np.full(len(came), rate), came),
            "happened": rate,
            "claimed": chance.mean(),
            "count": len(came),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("span")


def reliability(judged: pd.DataFrame) -> pd.DataFrame:
    """Return what was claimed against what happened, a row a bin of claims."""
    known = judged.dropna()
    rows = scores.reliability(known["probability"].to_numpy(float), known["happened"].to_numpy(float))
    return pd.DataFrame(rows, columns=["claimed", "happened", "count"])
