"""When an order arrives: the chance of a breach before it does, and the last day on which ordering is early enough."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.leadtime import LeadTime

__all__ = ["chance_before", "last_instants"]

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Steps = npt.NDArray[np.int64]

DAY = pd.Timedelta(days=1)
# Shares of paths are multiples of 1/n: the slack keeps a risk of 0.1 from being exceeded by a rounding error.
SLACK = 1e-9


def chance_before(
    curve: Array, lead: LeadTime, *, step: pd.Timedelta, past: Flags, after: pd.Timedelta | None = None
) -> Array:
    """Return P(breach before an order arrives that is placed ``after`` the cutoff), by series.

    The mean of the breach curve over the lead time's distribution. NaN where a late order (see `LeadTime.late`)
    arrives later than the curve is known; of the latest tenth, what is known of the curve counts.

    Parameters
    ----------
    curve : ndarray, shape (horizon, series)
        P(breach by t); NaN past what is known.
    past : ndarray of bool, shape (series,)
        Whether it is past at the cutoff already.
    """
    wait = pd.Timedelta(0) if after is None else after
    ahead = np.asarray([(wait + span) // step for span in lead.draws], dtype=np.int64)
    found = np.mean([_at(curve, np.full(curve.shape[1], steps), past) for steps in ahead], axis=0)
    known = np.isfinite(curve).sum(axis=0)
    return np.where(known >= (wait + lead.late) // step, found, np.nan)


def last_instants(
    curve: pd.DataFrame, lead: LeadTime, *, cutoff: pd.Timestamp, step: pd.Timedelta, past: Flags, risk: float
) -> pd.DatetimeIndex:
    """Return, by series, the instant from which on P(breach before an order placed then arrives) exceeds the risk.

    It may lie in the past. NaT: the curve stays at or below the risk as far as it is known.
    """
    values = curve.to_numpy()
    exceeds = values > risk + SLACK
    some = exceeds.any(axis=0)
    if lead.fixed:
        first = curve.index.to_numpy(dtype="datetime64[us]")[np.where(some, exceeds.argmax(axis=0), 0)]
        first = np.where(past, cutoff.to_datetime64(), np.where(some, first, np.datetime64("NaT")))
        return pd.DatetimeIndex(first, tz="UTC").as_unit("us") - lead.median
    # The chance never falls the later an order is placed: halve the stretch in which it comes to exceed the risk.
    tick = min(step, DAY)
    low = np.full(values.shape[1], -(lead.draws[-1] // tick) - 1, dtype=np.int64)
    high = np.full(values.shape[1], (curve.index[-1] - cutoff) // tick, dtype=np.int64)
    while (high - low > 1).any():
        middle = (low + high) // 2
        late = _chance(values, lead, middle, tick=tick, step=step, past=past) > risk + SLACK
        low, high = np.where(late, low, middle), np.where(late, middle, high)
    found = cutoff.to_datetime64() + high * tick.to_timedelta64()
    return pd.DatetimeIndex(np.where(some, found, np.datetime64("NaT")), tz="UTC").as_unit("us")


def _chance(
    values: Array, lead: LeadTime, ticks: Steps, *, tick: pd.Timedelta, step: pd.Timedelta, past: Flags
) -> Array:
    us = pd.Timedelta(1, unit="us")
    spans = [span // us for span in lead.draws]
    placed = ticks * (tick // us)
    return np.asarray(np.mean([_at(values, (placed + span) // (step // us), past) for span in spans], axis=0))


def _at(curve: Array, steps: Steps, past: Flags) -> Array:
    """Return P(breach within so many steps), by series: none before the cutoff, and the last that is known holds on."""
    place = np.minimum(steps, np.isfinite(curve).sum(axis=0)) - 1
    found = curve[np.maximum(place, 0), np.arange(curve.shape[1])]
    return np.where(past & (steps >= 0), 1.0, np.where(steps <= 0, 0.0, found))
