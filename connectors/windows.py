"""Windows: how a long range is asked for in parts that a server answers, so that the parts make the same whole."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.errors import QueryRejected
from capacity.frames import duration_text
from connectors.base import Window
from connectors.expressions import whole_window_part

__all__ = ["halves", "points_allowed", "refuse_to_split", "split"]


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
    times = window.times
    runs = -(-len(times) // points)
    return [times[part[0] : part[-1] + 1] for part in np.array_split(np.arange(len(times)), runs) if len(part)]


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
