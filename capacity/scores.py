"""Scores: how good a forecast was. Functions over plain arrays; a missing truth is not scored.

Shapes are (…, horizon, series): scores are means over the horizon, one a series. Scaled scores are in units of the
seasonal difference of the history (`seasonal_scale`), so that series of any unit can be averaged.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = [
    "SQL_LEVELS",
    "bias",
    "brier",
    "calibration_error",
    "coverage",
    "integrated_brier",
    "log_loss",
    "mase",
    "mean_seen",
    "pinball",
    "pit",
    "reliability",
    "rmsse",
    "seasonal_scale",
    "sql",
    "wql",
]

FloatArray = npt.NDArray[np.float64]

# The levels of the scaled quantile loss.
SQL_LEVELS = (0.025, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.975)


def mean_seen(values: FloatArray, axis: int | tuple[int, ...]) -> FloatArray:
    """Mean over what is not NaN; NaN where nothing is."""
    seen = np.isfinite(values)
    count = seen.sum(axis=axis)
    total = np.where(seen, values, 0.0).sum(axis=axis)
    return np.asarray(np.divide(total, count, out=np.full(np.shape(total), np.nan), where=count > 0), dtype=float)


def seasonal_scale(history: FloatArray, *, lag: int) -> FloatArray:
    """Mean absolute difference of samples one season apart, per series; NaN where it is 0 or unknown."""
    lag = lag if len(history) > lag else 1
    scale = mean_seen(np.abs(history[lag:] - history[:-lag]), 0)
    return np.where(scale > 0, scale, np.nan)


def mase(actual: FloatArray, point: FloatArray, scale: FloatArray) -> FloatArray:
    """Mean absolute scaled error (Hyndman & Koehler 2006)."""
    return np.asarray(mean_seen(np.abs(actual - point), -2) / scale, dtype=float)


def rmsse(actual: FloatArray, point: FloatArray, history: FloatArray, *, lag: int) -> FloatArray:
    """Root mean squared error over the root mean squared seasonal difference (M5)."""
    lag = lag if len(history) > lag else 1
    scale = np.sqrt(mean_seen((history[lag:] - history[:-lag]) ** 2, 0))
    return np.asarray(np.sqrt(mean_seen((actual - point) ** 2, -2)) / np.where(scale > 0, scale, np.nan), dtype=float)


def bias(actual: FloatArray, point: FloatArray, scale: FloatArray) -> FloatArray:
    """Mean scaled error; above 0: more came than was forecast."""
    return np.asarray(mean_seen(actual - point, -2) / scale, dtype=float)


def pinball(actual: FloatArray, quantile: FloatArray, level: float) -> FloatArray:
    """Pinball loss of one quantile, element by element."""
    error = actual - quantile
    return np.maximum(level * error, (level - 1) * error)


def sql(actual: FloatArray, quantiles: Sequence[FloatArray], levels: Sequence[float], scale: FloatArray) -> FloatArray:
    """Scaled quantile loss: twice the pinball loss, mean over levels and horizon, over the seasonal scale.

    Twice, so that it is an approximation of the CRPS, and for a point forecast the absolute error.
    """
    losses = [pinball(actual, quantile, level) for quantile, level in zip(quantiles, levels, strict=True)]
    return np.asarray(2 * mean_seen(np.mean(losses, axis=0), -2) / scale, dtype=float)


def wql(actual: FloatArray, quantiles: Sequence[FloatArray], levels: Sequence[float]) -> FloatArray:
    """Weighted quantile loss: twice the pinball loss over the size of what came; NaN where all of that is 0."""
    losses = [pinball(actual, quantile, level) for quantile, level in zip(quantiles, levels, strict=True)]
    size = mean_seen(np.abs(actual), -2)
    return np.asarray(2 * mean_seen(np.mean(losses, axis=0), -2) / np.where(size > 0, size, np.nan), dtype=float)


def coverage(actual: FloatArray, lower: FloatArray, upper: FloatArray, axis: int | tuple[int, ...] = -2) -> FloatArray:
    """Share of actuals within the interval, ends included."""
    within = ((actual >= lower) & (actual <= upper)).astype(float)
    return mean_seen(np.where(np.isfinite(actual), within, np.nan), axis)


def pit(actual: FloatArray, quantiles: Sequence[FloatArray], levels: Sequence[float]) -> FloatArray:
    """Histogram of where actuals fell between quantiles, one share a gap between levels; sums to 1.

    A calibrated forecast puts ``levels[0]`` below the first, ``levels[1] − levels[0]`` into the next gap, and so on.
    """
    known = np.isfinite(actual)
    below = sum((actual > quantile).astype(np.int64) for quantile in quantiles)
    counts = np.bincount(np.asarray(below)[known], minlength=len(levels) + 1).astype(float)
    return np.asarray(counts / max(counts.sum(), 1.0), dtype=float)


def brier(probability: FloatArray, happened: FloatArray) -> float:
    """Mean squared difference of a probability and what happened (0 or 1); NaN without a pair."""
    return float(mean_seen(((np.asarray(probability, dtype=float) - happened) ** 2).ravel(), 0))


# Shares of a thousand paths: what none of them did may yet happen about once in a thousand times.
LEAST_CHANCE = 1e-3


def log_loss(probability: FloatArray, happened: FloatArray) -> float:
    """Mean −log of the probability given to what came, in nats; claims keep off 0 and 1 by `LEAST_CHANCE`."""
    claimed = np.clip(np.asarray(probability, dtype=float), LEAST_CHANCE, 1 - LEAST_CHANCE)
    lost = np.where(np.asarray(happened) > 0.5, -np.log(claimed), -np.log1p(-claimed))
    return float(mean_seen(np.where(np.isfinite(happened), lost, np.nan).ravel(), 0))


def integrated_brier(curve: FloatArray, met: FloatArray) -> FloatArray:
    """Brier score of the date: the mean over the horizon of that of "met by then"; (horizon, series) → (series,).

    ``curve`` is P(T ≤ t), ``met`` is 1 from the breach on and 0 before it.
    """
    return mean_seen((curve - met) ** 2, 0)


def calibration_error(probability: FloatArray, happened: FloatArray, *, bins: int = 10) -> float:
    """Mean distance of claimed from happened over bins of equal count, weighted by it (ECE); NaN without a pair."""
    known = np.isfinite(probability) & np.isfinite(happened)
    order = np.argsort(np.asarray(probability)[known], kind="stable")
    claimed, came = np.asarray(probability)[known][order], np.asarray(happened)[known][order]
    parts = zip(np.array_split(claimed, bins), np.array_split(came, bins), strict=True)
    apart = [abs(float(one.sum() - other.sum())) for one, other in parts]
    return sum(apart) / len(claimed) if len(claimed) else float("nan")


def reliability(probability: FloatArray, happened: FloatArray, *, bins: int = 5) -> FloatArray:
    """Claimed against happened: rows of (mean claimed, share that happened, count), empty bins left out."""
    claimed, came = np.ravel(probability), np.ravel(happened)
    known = np.isfinite(claimed) & np.isfinite(came)
    claimed, came = claimed[known], came[known]
    place = np.minimum((claimed * bins).astype(np.int64), bins - 1)
    rows = [
        (claimed[place == one].mean(), came[place == one].mean(), float((place == one).sum()))
        for one in range(bins)
        if (place == one).any()
    ]
    return np.array(rows, dtype=float).reshape(-1, 3)
