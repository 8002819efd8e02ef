"""What a forecast was asked, read: levels, steps, kinds, bounds, units; and what is known of its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import events as known_events
from capacity.calendar import WallClock, holidays_of
from capacity.catalog import Catalog
from capacity.errors import ParameterError, UnitError
from capacity.events import Applied, EventsLike
from capacity.links import Link
from capacity.paths import Law
from capacity.prepare import Prepared
from capacity.provenance import UNKNOWN
from capacity.units import unit

__all__ = [
    "adjusted",
    "instants_ahead",
    "kinds",
    "levels",
    "link_of",
    "seed",
    "steps",
    "take_events",
    "times",
    "told",
    "units",
]

FloatArray = npt.NDArray[np.float64]
Bounds = tuple[float | None, float | None]


def times(prepared: Prepared) -> pd.DatetimeIndex:
    """Return the instants of the history."""
    return pd.DatetimeIndex(prepared.frame.index)


def instants_ahead(prepared: Prepared, steps: int) -> pd.DatetimeIndex:
    """Return the instants of the horizon."""
    start = prepared.cutoff + prepared.step
    return pd.date_range(start, periods=steps, freq=prepared.step, name="time", unit="us")


def take_events(
    prepared: Prepared,
    listed: Sequence[known_events.Known],
    events: EventsLike,
    where: Sequence[str],
    ahead: pd.DatetimeIndex,
) -> Applied | None:
    """Take known events off the history; None where there are none to take."""
    public = holidays_of(events, start=prepared.frame.index[0], end=ahead[-1]) if isinstance(events, Catalog) else ()
    if not prepared.frame.shape[1] or not (listed or public):
        return None
    return known_events.apply(prepared.frame, prepared.values, listed, holidays=public, horizon=ahead, timezones=where)


def adjusted(prepared: Prepared, applied: Applied | None, clock: WallClock | None) -> FloatArray | None:
    """Return what models are given instead of the samples; None: the samples."""
    values = None if applied is None else applied.values
    return values if clock is None else clock.align(prepared.values if values is None else values)


def told(law: Law, applied: Applied | None, clock: WallClock | None) -> Law:
    """Return a law by the clocks of the horizon, with what events add on top."""
    if clock is not None:
        law = replace(law, centre=clock.read(law.centre), scale=clock.read(law.scale))
    if applied is None or not applied.added.any():
        return law
    plain = law.link.back(law.centre)
    moved = law.link.forward(plain + applied.added)
    # An announcement's own error, on the link's scale.
    doubt = np.abs(law.link.forward(plain + (1 + known_events.DOUBT) * applied.added) - moved)
    touched = applied.added != 0
    return replace(
        law,
        centre=np.where(touched, moved, law.centre),
        scale=np.where(touched, np.hypot(law.scale, doubt), law.scale),
    )


def units(prepared: Prepared) -> dict[str, str]:
    """Return the base unit of every metric; what is not known as a unit is told as it was stated."""
    found = {}
    for metric in prepared.frame.columns.get_level_values(0).unique():
        stated = prepared.provenance[str(metric)].unit
        try:
            found[str(metric)] = stated if stated == UNKNOWN else unit(stated).base
        except UnitError:
            found[str(metric)] = stated
    return found


def levels(quantiles: Sequence[float]) -> tuple[float, ...]:
    """Read quantile levels, ascending."""
    read = tuple(sorted({float(level) for level in quantiles}))
    if not read or not 0 < read[0] <= read[-1] < 1:
        raise ParameterError(f"quantiles must lie between 0 and 1, not {tuple(quantiles)!r}.")
    return read


def steps(ahead: pd.Timedelta, step: pd.Timedelta) -> int:
    """Return how many steps a horizon has."""
    count = int(ahead // step)
    if count < 1:
        raise ParameterError(f"the horizon {ahead} is shorter than one step of the history ({step}).")
    return count


def kinds(prepared: Prepared, kind: str | Sequence[str] | None) -> npt.NDArray[np.int64]:
    """Return the number of every series' kind; by default that of its metric."""
    names = list(prepared.frame.columns.get_level_values(0)) if kind is None else kind
    if isinstance(names, str):
        names = [names] * prepared.frame.shape[1]
    if len(names) != prepared.frame.shape[1]:
        raise ParameterError(f"{len(names)} kinds were given for {prepared.frame.shape[1]} series.")
    return np.unique(np.asarray(names, dtype=str), return_inverse=True)[1].astype(np.int64)


def link_of(prepared: Prepared, bounds: Bounds | None) -> Link:
    """Return the link that keeps every series within its bounds; what never was negative stays so."""
    values = prepared.frame.to_numpy(dtype=float)
    series = values.shape[1]
    if bounds is None:
        lowest = np.min(np.where(np.isfinite(values), values, np.inf), axis=0)
        return Link(np.where(lowest >= 0, 0.0, -np.inf), np.full(series, np.inf))
    lower = -np.inf if bounds[0] is None else float(bounds[0])
    upper = np.inf if bounds[1] is None else float(bounds[1])
    if not lower < upper:
        raise ParameterError(f"bounds {bounds!r} leave no room: the lower one must be below the upper one.")
    return Link(np.full(series, lower), np.full(series, upper))


def seed(given: object) -> int:
    """Read a seed."""
    try:
        return int(given)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError) as error:
        raise ParameterError(f"seed {given!r} is not a whole number.") from error
