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

__all__ = ["GRID", "MIDDLE", "Calibration", "Learnt", "calibrate", "independent"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# The levels at which the shape is stored; tails beyond are exponential (`capacity.paths`).
GRID = np.array([0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5])
GRID = np.concatenate([GRID, 1 - GRID[-2::-1]])
MIDDLE = len(GRID) // 2

# Pseudo-folds given to what is shared, where a series' own folds are few: its in-sample noise for its size, its kind
# for growth and shape, the default for its kind's shape. Chosen on ten public sets at once; a factor of two either way
# moves the scaled quantile loss by less than half a per cent.
SIZE_PRIOR = 1.0
GROWTH_PRIOR = 4.0
SHAPE_PRIOR = 24.0
SHAPE_DEFAULT_PRIOR = 16.0
# How much of the median of the folds' errors is believed. A forecast's bias on few, overlapping folds is mostly chance.
MEDIAN_KEPT = 0.3
# A series' own errors count for more than their folds where they are independent within them: this share of that is
# believed, for folds overlap. So many of them halve the doubt of its own median.
INDEPENDENT_KEPT = 0.3
MEDIAN_PRIOR = 60.0
# A standardised error beyond this is a large one; about half are.
LARGE = 0.75
# Growth past the reach of the folds follows a power of the steps ahead: 0.5 is a random walk, 1 an unknown slope.
GROWTH_RANGE = (0.1, 1.0)

# What is this many times less than a series' largest error is no error to read a growth from; a series departs from its
# kind's growth by at most so much (log); a fold so many times beyond what all others expect is no measure of a shape.
# All three are of series that were constant, or nearly, for most of their history.
NO_ERROR = 1e-3
MOST_DEVIATION = 3.0
BEYOND = 20.0

# The shape to begin with, scaled to a mean absolute value of 1: Student's t with 5 degrees of freedom
# (quantiles from its table), between the normal and what spiky telemetry shows.
_T5_LOW = np.array([-3.365, -2.571, -2.015, -1.476, -1.156, -0.920, -0.727, -0.559, -0.408, -0.267, -0.132, 0.0])
DEFAULT_SHAPE = np.concatenate([_T5_LOW, -_T5_LOW[-2::-1]]) / 0.949


@dataclass(frozen=True)
class Learnt:
    """What kinds teach: growth (bucket, kind), fold error over noise (kind,), shape (kind, segment, level)."""

    growth: FloatArray
    ratio: FloatArray
    shape: FloatArray


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
    steps : ndarray of int
        The steps ahead at which folds were scored.
    sizes : ndarray, shape (fold, step, series)
        Mean absolute error to expect of each fold by the others, time of day not included.
    standardised : ndarray, shape (fold, step, series)
        The folds' errors over their leave-one-out scale; NaN where there is no truth.
    reach : int
        The furthest step ahead that any fold has seen.
    learnt : Learnt
    """

    scale: FloatArray
    shape: FloatArray
    segment: IntArray
    steps: IntArray
    sizes: FloatArray
    standardised: FloatArray
    reach: int
    learnt: Learnt


def calibrate(
    errors: FloatArray,
    *,
    steps: IntArray,
    horizon: int,
    noise: FloatArray,
    daily: FloatArray,
    ahead: FloatArray,
    kinds: IntArray,
    day: int,
    tested: int,
    learnt: Learnt | None = None,
) -> Calibration:
    """Learn scale and shape from fold errors.

    Parameters
    ----------
    errors : ndarray, shape (fold, step, series)
        Truth less point forecast; NaN where there is no truth.
    steps : ndarray of int
        The steps ahead of the errors.
    horizon : int
        Steps ahead of the forecast.
    noise : ndarray, shape (series,)
        In-sample noise, in the errors' unit: how far a sample is from the one a season before.
    daily : ndarray, shape (fold, step, series) or broadcastable to it
        Relative scale of each fold's time of day.
    ahead : ndarray, shape (horizon, series)
        The same for the forecast itself.
    kinds : ndarray of int, shape (series,)
        Pools.
    day : int
        Steps in a day (1 where there is no day), which is where growth laws begin.
    tested : int
        Rows between the first fold's cutoff and the end: how much independent truth the folds saw.
    learnt : Learnt, optional
        What the kinds have taught already; by default these series teach it.
    """
    relative = errors / daily
    every = np.arange(1, horizon + 1)
    bucket, buckets = horizon_buckets(steps), int(horizon_buckets(every)[-1]) + 1
    size = _winsorised(_bucket_means(np.abs(relative), bucket, buckets))
    floor = _floor(size, noise)
    if learnt is None:
        growth, ratio = _taught(size, noise, kinds, floor, int(np.log2(max(day, 1))))
    else:
        growth, ratio = learnt.growth, learnt.ratio
    log_scale, loo = _scales(size, growth=growth[:, kinds], steady=noise * ratio[kinds], floor=floor)
    loo = np.where(np.exp(log_scale) < BEYOND * loo, loo, np.nan)
    sizes = np.take(loo, bucket, axis=1)
    standardised = relative / sizes
    segment = _segments(every, day)
    ordered = _sorted(standardised, _segments(steps, day), int(segment[-1]) + 1)
    shared = _kind_shapes(ordered, kinds) if learnt is None else learnt.shape
    reached = np.flatnonzero(np.isfinite(errors).any(axis=(0, 2)))
    return Calibration(
        scale=_interpolated(log_scale, horizon) * ahead * _few_windows(horizon, tested)[:, None],
        shape=_own_shapes(ordered, shared[kinds]),
        segment=segment,
        steps=steps,
        sizes=sizes,
        standardised=standardised,
        reach=int(steps[reached[-1]]) if len(reached) else 0,
        learnt=Learnt(growth, ratio, shared),
    )


def _few_windows(horizon: int, tested: int) -> FloatArray:
    """Widening because a scale read off few windows is itself uncertain: √(1 + 1/windows), as for a mean of so many.

    Folds overlap; what counts is how many stretches as long as the steps ahead fit into what was tested.
    """
    return np.sqrt(1.0 + np.arange(1, horizon + 1) / max(tested, 1))


def _bucket_means(absolute: FloatArray, bucket: IntArray, buckets: int) -> FloatArray:
    """Mean over each bucket of steps ahead: (fold, step, series) → (fold, bucket, series), NaN where unseen."""
    present, starts = np.unique(bucket, return_index=True)
    seen = np.isfinite(absolute)
    total = np.add.reduceat(np.where(seen, absolute, 0.0), starts, axis=1)
    count = np.add.reduceat(seen, starts, axis=1, dtype=float)
    means = np.full((len(absolute), buckets, absolute.shape[2]), np.nan)
    means[:, present] = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return means


def _winsorised(size: FloatArray) -> FloatArray:
    """Hold a single fold's size to four times the median of the series' folds: one outage is not the rule."""
    with np.errstate(all="ignore"):
        typical = _nanmedian(size)
    cap = np.where(typical > 0, 4 * typical, np.inf)
    return np.where(np.isnan(size), np.nan, np.minimum(size, cap))


def _nanmedian(size: FloatArray) -> FloatArray:
    if not len(size):
        return np.full(size.shape[1:], np.nan)
    ordered = np.sort(size, axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    low = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    high = np.take_along_axis(ordered, (count // 2)[None].clip(0, len(size) - 1), axis=0)[0]
    return np.where(count > 0, (low + high) / 2, np.nan)


def _mean(values: FloatArray, weight: FloatArray, axis: int) -> FloatArray:
    total = (np.nan_to_num(values) * weight).sum(axis=axis)
    weights = weight.sum(axis=axis)
    return np.asarray(np.divide(total, weights, out=np.full_like(total, np.nan), where=weights > 0), dtype=float)


def _floor(size: FloatArray, noise: FloatArray) -> FloatArray:
    """Return the smallest size that is told from 0, per series."""
    largest = np.nanmax(np.where(np.isnan(size), 0, size), axis=(0, 1), initial=0)
    return np.asarray(np.maximum(np.maximum(1e-9 * largest, 1e-300), 1e-9 * noise), dtype=float)


def _taught(
    size: FloatArray, noise: FloatArray, kinds: IntArray, floor: FloatArray, bucket_day: int
) -> tuple[FloatArray, FloatArray]:
    """Growth of each kind, (bucket, kind), and its ratio of fold errors to in-sample noise, (kind,)."""
    seen = np.isfinite(size).astype(float)
    log_size, count = np.log(np.maximum(_mean(size, seen, 0), floor)), seen.sum(axis=0)
    many = int(kinds.max()) + 1
    growth = np.stack(
        [_growth_of_kind(log_size[:, kinds == kind], count[:, kinds == kind], bucket_day) for kind in range(many)], 1
    )
    return growth, _noise_ratio(size, growth[:, kinds], noise, kinds, floor)


def _scales(
    size: FloatArray, *, growth: FloatArray, steady: FloatArray, floor: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Fit the scale by all folds, as logs (bucket, series), and with each left out (fold, bucket, series)."""
    seen = np.isfinite(size).astype(float)
    shrink = np.exp(-growth)

    def fit(weight: FloatArray) -> FloatArray:
        own = _mean(size, weight, 0)
        count = weight.sum(axis=0)
        level = _mean(own * shrink, np.sqrt(count), 0)
        folds = weight.any(axis=1).sum(axis=0)
        level = (np.nan_to_num(level) * folds + SIZE_PRIOR * steady) / (folds + SIZE_PRIOR)
        expected = np.log(np.maximum(level, floor)) + growth
        deviation = np.where(count > 0, np.log(np.maximum(np.nan_to_num(own), floor)) - expected, 0.0)
        deviation = np.clip(deviation, -MOST_DEVIATION, MOST_DEVIATION)
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


def _growth_of_kind(log_size: FloatArray, count: FloatArray, bucket_day: int) -> FloatArray:
    """Fit size(series) + growth(bucket) to log sizes by alternating means; extend past the reach by a power law."""
    largest = np.where(count > 0, log_size, -np.inf).max(axis=0)
    weight = np.where(np.isfinite(log_size) & (log_size > largest + np.log(NO_ERROR)), count, 0.0)
    level = np.nan_to_num(_mean(log_size, weight, 0))
    growth = np.zeros(len(log_size))
    for _ in range(8):
        growth = np.nan_to_num(_mean(log_size - level, weight, 1))
        level = np.nan_to_num(_mean(log_size - growth[:, None], weight, 0))
    seen = np.flatnonzero(weight.sum(axis=1) > 0)
    if not len(seen):
        return np.asarray(0.5 * np.log(2.0) * np.arange(len(growth)), dtype=float)
    growth = np.interp(np.arange(len(growth)), seen, growth[seen])
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


def _noise_ratio(
    size: FloatArray, growth: FloatArray, noise: FloatArray, kinds: IntArray, floor: FloatArray
) -> FloatArray:
    """Typical ratio of fold errors, growth taken out, to in-sample noise, per kind."""
    seen = np.isfinite(size).astype(float)
    level = _mean(_mean(size, seen, 0) / np.exp(growth), np.sqrt(seen.sum(axis=0)), 0)
    known = (noise > floor) & np.isfinite(level)
    ratio = np.where(known, level / np.where(known, noise, 1.0), np.nan)
    parts = [ratio[(kinds == kind) & known] for kind in range(int(kinds.max()) + 1)]
    return np.array([float(np.median(part)) if len(part) else 1.0 for part in parts])


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


def _segments(ahead: IntArray, day: int) -> IntArray:
    """Stretches of the horizon that have a shape of their own: to 2 days, to 7 days, beyond."""
    return np.searchsorted(np.array([2 * day, 7 * day]), ahead, side="left").astype(np.int64)


@dataclass(frozen=True)
class _Ordered:
    """A segment's standardised errors in ascending order, (series, place); how many there are; folds they are of.

    ``worth`` is how many folds' worth they are to the series' own shape.
    """

    values: npt.NDArray[np.float32]
    count: IntArray
    folds: FloatArray
    worth: FloatArray


def _sorted(standardised: FloatArray, segment: IntArray, segments: int) -> list[_Ordered]:
    parts = []
    for part in range(segments):
        block = standardised[:, segment == part]
        flat = np.ascontiguousarray(block.reshape(-1, block.shape[2]).T, dtype=np.float32)
        flat.sort(axis=1)
        folds = np.isfinite(block).any(axis=1).sum(axis=0).astype(float)
        worth = folds + INDEPENDENT_KEPT * (independent(block) - folds)
        parts.append(_Ordered(flat, np.isfinite(flat).sum(axis=1), folds, worth))
    return parts


def independent(block: FloatArray) -> FloatArray:
    """How many independent errors (fold, step, series) amount to, per series: from folds to all that were seen.

    Of a wrong level all errors of a fold are one; of white noise each is one. It is read off how much more the share of
    low errors, and that of large ones, differ between folds than independent errors' would.
    """
    seen = np.isfinite(block)
    many = seen.sum(axis=1)
    folds = np.maximum((many > 0).sum(axis=0), 1)
    each = np.full(block.shape[2], np.inf)
    for sign in ((block < 0) & seen, (np.abs(block) > LARGE) & seen):
        share = sign.sum(axis=1) / np.maximum(many, 1)
        mean = share.sum(axis=0) / folds
        apart = np.where(many > 0, (share - mean) ** 2, 0.0).sum(axis=0) / np.maximum(folds - 1, 1)
        each = np.minimum(each, mean * (1 - mean) / np.maximum(apart, 1e-12))
    return np.asarray(folds * np.clip(each, 1.0, np.maximum(many.max(axis=0, initial=1), 1)), dtype=float)


def _kind_shapes(ordered: list[_Ordered], kinds: IntArray) -> FloatArray:
    """Quantiles of the standardised error of each kind, (kind, segment, level), steadied by the segment before."""
    shape = np.empty((int(kinds.max()) + 1, len(ordered), len(GRID)))
    for kind in range(len(shape)):
        before = DEFAULT_SHAPE
        for place, part in enumerate(ordered):
            values = part.values[kinds == kind]
            known = values[np.isfinite(values)].astype(float)
            if len(known):
                folds = part.folds[kinds == kind].sum()
                own = np.quantile(known, GRID)
                own -= (1 - MEDIAN_KEPT) * own[MIDDLE]
                before = (folds * own + SHAPE_DEFAULT_PRIOR * before) / (folds + SHAPE_DEFAULT_PRIOR)
            shape[kind, place] = before
    return shape


def _own_shapes(ordered: list[_Ordered], shared: FloatArray) -> FloatArray:
    """Weigh each series' own quantiles against its kind's by its folds, (series, segment, level)."""
    shape = shared.copy()
    for place, part in enumerate(ordered):
        if not part.values.shape[1]:
            continue
        at = np.maximum(part.count - 1, 0)[:, None] * GRID
        low = at.astype(np.int64)
        high = np.minimum(low + 1, np.maximum(part.count - 1, 0)[:, None])
        left, right = np.take_along_axis(part.values, low, 1), np.take_along_axis(part.values, high, 1)
        own = left + (at - low) * (right - left)
        worth = np.where(part.count > 0, part.worth, 0.0)[:, None]
        own -= MEDIAN_PRIOR / (worth + MEDIAN_PRIOR) * own[:, MIDDLE : MIDDLE + 1]
        own = np.where(worth > 0, own, 0.0)
        shape[:, place] = (worth * own + SHAPE_PRIOR * shared[:, place]) / (worth + SHAPE_PRIOR)
    return shape
