"""Quantiles read off a histogram's buckets, as the server's ``histogram_quantile`` does, with the bucket's error.

Within a bucket the observations are taken to lie evenly; that is a guess, and the true quantile may be anywhere in the
bucket. So each answer comes with the bounds of its bucket: what a bucket cannot tell is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.errors import FrameError
from capacity.frames import METRIC

__all__ = ["LE", "Quantile", "histogram_quantile", "past_target"]

Array = npt.NDArray[np.float64]
LE = "le"


@dataclass(frozen=True)
class Quantile:
    """A quantile by series over time; ``lower`` and ``upper`` bound the bucket that it lies in (∞: the last one)."""

    value: pd.DataFrame
    lower: pd.DataFrame
    upper: pd.DataFrame


def histogram_quantile(level: float, buckets: pd.DataFrame, *, name: str = "quantile") -> Quantile:
    """Return a quantile of observations that were counted into cumulative ``le`` buckets.

    Parameters
    ----------
    level : float, from 0 to 1
    buckets : DataFrame, time × series with a label ``le``
        How many observations lay at or below each bound (counts, increases or rates).
    name : str
        The metric of the answer's columns.

    Returns
    -------
    Quantile
        By the labels but ``le``. NaN where nothing was observed, or the bucket ``+Inf`` is missing; the highest finite
        bound where the quantile lies above it.
    """
    if not 0 <= level <= 1:
        raise FrameError(f"a quantile lies between 0 and 1, not at {level!r}.")
    made: list[tuple[Array, Array, Array]] = []
    columns, groups = _grouped(buckets, name)
    for bounds, counts in groups:
        made.append(_read(level, bounds, counts))
    frames = (_frame([one[place] for one in made], buckets.index, columns) for place in range(3))
    return Quantile(*frames)


def past_target(buckets: pd.DataFrame, target: float, *, name: str = "past") -> Quantile:
    """Return how many observations lay above ``target``, as far as buckets tell.

    ``lower`` and ``upper`` are sure: what lies above the bucket that holds the target, and with that bucket. Where the
    target is a bucket's bound all three are the same.
    """
    made: list[tuple[Array, Array, Array]] = []
    columns, groups = _grouped(buckets, name)
    for bounds, counts in groups:
        held = _held(counts)
        edges = np.concatenate([[0.0], bounds])
        below = np.vstack([np.zeros(held.shape[1]), held])
        place = int(np.searchsorted(bounds, target, side="left"))
        low, high = below[place], below[place + 1]
        width = edges[place + 1] - edges[place]
        share = max((target - edges[place]) / width, 0.0) if np.isfinite(width) else 0.0
        share = 1.0 if edges[place + 1] == target else share
        inside = low + (high - low) * share
        exact = edges[place + 1] == target
        made.append((held[-1] - inside, held[-1] - high, held[-1] - (high if exact else low)))
    frames = (_frame([one[place] for one in made], buckets.index, columns) for place in range(3))
    return Quantile(*frames)


def _grouped(buckets: pd.DataFrame, name: str) -> tuple[pd.MultiIndex, list[tuple[Array, Array]]]:
    """Return the columns without ``le``, and for each its bounds, ascending, with the counts, shape (bound, time)."""
    if LE not in buckets.columns.names:
        raise FrameError("buckets need a label 'le'.", hint="Ask for sum by (le, …) (increase(…_bucket[5m])).")
    levels = [str(level) for level in buckets.columns.names if level not in (METRIC, LE)]
    labels = buckets.columns.to_frame(index=False)
    keys = list(labels[levels].itertuples(index=False, name=None)) if levels else [()] * len(labels)
    bounds = np.array([_bound(le) for le in labels[LE]])
    values = buckets.to_numpy(dtype=float)
    found: dict[tuple[Any, ...], list[int]] = {}
    for place, key in enumerate(keys):
        found.setdefault(key, []).append(place)
    columns = pd.MultiIndex.from_tuples([(name, *key) for key in found], names=[METRIC, *levels])
    groups = []
    for places in found.values():
        order = sorted(places, key=lambda place: bounds[place])
        groups.append((bounds[order], values[:, order].T))
    return columns, groups


def _bound(le: object) -> float:
    try:
        return float(str(le).replace("+Inf", "inf"))
    except ValueError:
        raise FrameError(f"le={le!r} is no bound of a bucket.") from None


def _held(counts: Array) -> Array:
    """Return counts that never fall from one bucket to the next: scrapes and resets may leave them broken."""
    filled = np.where(np.isnan(counts), -np.inf, counts)
    risen = np.maximum.accumulate(np.vstack([np.zeros(counts.shape[1]), filled]), axis=0)[1:]
    return np.where(np.isnan(counts).all(axis=0), np.nan, risen)


def _read(level: float, bounds: Array, counts: Array) -> tuple[Array, Array, Array]:
    times = counts.shape[1]
    if not np.isinf(bounds[-1]):
        empty = np.full(times, np.nan)
        return empty, empty, empty
    held = _held(counts)
    total = held[-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        rank = level * total
        at = ((held >= rank) & (held > 0)).argmax(axis=0)
        steps = np.arange(times)
        edges = np.concatenate([[min(0.0, bounds[0])], bounds])
        before = np.where(at > 0, held[np.maximum(at - 1, 0), steps], 0.0)
        lower, upper = edges[at], edges[at + 1]
        inside = lower + (upper - lower) * (rank - before) / (held[at, steps] - before)
        value = np.where(np.isinf(upper), lower, inside)
        known = total > 0
    return tuple(np.where(known, one, np.nan) for one in (value, lower, upper))  # type: ignore[return-value]


def _frame(columns: list[Array], index: pd.Index, names: pd.MultiIndex) -> pd.DataFrame:
    return pd.DataFrame(np.column_stack(columns), index=index, columns=names)
