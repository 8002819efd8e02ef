"""Orders: capacity that is bought and will land, as steps of a limit that are still to come."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from capacity import limits
from capacity.catalog import Event, matches
from capacity.frames import series_labels
from capacity.limits import LimitLike

__all__ = ["with_orders"]


def with_orders(
    limit: LimitLike, orders: Iterable[Event], *, columns: pd.MultiIndex, cutoff: pd.Timestamp
) -> LimitLike:
    """Return ``limit`` raised by every order's effect from its start (to its end, where it has one), by series.

    Only orders that start after ``cutoff`` count: what landed before it is in the limit that was measured or written
    down. An order without an effect raises nothing. Without orders to come the limit is returned as it came.
    """
    coming = [one for one in orders if one.start > cutoff and one.effect is not None]
    if not coming or limit is None:
        return limit
    steps = [one.start for one in coming] + [one.end for one in coming if one.end is not None]
    times = pd.DatetimeIndex(sorted({cutoff, *_stated(limit), *steps})).as_unit("us")
    found = limits.match(columns, limit, times=times, cutoff=cutoff)
    values = found.of(slice(None)).copy()
    for one in coming:
        rows = np.asarray(times >= one.start)
        if one.end is not None:
            rows &= np.asarray(times < one.end)
        named = [matches(one.where, labels) for labels in series_labels(columns)]
        values[np.ix_(np.flatnonzero(rows), np.flatnonzero(named))] += one.effect or 0.0
    # A series without a limit keeps none, and is told why by who matches limits.
    return pd.DataFrame(values, index=times, columns=columns).loc[:, found.owner >= 0]


def _stated(limit: LimitLike) -> list[pd.Timestamp]:
    """Return the instants at which a limit is stated; none where it always holds."""
    if isinstance(limit, pd.DataFrame | pd.Series):
        return list(limit.index) if isinstance(limit.index, pd.DatetimeIndex) else []
    if isinstance(limit, list | tuple):
        return [pd.Timestamp(when) for when, _ in limit]
    return []
