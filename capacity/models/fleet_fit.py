"""The fleet's robust fit: season and trend of all series at once, by one factorisation.

Outliers and gaps are handled by pseudo-observations. A residual beyond its bound is pulled in to it and a missing
sample is put where the fit goes; then the same operator is applied again. The normal matrix never changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from capacity.grids import Design
from capacity.models.base import FloatArray, filled

__all__ = ["Cleaned", "clean", "typical", "with_columns"]

PASSES = 4
# Huber's bound in robust standard deviations: 95 % efficient at 1.345 for the mean of normal noise; wider here, because
# the tails of busy telemetry are part of its season.
HUBER = 2.0
# The robust deviation is at least this share of the mean absolute residual, so that a series that is mostly constant
# does not lose all that is not.
LEAST = 0.25


@dataclass(frozen=True)
class Cleaned:
    """A history without gaps and outliers, and its parts.

    Attributes
    ----------
    values : ndarray, shape (rows, series)
        Pseudo-observations: what was seen, pulled in where it was an outlier, filled where it was missing.
    season : ndarray, shape (rows + horizon, series)
        Fitted season, continued over the horizon.
    spread : ndarray, shape (series,)
        Robust standard deviation of the residual.
    trend : ndarray, shape (rows, series)
        Fitted bending trend, about the series' median.
    """

    values: FloatArray
    season: FloatArray
    spread: FloatArray
    trend: FloatArray

    @property
    def rows(self) -> int:
        """Samples of history."""
        return int(self.values.shape[0])

    @property
    def level(self) -> FloatArray:
        """The history without its season, shape (rows, series)."""
        return self.values - self.season[: self.rows]


def clean(values: FloatArray, shape: Design, *, lag: int) -> Cleaned:
    """Fit season and trend robustly to ``values`` (rows, series); gaps are first filled from ``lag`` steps earlier."""
    seen = np.isfinite(values)
    pseudo = filled(values, lag=lag)
    # Fitted about each series' middle and in its own size: numbers of 1e12 and of 1e-6 in one fleet lose no digits.
    middle = np.median(pseudo, axis=0)
    pseudo = pseudo - middle
    centred = np.where(seen, values - middle, 0.0)
    coefficients, spread = shape.coefficients(pseudo), np.zeros(values.shape[1])
    for _ in range(PASSES):
        fit = shape.whole @ coefficients
        residual = np.where(seen, centred - fit, 0.0)
        spread = typical(residual, seen)
        pseudo = fit + np.clip(residual, -HUBER * spread, HUBER * spread)
        coefficients = shape.coefficients(pseudo)
    season = shape.season @ coefficients[: shape.season.shape[1]]
    trend = shape.whole[:, shape.season.shape[1] :] @ coefficients[shape.season.shape[1] :]
    return Cleaned(pseudo + middle, season, spread, trend)


def typical(residual: FloatArray, seen: np.ndarray) -> FloatArray:
    """Robust standard deviation per series: the median absolute residual × 1.4826, at least a share of the mean one."""
    absolute = np.where(seen, np.abs(residual), np.nan)
    count = seen.sum(axis=0)
    ordered = np.sort(absolute, axis=0)
    place = np.maximum(count - 1, 0) // 2
    middle = np.nan_to_num(np.take_along_axis(ordered, place[None], axis=0)[0])
    mean = np.nansum(absolute, axis=0) / np.maximum(count, 1)
    return np.asarray(np.maximum(1.4826 * middle, LEAST * mean), dtype=float)


def with_columns(whole: Cleaned, part: Cleaned, columns: np.ndarray) -> Cleaned:
    """Return ``whole`` with some of its series replaced by those of ``part``."""
    joined = Cleaned(whole.values.copy(), whole.season.copy(), whole.spread.copy(), whole.trend.copy())
    joined.values[:, columns], joined.season[:, columns] = part.values, part.season
    joined.spread[columns], joined.trend[:, columns] = part.spread, part.trend
    return joined
