"""What is planted in the simulation, and when each of it truly breaks: found in the continuation, never set by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.api.typing import NaTType

from capacity.catalog import Resource
from capacity.simulate.clock import Floats

__all__ = ["PLANTED", "Fate", "Planted", "first_breach", "usable"]


@dataclass(frozen=True)
class Planted:
    """A fate before its truth is known: its kind, resource and series, and the verdicts that would do it justice."""

    kind: str
    resource: str
    labels: Mapping[str, str]
    verdicts: tuple[str, ...]


@dataclass(frozen=True)
class Fate:
    """A planted fate and its truth.

    Attributes
    ----------
    kind, resource, labels
        What it is, and the one series that it befalls.
    breach
        When the resource's own event truly happens: in the continuation after ``as_of``; for what is past its limit
        already, when that began. NaT: not within the continuation.
    verdicts
        The verdicts that would do it justice.
    history
        How long its history is.
    """

    kind: str
    resource: str
    labels: Mapping[str, str]
    breach: pd.Timestamp | NaTType
    verdicts: tuple[str, ...]
    history: pd.Timedelta


PLANTED = (
    Planted("already past", "disk", {"node": "node-4", "region": "us-east"}, ("past",)),
    Planted("leak", "memory", {"node": "node-3", "region": "eu-west"}, ("order now",)),
    Planted("fills", "disk", {"node": "node-2", "region": "ap-south"}, ("breach", "order now")),
    Planted("busy hour", "bandwidth", {"region": "eu-west"}, ("order now",)),
    Planted("step", "memory", {"node": "node-1", "region": "us-east"}, ("fine", "watch")),
    Planted("flat", "memory", {"node": "node-1", "region": "ap-south"}, ("fine",)),
    Planted("noisy", "streams", {"region": "us-east"}, ("watch", "breach", "order now")),
    Planted("saturates", "cpu", {"node": "node-2", "region": "us-east"}, ("breach", "order now")),
    Planted("too new", "cpu", {"node": "node-4", "region": "ap-south"}, ("cannot judge",)),
)


def usable(resource: Resource, limit: Floats) -> Floats:
    """Return usable capacity: the limit less the failure-domain reserve, less the buffer, in that order."""
    reserve = resource.reserve
    kept = 1.0 if reserve is None or reserve.n is None else 1.0 - reserve.k / reserve.n
    free: Floats = limit * kept * (1.0 - resource.buffer)
    return free


def first_breach(
    resource: Resource, times: pd.DatetimeIndex, demand: Floats, limit: Floats | float, *, as_of: pd.Timestamp
) -> pd.Timestamp | NaTType:
    """Find when a series is first past usable capacity, by the resource's own event.

    Parameters
    ----------
    times : DatetimeIndex
        Steps of the resource, from some days before ``as_of`` to the end of the continuation.
    demand, limit : arrays, shape (time,), base unit

    Returns
    -------
    Timestamp
        The first instant after ``as_of`` at which the aggregate over the trailing ``sustained`` is past; of a series
        that is past at ``as_of``, the instant at which the present excursion began; NaT: never.
    """
    window = max(1, round(resource.sustained / resource.step))
    rolled = pd.Series(demand, index=times).rolling(window)
    level = rolled.agg("max" if resource.aggregate == "max" else "mean").to_numpy()
    ceiling = usable(resource, np.broadcast_to(np.asarray(limit, dtype=float), level.shape))
    past = level > ceiling if resource.direction == "above" else level < ceiling
    now = int(times.searchsorted(as_of, side="right")) - 1
    if past[now]:
        clear = np.flatnonzero(~past[: now + 1])
        return times[int(clear[-1]) + 1 if clear.size else 0]
    later = np.flatnonzero(past[now + 1 :])
    return times[now + 1 + int(later[0])] if later.size else pd.NaT
