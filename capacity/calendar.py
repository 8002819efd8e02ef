"""Calendars of regions: their public holidays, and the clock on their walls."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.catalog import Catalog, Event
from capacity.errors import ParameterError
from capacity.frames import series_labels

__all__ = ["WallClock", "holidays_of", "wall_clock", "zones"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def holidays_of(catalog: Catalog, *, start: pd.Timestamp, end: pd.Timestamp) -> tuple[Event, ...]:
    """Return the public holidays between two instants, by region, each from midnight to midnight of its time zone.

    ``catalog.holidays`` names a country, or a part of one (``"DE"``, ``"DE-BY"``), for every region; the dates are
    those of the ``holidays`` package.

    Raises
    ------
    ParameterError
        A country is not known to it.
    """
    found = []
    for region, place in catalog.holidays.items():
        zone = catalog.timezone_of({"region": region})
        for day, name in _dates(place, range(start.year, end.year + 1)).items():
            begins = pd.Timestamp(day).tz_localize(zone).tz_convert("UTC").as_unit("us")
            ends = (pd.Timestamp(day) + pd.Timedelta(days=1)).tz_localize(zone).tz_convert("UTC").as_unit("us")
            if begins < end and ends > start:
                found.append(Event("holiday", name, begins, ends, where={"region": region}))
    return tuple(found)


def _dates(place: str, years: range) -> Mapping[dt.date, str]:
    import holidays

    country, _, part = place.partition("-")
    try:
        with warnings.catch_warnings():
            # It warns of years whose lunar dates are estimates: they are the best that is known.
            warnings.simplefilter("ignore")
            dates = holidays.country_holidays(country, subdiv=part or None, years=years)
    except NotImplementedError as error:
        raise ParameterError(
            f"no calendar of holidays is known for {place!r}.", hint='Name a country as in ISO 3166: "DE", "US-NY".'
        ) from error
    return dict(sorted(dates.items()))


def zones(frame: pd.DataFrame, timezones: Mapping[str, str] | str | None) -> list[str]:
    """Return the time zone of every series: its region's, else the one under ``""``, else UTC."""
    if timezones is None or isinstance(timezones, str):
        return [timezones or "UTC"] * frame.shape[1]
    known = timezones
    return [known.get(labels.get("region", ""), known.get("", "UTC")) for labels in series_labels(frame)]


class WallClock:
    """Daylight saving: a history set back to the clock that rules at its cutoff, and a horizon read by the clock then.

    People get up by the clock on the wall. So samples from before a change of it are moved by that hour, which leaves
    a gap or drops an hour at the change, and the season that a model sees is one of local time.
    """

    def __init__(self, history: IntArray, horizon: IntArray) -> None:
        self.history, self.horizon = history, horizon

    def align(self, values: FloatArray) -> FloatArray:
        """Return a history (time, series) as the clock at its cutoff would have shown it."""
        out = np.full_like(values, np.nan)
        for column in range(values.shape[1]):
            goes = self.history[:, column]
            inside = (goes >= 0) & (goes < len(out))
            out[goes[inside], column] = values[inside, column]
        return out

    def read(self, values: FloatArray) -> FloatArray:
        """Return what was forecast by one clock (horizon, series) at the instants of the true ones."""
        return np.take_along_axis(values, self.horizon, axis=0)


def wall_clock(
    times: pd.DatetimeIndex, horizon: pd.DatetimeIndex, step: pd.Timedelta, zone_of: Sequence[str]
) -> WallClock | None:
    """Return how the clocks of these zones change over history and horizon; None where they do not.

    A change that is no whole number of steps (a step of a day) moves no sample.
    """
    if set(zone_of) <= {"UTC"}:
        return None
    moves = {zone: _moves(times, horizon, step, zone) for zone in set(zone_of)}
    if not any(past.any() or ahead.any() for past, ahead in moves.values()):
        return None
    past = np.stack([moves[zone][0] for zone in zone_of], axis=1)
    ahead = np.stack([moves[zone][1] for zone in zone_of], axis=1)
    history = np.arange(len(times))[:, None] + past
    future = np.clip(np.arange(len(horizon))[:, None] + ahead, 0, len(horizon) - 1)
    return WallClock(history, future)


def _moves(
    times: pd.DatetimeIndex, horizon: pd.DatetimeIndex, step: pd.Timedelta, zone: str
) -> tuple[IntArray, IntArray]:
    """By how many steps the start of each step is moved, against the clock at the cutoff."""
    now = _offset_s(times[-1:] - step, zone)[0]
    past, ahead = ((_offset_s(index - step, zone) - now) / step.total_seconds() for index in (times, horizon))
    return _whole(past, step), _whole(ahead, step)


def _whole(steps: FloatArray, step: pd.Timedelta) -> IntArray:
    fits = (steps == np.round(steps)) & (step < pd.Timedelta(hours=12))
    return np.where(fits, steps, 0.0).astype(np.int64)


def _offset_s(instants: pd.DatetimeIndex, zone: str) -> FloatArray:
    """Seconds that a zone's clock is ahead of UTC at each instant."""
    utc = instants.tz_convert("UTC")
    wall = utc.tz_convert(zone).tz_localize(None)
    return np.asarray((wall - utc.tz_localize(None)).total_seconds(), dtype=float)
