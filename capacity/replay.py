"""Replays: stretches of the past, moved to today's level, and how many of them met the event by each step ahead.

Everything here works on a block of series at once, one row a series: rows are what memory likes to run along. Nothing
here says how much a replay is worth beside a path: that is for `capacity.precedents`.
"""

from __future__ import annotations

import bottleneck as bn
import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.passage import Direction, past, rolling

__all__ = ["WINDOWS", "replay"]

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

DAY = pd.Timedelta(days=1)
# Fewer windows that do not overlap say nothing of how often something happens.
WINDOWS = 2
# A stretch is like today if its level had moved as today's has, within so many deviations of the samples about it: what
# a series did while it was flat is no precedent of a climb.
ALIKE = 3.0
# Starts of replays: more of them overlap so much that they add nothing.
STARTS = 192
# A level is the median of up to a week before it, whose seasons cancel, and of no less than a day and seven samples.
LEVEL, LEAST_LEVEL, LEAST_SAMPLES = 7 * DAY, DAY, 7
# Replays that are drawn at a time.
DRAWN = 512


def replay(
    values: Array,
    usable: Array,
    *,
    jumps: Places,
    step: pd.Timedelta,
    window: int,
    aggregate: str,
    direction: Direction,
) -> tuple[Array, Array]:
    """Return what stretches of each series' past, replayed from today's level, say of each step ahead.

    Parameters
    ----------
    values : ndarray, shape (times, series)
        The histories up to the cutoff; NaN is missing.
    usable : ndarray, shape (horizon, series)
        What may be used at each step ahead.
    jumps : ndarray of int, shape (series,)
        The row at which the level of each last jumped, 0: nowhere. No stretch runs across it: it was a change, not a
        habit.

    Returns
    -------
    share : ndarray, shape (horizon, series)
        Of the stretches that are known so far ahead, those that met the event; never falling.
    windows : ndarray, shape (horizon, series)
        How many stretches of that length lie in the past without overlapping; 0 where fewer than `WINDOWS` do.
    """
    lead = max(LEAST_SAMPLES, -(-LEAST_LEVEL // step), window - 1)
    back = max(lead, LEVEL // step)
    held, first = _held(values)
    level = _levels(held, first, back, lead)
    rows = held.shape[1] - first
    starts, known = _stretches(rows, np.maximum(jumps - first, 0), lead)
    at = np.minimum(first[:, None] + starts, held.shape[1] - 1)
    alike = (known > 0) & _alike(held, level, at, first=first, back=back)
    possible = (known > 0).sum(axis=1)
    share_alike = np.divide(alike.sum(axis=1), possible, out=np.zeros(len(first)), where=possible > 0)
    known = np.where(alike, known, 0)
    reach = np.minimum(np.minimum(len(usable), known.max(axis=1)), np.maximum(rows - lead, 0) // WINDOWS)
    ahead = np.arange(len(usable))
    windows = np.where(ahead < reach[:, None], (share_alike * (rows - lead))[:, None] / (ahead + 1.0), 0.0)
    moved = _taken(level, at - 1) - level[:, -1:]
    seen = held if window == 1 else _windows(held, window, aggregate)
    met = _first(seen, moved, at, np.minimum(known, reach[:, None]), usable.T, direction)
    return _share(met, known, reach, len(usable)).T, windows.T


def _held(values: Array) -> tuple[Array, Places]:
    """Return the histories, (series, times), and the row of each one's first sample; all rows where there is none.

    A gap holds the value before it; what lies before the first sample, that one.
    """
    rows = np.ascontiguousarray(values.T)
    seen = np.isfinite(rows)
    if seen.all():
        return rows, np.zeros(len(rows), dtype=np.intp)
    first = np.where(seen.any(axis=1), seen.argmax(axis=1), rows.shape[1])
    last = np.maximum.accumulate(np.where(seen, np.arange(rows.shape[1]), 0), axis=1)
    last = np.maximum(last, np.minimum(first, rows.shape[1] - 1)[:, None])
    return np.nan_to_num(_taken(rows, last), posinf=0.0, neginf=0.0), first


def _levels(held: Array, first: Places, back: int, lead: int) -> Array:
    """Return the median of up to ``back`` samples that end at each row; NaN where fewer than ``lead`` do."""
    times = held.shape[1]
    if times < lead:
        return np.full_like(held, np.nan)
    before = np.arange(times) < first[:, None]
    known = np.where(before, np.nan, held) if before.any() else held
    return np.asarray(bn.move_median(known, min(back, times), min_count=lead, axis=1), dtype=float)


def _windows(held: Array, window: int, aggregate: str) -> Array:
    """Return the event's aggregate of the window that ends at each row; before the first whole one, that one's."""
    whole = rolling(held[:, :, None], min(window, held.shape[1]), aggregate)[:, :, 0]
    return np.pad(whole, ((0, 0), (held.shape[1] - whole.shape[1], 0)), mode="edge")


def _stretches(rows: Places, jumps: Places, lead: int) -> tuple[Places, Places]:
    """Return where replays start, (series, `STARTS`), and how many rows of each are known: up to a jump, or to the end.

    None is known of what is no start: in short histories many fall together, and a level needs ``lead`` rows of its own
    after a jump.
    """
    apart = np.maximum(rows - 1 - lead, 0)[:, None] / (STARTS - 1)
    starts = (np.arange(STARTS) * apart + lead).astype(np.intp)
    starts[:, -1] = np.maximum(rows - 1, lead)
    new = np.diff(starts, axis=1, prepend=-1) > 0
    new &= (rows > lead)[:, None]
    jump = jumps[:, None]
    new &= (jump == 0) | (starts < jump) | (starts >= jump + lead)
    return starts, np.where(new, np.where(starts < jump, jump, rows[:, None]) - starts, 0)


def _alike(held: Array, level: Array, at: Places, *, first: Places, back: int) -> Flags:
    """Whether the level had moved before each start as it has before the cutoff; where it is not known, it had not."""
    earliest = np.minimum(first, held.shape[1] - 1)[:, None]
    moved = _taken(level, at - 1) - _taken(level, np.maximum(at - 1 - back, earliest))
    today = level[:, -1:] - _taken(level, np.maximum(held.shape[1] - 1 - back, earliest))
    spread = 1.4826 * _middle(np.abs(held - level))[:, None]
    alike: Flags = (np.abs(np.nan_to_num(moved) - np.nan_to_num(today)) <= ALIKE * spread) | (spread == 0)
    return alike


def _middle(values: Array) -> Array:
    """Return the median of what is not NaN, by row; 0 where there is nothing."""
    ordered = np.sort(values, axis=1)
    count = np.isfinite(ordered).sum(axis=1)[:, None]
    low = _taken(ordered, np.maximum(count - 1, 0) // 2)
    high = _taken(ordered, np.minimum(count // 2, ordered.shape[1] - 1))
    return np.where(count > 0, (low + high) / 2, 0.0)[:, 0]


def _first(seen: Array, moved: Array, at: Places, known: Places, usable: Array, direction: Direction) -> Places:
    """Return the first step ahead at which each replay, ``moved`` by so much, met the event; -1: never while known.

    Most replays of a healthy fleet cannot: their worst sample from the start on is told at once.
    """
    found = np.full(at.shape, -1, dtype=np.intp)
    worst = np.maximum if direction == "above" else np.minimum
    least = np.minimum if direction == "above" else np.maximum
    ahead = worst.accumulate(seen[:, ::-1], axis=1)[:, ::-1]
    within = past(_taken(ahead, at) - moved, least.reduce(usable, axis=1)[:, None], direction)
    series, start = np.nonzero(within & (known > 0))
    if not len(series):
        return found
    reach = int(known[series, start].max())
    room = usable[:, :1] if (usable == usable[:, :1]).all() else usable[:, :reach]
    longer = np.pad(seen, ((0, 0), (0, reach)), mode="edge")
    stretch = np.lib.stride_tricks.sliding_window_view(longer, reach, axis=1)
    for begin in range(0, len(series), DRAWN):
        one, other = series[begin : begin + DRAWN], start[begin : begin + DRAWN]
        drawn = stretch[one, at[one, other]]
        drawn -= moved[one, other][:, None]
        met = past(drawn, room[one], direction)
        step = met.argmax(axis=1)
        found[one, other] = np.where(met[np.arange(len(step)), step] & (step < known[one, other]), step, -1)
    return found


def _share(first: Places, known: Places, reach: Places, horizon: int) -> Array:
    """Return, by step ahead, the share of those stretches that are known so far that had met the event by then."""
    share = np.zeros((len(first), horizon))
    some = np.flatnonzero((first >= 0).any(axis=1))
    if not len(some):
        return share
    ends, met = np.minimum(known, reach[:, None])[some], first[some] >= 0
    gone = _by_step(ends, ends > 0, horizon)
    alive = (ends > 0).sum(axis=1)[:, None] - gone
    begun = _by_step(first[some], met, horizon) - _by_step(ends, met, horizon)
    np.divide(begun, alive, out=begun, where=alive > 0)
    begun[np.arange(horizon) >= reach[some, None]] = 0.0
    share[some] = np.maximum.accumulate(begun, axis=1)
    return share


def _by_step(step: Places, counted: Flags, horizon: int) -> Array:
    """Return how many of those counted lie at or before each step ahead, (series, horizon)."""
    flat = step + np.arange(len(step))[:, None] * (horizon + 1)
    counts = np.bincount(flat[counted], minlength=len(step) * (horizon + 1)).reshape(len(step), -1)
    return counts[:, :horizon].cumsum(axis=1, dtype=float)


def _taken(values: Array, columns: Places) -> Array:
    return np.asarray(np.take_along_axis(values, columns, axis=1))
