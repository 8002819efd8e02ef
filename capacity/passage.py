"""First passage: when sample paths first meet the event "past usable capacity".

The event at t: the aggregate of demand over the trailing window (t − sustained, t] is past usable capacity at t. The
first windows of the horizon reach back into the history, so its last steps are part of the question. Everything here
works on blocks of series, so that memory is bounded by the block and not by the fleet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import uniform_filter1d

from capacity.errors import ParameterError

__all__ = ["block_size", "event", "first_passage", "gathered", "past", "quantile_step", "rolling", "window_steps"]

Array: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Blocks: TypeAlias = Iterable[tuple[slice, Array]]
Direction: TypeAlias = Literal["above", "below"]

_AGGREGATES = ("mean", "max", "min", "median", "last")
_PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?)")

# A block's paths take about this much memory; the aggregate over a window takes up to three times as much again. What
# fits into the processor's cache is counted twice as fast as what does not.
BLOCK_BYTES = 6 * 2**20


def window_steps(sustained: pd.Timedelta, step: pd.Timedelta) -> int:
    """Return how many samples lie in (t − sustained, t]; a step longer than ``sustained`` is one window."""
    return max(1, -(-sustained // step))


def block_size(paths: int, horizon: int) -> int:
    """Return how many series make a block of about `BLOCK_BYTES`."""
    return max(1, BLOCK_BYTES // (8 * paths * horizon))


def rolling(values: Array, window: int, aggregate: str = "mean") -> Array:
    """Aggregate each trailing window of ``window`` samples along axis 1.

    Parameters
    ----------
    values : ndarray, shape (paths, times, series)
    window : int
        In samples.
    aggregate : str
        ``mean``, ``max``, ``min``, ``median``, ``last``, or a percentile such as ``p95``.

    Returns
    -------
    ndarray, shape (paths, times − window + 1, series)
        NaN wherever a window holds one.

    Raises
    ------
    ParameterError
        The aggregate is not one of these.
    """
    level = _level(aggregate)
    if window == 1:
        return values
    if aggregate == "last":
        return values[:, window - 1 :]
    if aggregate == "mean":
        return _rolling_mean(values, window)
    if aggregate in ("max", "min"):
        return _rolling_extreme(values, window, np.maximum if aggregate == "max" else np.minimum)
    return _rolling_quantile(values, window, level)


def past(values: Array, usable: Array, direction: Direction) -> Flags:
    """Whether ``values`` are past ``usable``: above it, or below it where less is worse. At it is not past it."""
    if direction not in ("above", "below"):
        raise ParameterError(f'direction must be "above" or "below", not {direction!r}.')
    return values > usable if direction == "above" else values < usable


def event(values: Array, usable: Array, *, window: int, aggregate: str, direction: Direction) -> Flags:
    """Whether each window's aggregate is past ``usable``, up to the first window of which that is sure.

    Parameters
    ----------
    values : ndarray, shape (paths, window − 1 + horizon, series)
    usable : ndarray, shape (horizon, series)

    Returns
    -------
    ndarray of bool, shape (paths, horizon, series)
        The first True of each path is exact; what comes after it need not be.
    """
    if window == 1 or aggregate in ("mean", "max", "min", "last"):
        return past(rolling(values, window, aggregate), usable, direction)
    # A quantile lies between the lowest and the highest: it is worked out only where they do not agree.
    worst, best = (np.maximum, np.minimum) if direction == "above" else (np.minimum, np.maximum)
    sure = past(_rolling_extreme(values, window, best), usable, direction)
    unsure = past(_rolling_extreme(values, window, worst), usable, direction) & ~np.maximum.accumulate(sure, axis=1)
    inside, level = np.arange(window), _level(aggregate)
    for series in range(values.shape[2]):
        path, step = np.nonzero(unsure[:, :, series])
        windows = values[path[:, None], step[:, None] + inside, series]
        found = np.quantile(windows, level, axis=1)
        sure[path, step, series] = past(found, usable[step, series], direction)
    return sure


def first_passage(
    blocks: Blocks,
    *,
    tail: Array,
    usable: Callable[[slice], Array],
    window: int,
    aggregate: str = "mean",
    direction: Direction = "above",
    shape: tuple[int, int],
    progress: Callable[[int], object] | None = None,
) -> Array:
    """Return P(T ≤ t): the share of paths that have met the event by each step of the horizon.

    Parameters
    ----------
    blocks : iterable of (slice, ndarray of shape (paths, horizon, series of the slice))
        As `Forecast.iter_paths` gives them.
    tail : ndarray, shape (window − 1, series)
        The samples right before the horizon, without NaN.
    usable : callable
        Usable capacity over the horizon of a slice of the series, shape (horizon, series of the slice).
    window, aggregate, direction
        The event; see `rolling` and `past`.
    shape : (horizon, series)
    progress : callable, optional
        Called with the number of series that are done.

    Returns
    -------
    ndarray, shape (horizon, series)
        In [0, 1], never falling along the horizon. NaN for a series without a limit, or with a path that is NaN.
    """
    curve = np.full(shape, np.nan)
    for where, paths in blocks:
        room = usable(where)
        known = ~(np.isnan(paths.sum(axis=(0, 1))) | np.isnan(room).any(axis=0))
        if known.any():
            whole = paths if window == 1 else _with_tail(paths, tail[:, where])
            met = event(whole, room, window=window, aggregate=aggregate, direction=direction)
            curve[:, where] = np.where(known, _share_by_step(met), np.nan)
        if progress is not None:
            progress(where.stop)
    return curve


def gathered(
    shares: Iterable[tuple[slice, Array]], *, shape: tuple[int, int], progress: Callable[[int], object] | None = None
) -> Array:
    """Put blocks of curves, ``(columns, shares of shape (horizon, k))``, beside each other; shape (horizon, series)."""
    curve = np.full(shape, np.nan)
    for where, share in shares:
        curve[:, where] = share
        if progress is not None:
            progress(where.stop)
    return curve


def quantile_step(curve: Array, level: float) -> npt.NDArray[np.intp]:
    """Return the first step (from 0) at which P(T ≤ t) has reached ``level``, by series; -1: not within the curve."""
    # Shares of paths are multiples of 1/n: the slack keeps 0.1 from being missed by a rounding error.
    reached = curve >= level - 1e-9
    return np.where(reached.any(axis=0), reached.argmax(axis=0), -1)


def _share_by_step(met: Flags) -> Array:
    paths, horizon, series = met.shape
    first = met.argmax(axis=1)
    never = ~np.take_along_axis(met, first[:, None, :], axis=1)[:, 0, :]
    first[never] = horizon
    flat = first + np.arange(series) * (horizon + 1)
    counts = np.bincount(flat.ravel(), minlength=series * (horizon + 1)).reshape(series, horizon + 1)
    share: Array = counts[:, :horizon].cumsum(axis=1).T / paths
    return share


def _with_tail(paths: Array, tail: Array) -> Array:
    # Time is laid out last in memory, as the paths come: everything below runs along it.
    count, horizon, series = paths.shape
    whole = np.empty((series, count, len(tail) + horizon))
    whole[:, :, : len(tail)] = tail.T[:, None, :]
    whole[:, :, len(tail) :] = paths.transpose(2, 0, 1)
    return whole.transpose(1, 2, 0)


def _rolling_mean(values: Array, window: int) -> Array:
    # One pass with a running sum of one window's length, so that large values lose nothing; its output is centred.
    centred = uniform_filter1d(values, window, axis=1, mode="nearest")
    start = window // 2
    return np.asarray(centred[:, start : start + values.shape[1] - window + 1])


def _rolling_extreme(values: Array, window: int, pick: np.ufunc) -> Array:
    # Doubling: the extreme of 2k samples is that of two neighbouring k, and two overlapping runs make any length.
    span, best = 1, values
    while 2 * span <= window:
        best = pick(best[:, :-span], best[:, span:])
        span *= 2
    rest = window - span
    found: Array = pick(best[:, : best.shape[1] - rest], best[:, rest:]) if rest else best
    return found


def _rolling_quantile(values: Array, window: int, level: float) -> Array:
    found = np.empty((values.shape[0], values.shape[1] - window + 1, values.shape[2]))
    for series in range(values.shape[2]):
        windows = np.lib.stride_tricks.sliding_window_view(values[:, :, series], window, axis=1)
        found[:, :, series] = np.quantile(windows, level, axis=-1)
    return found


def _level(aggregate: str) -> float:
    if aggregate in _AGGREGATES:
        return 0.5
    matched = _PERCENTILE.fullmatch(aggregate)
    if matched is None:
        raise ParameterError(
            f"unknown aggregate {aggregate!r}.", hint=f"Known: {', '.join(_AGGREGATES)}, and percentiles such as p95."
        )
    return float(matched[1]) / 100
