"""Calibration: how wide and how lopsided a forecast's error is, by what rolling folds saw.

An error is split into factors, each learnt where there is most to learn it from:

``error = size of the series × time of day × growth over steps ahead × shape``

The size is each series' own, steadied by its in-sample noise; the growth is its kind's, with the series' own deviation
as far as its folds bear it out; the shape (the quantiles of the standardised error) is mostly its kind's. Every fold is
standardised by the *other* folds, so that the shape is as wide as our ignorance of the size makes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from capacity.grids import horizon_buckets

__all__ = ["GRID", "Calibration", "calibrate"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# The levels at which the shape is stored; tails beyond are exponential (`capacity.paths`).
GRID = np.array([0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5])
GRID = np.concatenate([GRID, 1 - GRID[-2::-1]])

# Pseudo-folds given to what is shared, where a series' own folds are few: its in-sample noise for its size, its kind
# for growth and shape, the default for its kind's shape. Chosen on ten public sets at once; a factor of two either way
# moves the scaled quantile loss by less than half a per cent.
SIZE_PRIOR = 1.0
GROWTH_PRIOR = 4.0
SHAPE_PRIOR = 24.0
SHAPE_DEFAULT_PRIOR = 16.0
# How much of the median of the folds' errors is believed. A forecast's bias on few, overlapping folds is mostly chance.
MEDIAN_KEPT = 0.3
# Growth past the reach of the folds follows a power of the steps ahead: 0.5 is a random walk, 1 an unknown slope.
GROWTH_RANGE = (0.1, 1.0)

# The shape to begin with, scaled to a mean absolute value of 1: Student's t with 5 degrees of freedom
# (quantiles from its table), between the normal and what spiky telemetry shows.
_T5_LOW = np.array([-3.365, -2.571, -2.015, -1.476, -1.156, -0.920, -0.727, -0.559, -0.408, -0.267, -0.132, 0.0])
DEFAULT_SHAPE = np.concatenate([_T5_LOW, -_T5_LOW[-2::-1]]) / 0.949


@dataclass(frozen=True)
class Calibration:
    """What the folds taught, per series.

    Attributes
    ----------
    scale : ndarray, shape (horizon, series)
        Mean absolute error to expect, time of day included.
    shape : ndarray, shape (series, segment, level)
        Quantiles of the standardised error at `GRID`.
    segment : ndarray of int, shape (horizon,)
        Which segment of ``shape`` a step ahead uses.
    standardised : ndarray, shape (fold, horizon, series)
        The folds' errors over their leave-one-out scale; NaN where there is no truth.
    reach : int
        The furthest step ahead that any fold has seen.
    """

    scale: FloatArray
    shape: FloatArray
    segment: IntArray
    standardised: FloatArray
    reach: int


def calibrate(
    errors: FloatArray,
    *,
    noise: FloatArray,
    daily: FloatArray,
    ahead: FloatArray,
    kinds: IntArray,
    day: int,
    tested: int,
) -> Calibration:
    """Learn scale and shape from fold errors.

    Parameters
    ----------
    errors : ndarray, shape (fold, horizon, series)
        Truth less point forecast; NaN where there is no truth.
    noise : ndarray, shape (series,)
        In-sample noise, in the errors' unit: how far a sample is from the one a season before.
    daily : ndarray, shape (fold, horizon, series) or broadcastable to it
        Relative scale of each fold's time of day.
    ahead : ndarray, shape (horizon, series)
        The same for the forecast itself.
    kinds : ndarray of int, shape (series,)
        Pools.
    day : int
        Steps in a day (1 where there is no day), which is where growth laws begin.
    tested : int
        Rows between the first fold's cutoff and the end: how much independent truth the folds saw.
    """
    relative = errors / daily
    bucket = horizon_buckets(errors.shape[1])
    size = _bucket_means(np.abs(relative), bucket)
    size = _winsorised(size)
    log_scale, loo = _scales(size, noise=noise, kinds=kinds, bucket_day=int(np.log2(max(day, 1))))
    standardised = relative / np.take(loo, bucket, axis=1)
    segment = _segments(errors.shape[1], day)
    reached = np.flatnonzero(np.isfinite(errors).any(axis=(0, 2)))
    return Calibration(
        scale=_interpolated(log_scale, errors.shape[1]) * ahead * _few_windows(errors.shape[1], tested)[:, None],
        shape=_shapes(standardised, segment=segment, kinds=kinds),
        segment=segment,
        standardised=standardised,
        reach=int(reached[-1]) + 1 if len(reached) else 0,
    )


def _few_windows(horizon: int, tested: int) -> FloatArray:
    """Widening because a scale read off few windows is itself uncertain: √(1 + 1/windows), as for a mean of so many.

    Folds overlap; what counts is how many stretches as long as the steps ahead fit into what was tested.
    """
    return np.sqrt(1.0 + np.arange(1, horizon + 1) / max(tested, 1))


def _bucket_means(absolute: FloatArray, bucket: IntArray) -> FloatArray:
    """Mean over each bucket of steps ahead: (fold, horizon, series) → (fold, bucket, series), NaN where unseen."""
    starts = np.searchsorted(bucket, np.arange(bucket[-1] + 1))
    seen = np.isfinite(absolute)
    total = np.add.reduceat(np.where(seen, absolute, 0.0), starts, axis=1)
    count = np.add.reduceat(seen.astype(float), starts, axis=1)
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)


def _winsorised(size: FloatArray) -> FloatArray:
    """Hold a single fold's size to four times the median of the series' folds: one outage is not the rule."""
    with np.errstate(all="ignore"):
        typical = _nanmedian(size)
    cap = np.where(typical > 0, 4 * typical, np.inf)
    return np.where(np.isnan(size), np.nan, np.minimum(size, cap))


def _nanmedian(size: FloatArray) -> FloatArray:
    ordered = np.sort(size, axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    high = np.take_along_axis(ordered, (count // 2)[None].clip(0, len(size) - 1), axis=0)[0]
    return np.where(count > 0, (low + high) / 2, np.nan)


def _mean(values: FloatArray, weight: FloatArray, axis: int) -> FloatArray:
    total = (np.nan_to_num(values) * weight).sum(axis=axis)
    weights = weight.sum(axis=axis)
    return np.asarray(np.divide(total, weights, out=np.full_like(total, np.nan), where=weights > 0), dtype=float)


def _scales(size: FloatArray, *, noise: FloatArray, kinds: IntArray, bucket_day: int) -> tuple[FloatArray, FloatArray]:
    """Fit the scale by all folds, as logs (bucket, series), and with each left out (fold, bucket, series)."""
    floor = np.maximum(1e-9 * np.nanmax(np.where(np.isnan(size), 0, size), axis=(0, 1), initial=0), 1e-300)
    floor = np.maximum(floor, 1e-9 * noise)
    seen = np.isfinite(size).astype(float)
    growth = _growth(np.log(np.maximum(_mean(size, seen, 0), floor)), seen.sum(axis=0), kinds, bucket_day)
    steady = _steady_noise(size, growth, noise, kinds, floor)

    def fit(weight: FloatArray) -> FloatArray:
        own = _mean(size, weight, 0)
        count = weight.sum(axis=0)
        level = _mean(own / np.exp(growth), np.sqrt(count), 0)
        folds = weight.any(axis=1).sum(axis=0)
        level = (np.nan_to_num(level) * folds + SIZE_PRIOR * steady) / (folds + SIZE_PRIOR)
        expected = np.log(np.maximum(level, floor)) + growth
        deviation = np.where(count > 0, np.log(np.maximum(np.nan_to_num(own), floor)) - expected, 0.0)
        trusted = _carried(deviation * count / (count + GROWTH_PRIOR), count)
        return np.asarray(expected + trusted, dtype=float)

    every = fit(seen)
    loo = np.empty_like(size)
    for fold in range(len(size)):
        rest = seen.copy()
        rest[fold] = 0
        loo[fold] = np.exp(fit(rest))
    return every, loo


def _carried(deviation: FloatArray, count: FloatArray) -> FloatArray:
    """Past a series' own reach, carry its last trusted deviation on."""
    out = deviation.copy()
    for bucket in range(1, len(out)):
        out[bucket] = np.where(count[bucket] > 0, out[bucket], out[bucket - 1])
    return out


def _growth(log_size: FloatArray, count: FloatArray, kinds: IntArray, bucket_day: int) -> FloatArray:
    """Growth of the error over buckets, per kind, as logs (bucket, series): zero on average over what was seen."""
    growth = np.zeros_like(log_size)
    for kind in np.unique(kinds):
        own = kinds == kind
        growth[:, own] = _growth_of_kind(log_size[:, own], count[:, own], bucket_day)[:, None]
    return growth


def _growth_of_kind(log_size: FloatArray, count: FloatArray, bucket_day: int) -> FloatArray:
    """Fit size(series) + growth(bucket) to log sizes by alternating means; extend past the reach by a power law."""
    weight = np.where(np.isfinite(log_size), count, 0.0)
    level = np.nan_to_num(_mean(log_size, weight, 0))
    growth = np.zeros(len(log_size))
    for _ in range(8):
        growth = np.nan_to_num(_mean(log_size - level, weight, 1))
        level = np.nan_to_num(_mean(log_size - growth[:, None], weight, 0))
    seen = np.flatnonzero(weight.sum(axis=1) > 0)
    if not len(seen):
        return np.asarray(0.5 * np.log(2.0) * np.arange(len(growth)), dtype=float)
    return _extended(growth, seen, weight.sum(axis=1), bucket_day)


def _extended(growth: FloatArray, seen: IntArray, weight: FloatArray, bucket_day: int) -> FloatArray:
    """Extend a growth curve past the last seen bucket by the power law of its buckets beyond a day."""
    last = int(seen[-1])
    late = seen[seen >= min(bucket_day, last - 2)]
    power = 0.5
    if len(late) >= 2:
        x, w = late * np.log(2.0), np.sqrt(weight[late])
        centred = x - np.average(x, weights=w)
        slope = float((w * centred * growth[late]).sum() / (w * centred**2).sum())
        trust = len(late) / (len(late) + 1.0)
        power = float(np.clip(trust * slope + (1 - trust) * 0.5, *GROWTH_RANGE))
    beyond = np.arange(last + 1, len(growth))
    growth[beyond] = growth[last] + power * np.log(2.0) * (beyond - last)
    return growth


def _steady_noise(
    size: FloatArray, growth: FloatArray, noise: FloatArray, kinds: IntArray, floor: FloatArray
) -> FloatArray:
    """In-sample noise brought to the size of fold errors by its kind's typical ratio."""
    seen = np.isfinite(size).astype(float)
    level = _mean(_mean(size, seen, 0) / np.exp(growth), np.sqrt(seen.sum(axis=0)), 0)
    known_noise = noise > floor
    ratio = np.where(known_noise & np.isfinite(level), level / np.where(known_noise, noise, 1.0), np.nan)
    steady = np.zeros_like(noise)
    for kind in np.unique(kinds):
        own = kinds == kind
        known = ratio[own][np.isfinite(ratio[own])]
        steady[own] = noise[own] * (float(np.median(known)) if len(known) else 1.0)
    return steady


def _interpolated(log_scale: FloatArray, horizon: int) -> FloatArray:
    """From buckets to steps ahead, straight in log–log; shape (horizon, series)."""
    ahead = np.log2(np.arange(1, horizon + 1))
    centre = np.concatenate([[0.0], np.arange(1, len(log_scale)) - 0.5])
    left = np.clip(np.searchsorted(centre, ahead, side="right") - 1, 0, max(len(centre) - 2, 0))
    if len(centre) == 1:
        return np.exp(np.repeat(log_scale, horizon, axis=0))
    share = (ahead - centre[left]) / (centre[left + 1] - centre[left])
    share = np.clip(share, 0.0, 1.5)[:, None]
    return np.asarray(np.exp((1 - share) * log_scale[left] + share * log_scale[left + 1]), dtype=float)


def _segments(horizon: int, day: int) -> IntArray:
    """Stretches of the horizon that have a shape of their own: to 2 days, to 7 days, beyond."""
    ahead = np.arange(1, horizon + 1)
    return np.searchsorted(np.array([2 * day, 7 * day]), ahead, side="left").astype(np.int64)


def _shapes(standardised: FloatArray, *, segment: IntArray, kinds: IntArray) -> FloatArray:
    """Quantiles of the standardised error, (series, segment, level): default, then kind, then own."""
    series = standardised.shape[2]
    shape = np.empty((series, int(segment[-1]) + 1, len(GRID)))
    for kind in np.unique(kinds):
        own = np.flatnonzero(kinds == kind)
        before = DEFAULT_SHAPE
        for part in range(shape.shape[1]):
            block = standardised[:, segment == part][:, :, own]
            before = _blended(block, before, SHAPE_DEFAULT_PRIOR)
            for position, column in enumerate(own):
                shape[column, part] = _blended(block[:, :, position : position + 1], before, SHAPE_PRIOR)
    return shape


def _blended(block: FloatArray, before: FloatArray, prior: float) -> FloatArray:
    """Empirical quantiles of a block (fold, step, series), weighed against ``before`` by how many folds it holds."""
    known = block[np.isfinite(block)]
    if not len(known):
        return before
    folds = float(np.isfinite(block).any(axis=1).sum())
    shape = np.quantile(known, GRID)
    shape -= (1 - MEDIAN_KEPT) * shape[len(GRID) // 2]
    return np.asarray((folds * shape + prior * before) / (folds + prior), dtype=float)
