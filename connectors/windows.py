"""Windows: how a long range is asked for in parts that a server answers, so that the parts make the same whole."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pandas as pd

from capacity.errors import QueryRejected
from capacity.frames import duration_text
from connectors.base import Window
from connectors.expressions import whole_window_part

__all__ = ["halves", "limit_told", "points_allowed", "refuse_to_split", "runs", "split"]

_LIMIT = re.compile(r"(?:maxPointsPerTimeseries=|maximum number of points is |maximum resolution of )([\d,]+)")


def points_allowed(step: pd.Timedelta, resolution: pd.Timedelta | None, *, points: int, subquery_points: int) -> int:
    """Return how many instants one request may ask for.

    Parameters
    ----------
    step, resolution
        Spacing of the instants, and of the values below each (None: there is no subquery).
    points, subquery_points
        What the server allows a series: instants, and values that a subquery goes through.

    Returns
    -------
    int
        At least 1. Of the subquery's values a step and some more are left free, since its window reaches back.
    """
    if resolution is None:
        return points
    reach = int(subquery_points * resolution / step) - 2
    return max(1, min(points, reach))


def split(window: Window, points: int) -> list[pd.DatetimeIndex]:
    """Cut a window's instants into runs of at most ``points``, in order, of nearly equal length.

    Every instant is in exactly one run, so that nothing is double or missing at a seam.
    """
    return runs(window.times, points)


def runs(times: pd.DatetimeIndex, points: int) -> list[pd.DatetimeIndex]:
    """Cut instants into runs of at most ``points``: see `split`."""
    borders = np.linspace(0, len(times), -(-len(times) // points) + 1).round().astype(int).tolist()
    return [times[begin:end] for begin, end in pairwise(borders) if begin < end]


def limit_told(said: str) -> int | None:
    """Return how many instants a series a server allows, from the words in which it refuses more; None: not told."""
    found = _LIMIT.search(said)
    return int(found[1].replace(",", "")) if found else None


def halves(run: pd.DatetimeIndex) -> list[pd.DatetimeIndex]:
    """Cut a run in two; one instant cannot be cut."""
    middle = len(run) // 2
    return [run[:middle], run[middle:]] if middle else [run]


def refuse_to_split(query: str, window: Window, *, points: int, source: str) -> None:
    """Raise if a query may not be asked for in parts.

    Raises
    ------
    QueryRejected
        Its value depends on the whole range; the message says by what, and the step that would do.
    """
    part = whole_window_part(query)
    if part is None:
        return
    count = len(window.times)
    enough = ((window.end - window.start) / points).ceil("min")
    raise QueryRejected(
        f"{count} instants are more than the {points} that one request may ask for, and {part} depends on the whole "
        "range, so that it cannot be asked for in parts.",
        source=source,
        query=query,
        hint=f"Ask for a step of {duration_text(enough)} or more, or for a shorter window.",
    )
