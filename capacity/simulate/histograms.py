"""Histograms with ``le`` buckets: how many observations of each minute fall below each bound.

Observations are log-logistic: a share ``1 / (1 + (median / x)**shape)`` of them lies below x. With a shape of 1.92 the
quantiles .5, .95, .99 and .999 stand to each other as 1 : 4.6 : 11 : 37, which is what DWCP's consensus latencies do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capacity.simulate.clock import Floats

__all__ = ["bound", "cumulative", "quantile", "sampled"]


def bound(value: float) -> str:
    """Write a bucket's upper bound as the ``le`` label has it."""
    return "+Inf" if np.isinf(value) else f"{value:g}"


def cumulative(counts: Floats, medians: Floats, *, bounds: Sequence[float], shape: float) -> Floats:
    """Return how many of each minute's ``counts`` lie at or below each bound, whole numbers.

    Where there are hundreds a minute, the expected number, rounded, will do: what the draw adds is in ``medians``.

    Returns
    -------
    array, shape (bounds, minutes)
        The last bound must be infinite: there it is ``counts``.
    """
    odds = medians**shape
    below = np.empty((len(bounds), counts.size))
    for row, upper in enumerate(bounds[:-1]):
        np.divide(counts, 1.0 + odds * upper**-shape, out=below[row])
        np.rint(below[row], out=below[row])
    below[-1] = counts
    return below


def sampled(
    random: np.random.Generator, counts: Floats, medians: Floats, *, bounds: Sequence[float], shape: float
) -> tuple[Floats, Floats]:
    """Draw each observation, and count: for histograms with few observations a minute.

    Returns
    -------
    tuple of arrays
        As `cumulative`, and the sum of each minute's observations.
    """
    minute = np.repeat(np.arange(counts.size), counts.astype(np.int64))
    share = random.uniform(1e-6, 1.0 - 1e-4, minute.size)
    values = medians[minute] * (share / (1.0 - share)) ** (1.0 / shape)
    bucket = np.searchsorted(np.asarray(bounds), values)
    flat = np.bincount(bucket * counts.size + minute, minlength=len(bounds) * counts.size)
    below = np.cumsum(flat.reshape(len(bounds), counts.size), axis=0).astype(float)
    return below, np.bincount(minute, weights=values, minlength=counts.size).astype(float)


def quantile(level: float, below: Floats, *, bounds: Sequence[float]) -> Floats:
    """Read a quantile off cumulative buckets, along straight lines within a bucket, as PromQL does.

    Parameters
    ----------
    level : float
    below : array, shape (bounds, …)
        Observations at or below each bound; the last bound is infinite.

    Returns
    -------
    array, shape (…)
        NaN where nothing was observed; the last finite bound where the quantile lies above it.
    """
    edges = np.concatenate([[0.0], np.asarray(bounds, dtype=float)])
    total = below[-1]
    rank = level * total
    at = np.argmax(below >= rank, axis=0)
    upper = np.take_along_axis(below, at[None], axis=0)[0]
    lower = np.where(at > 0, np.take_along_axis(below, np.maximum(at - 1, 0)[None], axis=0)[0], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = edges[at] + (edges[at + 1] - edges[at]) * (rank - lower) / (upper - lower)
        value: Floats = np.where(np.isinf(edges[at + 1]), edges[at], inside)
    return np.where(total > 0, value, np.nan)
