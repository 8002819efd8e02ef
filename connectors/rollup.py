"""Roll-ups that are computed here, from raw samples, exactly as VictoriaMetrics computes them.

Its window of the instant t is (t − d, t]. Since d is the grid's own step, the windows lie one after the other without
gap or overlap, and each sample is in one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from connectors.decode import Floats, Key
from connectors.samples import Raw, Stamps
from connectors.stream import Grid

__all__ = ["PLAIN", "counts", "nameless", "roll_up"]

Ints = npt.NDArray[np.int64]


_FOLDS = {"min": np.minimum, "max": np.maximum, "sum": np.add, "mean": np.add}
PLAIN = ("last", "count", *_FOLDS)
"""Aggregates that need nothing but a window's samples, in their order."""

NAMELESS = ("sum", "count")
"""Aggregates of which VictoriaMetrics drops the metric's name: their value is of another kind than the metric's."""


def roll_up(raw: Raw, grid: Grid, aggregate: str) -> dict[Key, Floats] | None:
    """Return each series' roll-up at the instants of ``grid``; NaN where a window is empty.

    Returns
    -------
    dict or None
        In the order of ``raw``. A series without a sample in any window is left out, as the server does.
        None: two series would have the same labels without the metric's name; the server says what to do then.
    """
    found: dict[Key, Floats] = {}
    for key, values, (begins, sizes) in _windowed(raw, grid):
        full = np.flatnonzero(sizes)
        if not len(full):
            continue
        named = nameless(key) if aggregate in NAMELESS else key
        if named in found:
            return None
        inside = values[begins[0] : begins[-1] + sizes[-1]]
        rolled = _rolled(aggregate, inside, (begins - begins[0])[full], sizes[full])
        found[named] = np.full(grid.count, np.nan)
        found[named][full] = rolled
    return found


def _rolled(aggregate: str, values: Floats, begins: Ints, sizes: Ints) -> Floats:
    """Return the roll-up of windows that lie one after the other, given where each begins and how many it has."""
    if aggregate == "count":
        return sizes.astype(float)
    if aggregate == "last":
        latest: Floats = values[begins + sizes - 1]
        return latest
    folded: Floats = _FOLDS[aggregate].reduceat(values, begins)
    if aggregate == "mean":
        folded /= sizes
    return folded


def counts(raw: Raw, grid: Grid, at: Sequence[int]) -> dict[Key, list[int]]:
    """Return how many samples each series has in the windows of the instants ``at`` (their places in the grid)."""
    return {key: sizes[list(at)].tolist() for key, _, (_, sizes) in _windowed(raw, grid)}


def nameless(key: Key) -> Key:
    """Return a series' labels without the metric's name."""
    return tuple(pair for pair in key if pair[0] != "__name__")


def _windowed(raw: Raw, grid: Grid) -> Iterator[tuple[Key, Floats, tuple[Ints, Ints]]]:
    """Give each series' labels and values, and its windows; series that share their times are looked at once."""
    seen: Stamps | None = None
    for key, times, values in raw:
        if times is not seen:
            windows = _windows(times, grid)
            seen = times
        yield key, values, windows


def _windows(times: Stamps, grid: Grid) -> tuple[Ints, Ints]:
    """Return where each window's samples begin, and how many they are."""
    before = int(np.searchsorted(times, grid.first - grid.step, side="right"))
    end = int(np.searchsorted(times, grid.first + grid.step * (grid.count - 1), side="right"))
    windows = -((grid.first - times[before:end]) // grid.step)
    sizes = np.bincount(windows, minlength=grid.count)
    return before + np.cumsum(sizes) - sizes, sizes
