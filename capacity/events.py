"""Known events: what history to leave out or to lift, and what demand to add to the horizon.

What a catalogue knows is not for a model to find out. Before the fit an event's mark is taken off the history: a
declared outlier window is missing (`capacity.prepare`), what came before a level shift or a launch is lifted to the
level after it, what a campaign added is taken off again, and a holiday's samples say nothing about its weekday. After
the fit the demand that is announced is put on top of the horizon, from the instant it starts.

An event is known in advance: a forecast may use one that starts after its cutoff. What an event did is only learnt from
samples up to the cutoff.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity.catalog import Catalog, Event, matches
from capacity.effects import History, holiday_profile, jump, lift, surplus
from capacity.errors import ParameterError, did_you_mean
from capacity.frames import instant, series_labels

__all__ = ["ACTIONS", "Applied", "EventsLike", "Known", "apply", "known", "timezones_of"]

FloatArray = npt.NDArray[np.float64]
EventsLike = Catalog | Iterable[Event] | pd.DataFrame | None

# What is done about each kind of event (the catalogue's words). A kind of somebody's own is read by what it moves.
ACTIONS = {
    "outlier_window": "unfit",
    "level_shift": "arrive",
    "launch": "arrive",
    "migration": "arrive",
    "decommission": "leave",
    "campaign": "pass",
    "holiday": "holiday",
    "order": "limit",
    "quota": "limit",
}
FIELDS = ("kind", "name", "start", "end", "effect")
# The announced size of an event is taken to be wrong by this share of it, one way or the other.
DOUBT = 0.2


@dataclass(frozen=True)
class Known:
    """An event, and what is to be done about it."""

    event: Event
    action: str


@dataclass(frozen=True)
class Applied:
    """What events did to a history and do to its horizon.

    Attributes
    ----------
    values : ndarray, shape (time, series)
        The history that a model is given.
    added : ndarray, shape (horizon, series)
        Demand on top of what the model forecasts.
    notes : tuple of str, one a series
        What was done, in a few words; empty where nothing was.
    since : ndarray of int, shape (series,)
        Row of the last level shift; 0 without one.
    """

    values: FloatArray
    added: FloatArray
    notes: tuple[str, ...]
    since: npt.NDArray[np.int64]

    def only(self, where: slice) -> Applied:
        """Return what events did to some of the series."""
        return Applied(self.values[:, where], self.added[:, where], self.notes[where], self.since[where])


def known(events: EventsLike) -> tuple[Known, ...]:
    """Read events: those of a catalogue, a frame's rows, or events as they are; the earliest first.

    A frame has the columns ``kind``, ``start`` and, where they are needed, ``name``, ``end`` and ``effect``; any other
    column is a label that a series has to have (empty: any value).

    Raises
    ------
    ParameterError
        A row cannot be read, or its kind is not known.
    """
    moves = {}
    if isinstance(events, Catalog):
        moves = {name: kind.moves for name, kind in events.event_kinds.items()}
        rows = events.events
    else:
        rows = _rows(events) if isinstance(events, pd.DataFrame) else tuple(events or ())
    return tuple(Known(event, _action(event, moves)) for event in sorted(rows, key=lambda one: one.start))


def timezones_of(events: EventsLike) -> Mapping[str, str] | str | None:
    """Return the time zones that a catalogue knows, by region, with its own under ``""``; None without a catalogue."""
    return {"": events.timezone, **events.timezones} if isinstance(events, Catalog) else None


def _action(event: Event, moves: Mapping[str, str]) -> str:
    if event.kind in ACTIONS:
        return ACTIONS[event.kind]
    if event.kind not in moves:
        raise ParameterError(
            f"unknown kind of event {event.kind!r}.{did_you_mean(event.kind, ACTIONS)}",
            hint=f"One of {', '.join(ACTIONS)}.",
        )
    stays = event.end is None
    return {"limit": "limit", "history": "arrive" if stays else "unfit"}.get(
        moves[event.kind], "arrive" if stays else "pass"
    )


def _rows(frame: pd.DataFrame) -> tuple[Event, ...]:
    """Read a frame's rows."""
    if missing := {"kind", "start"} - set(frame.columns):
        raise ParameterError(
            f"events need the column {sorted(missing)[0]!r}; there are {', '.join(map(str, frame.columns))}.",
            hint=f"Columns: {', '.join(FIELDS)}, and any label.",
        )
    found = []
    for row in frame.to_dict("records"):
        given = {str(key): value for key, value in row.items() if not pd.isna(value) and value != ""}
        found.append(
            Event(
                kind=str(given["kind"]) if "kind" in given else "",
                name=str(given.get("name", given.get("kind", ""))),
                start=instant(given.get("start", ""), name="start"),
                end=instant(given["end"], name="end") if "end" in given else None,
                where={key: str(value) for key, value in given.items() if key not in FIELDS},
                effect=float(given["effect"]) if "effect" in given else None,
            )
        )
    return tuple(found)


def apply(
    frame: pd.DataFrame,
    values: FloatArray,
    events: Iterable[Known],
    *,
    holidays: Iterable[Event] = (),
    horizon: pd.DatetimeIndex,
    timezones: Iterable[str],
) -> Applied:
    """Take events off a history and say what they add to the horizon.

    Parameters
    ----------
    frame : DataFrame
        The prepared history, for its times and labels.
    values : ndarray, shape (time, series)
        Its samples.
    holidays : iterable of Event
        Beside those among the events: what the calendars of regions have.
    horizon : DatetimeIndex
    timezones : one a series
        Where each series lives: a holiday is one of its own days.
    """
    work = _Work(frame, values, horizon, list(timezones))
    told = list(events)
    for one in told:
        if one.action in ("arrive", "leave", "pass"):
            work.demand(one)
    work.holidays([*(one.event for one in told if one.action == "holiday"), *holidays])
    return Applied(work.values, work.added, tuple("; ".join(said) for said in work.said), work.since)


class _Work:
    """A history while events are taken off it, one after the other."""

    def __init__(
        self, frame: pd.DataFrame, values: FloatArray, horizon: pd.DatetimeIndex, timezones: list[str]
    ) -> None:
        self.labels = series_labels(frame)
        self.times, self.horizon = pd.DatetimeIndex(frame.index), horizon
        self.step = self.times[1] - self.times[0]
        self.values = values.copy()
        self.added = np.zeros((len(horizon), values.shape[1]))
        self.said: list[list[str]] = [[] for _ in self.labels]
        self.since = np.zeros(values.shape[1], dtype=np.int64)
        self.timezones = timezones
        self.learnt: dict[tuple[str, int], float] = {}

    def _columns(self, event: Event) -> list[int]:
        return [place for place, labels in enumerate(self.labels) if matches(event.where, labels)]

    def _history(self, column: int) -> History:
        return History(self.values[:, column], self.step)

    def demand(self, one: Known) -> None:
        """Apply an event that moves demand, to every series that it names."""
        event = one.event
        if event.effect is not None and one.action == "leave":
            # Written with either sign, an end takes away.
            event = replace(event, effect=-abs(event.effect))
        rows = _rows_of(event, self.times, self.step)
        ahead = _rows_of(event, self.horizon, self.step)
        for column in self._columns(event):
            if event.end is None:
                self._stays(event, column, rows, ahead)
            else:
                self._passes(event, column, rows, ahead)

    def _stays(self, event: Event, column: int, rows: npt.NDArray[np.bool_], ahead: npt.NDArray[np.bool_]) -> None:
        """Lift what came before to the level after, or add what is to come."""
        if rows.any() and not rows.all():
            first = int(rows.argmax())
            size = jump(self._history(column), first, stated=event.effect)
            self.values[:, column] = lift(self.values[:, column], first, size)
            self.since[column] = max(self.since[column], first)
            self._say(column, event, size, "the level before it lifted by")
        elif ahead.any() and not rows.any():
            if event.effect is None:
                self.said[column].append(f"{_called(event)} is to come, its size unknown")
                return
            self.added[ahead, column] += event.effect
            self._say(column, event, event.effect, "adds")

    def _passes(self, event: Event, column: int, rows: npt.NDArray[np.bool_], ahead: npt.NDArray[np.bool_]) -> None:
        """Take off what it added while it lasted; add it where it is to come."""
        if rows.any():
            size = surplus(self._history(column), rows)
            self.learnt[event.kind, column] = size
            # Announced and then measured: the samples are worth more than the announcement.
            self.values[rows, column] = np.nan if not np.isfinite(size) else self.values[rows, column] - size
            if np.isfinite(size):
                self._say(column, event, size, "taken off while it lasted:")
            else:
                self.said[column].append(f"{_called(event)} left out")
        if ahead.any():
            size = self.learnt.get((event.kind, column), np.nan) if event.effect is None else event.effect
            if np.isfinite(size):
                self.added[ahead, column] += size
                self._say(column, event, size, "adds")
            else:
                self.said[column].append(f"{_called(event)} is to come, its size unknown")

    def holidays(self, events: list[Event]) -> None:
        """Leave holidays out of the season, and expect those to come to be as those before."""
        for column, labels in enumerate(self.labels):
            own = [event for event in events if matches(event.where, labels)]
            past = _any_of(own, self.times, self.step)
            ahead = _any_of(own, self.horizon, self.step)
            if not past.any() and not ahead.any():
                continue
            found = holiday_profile(
                self._history(column), self.times, past, self.horizon, ahead, zone=self.timezones[column]
            )
            self.values[found.left_out, column] = np.nan
            self.added[:, column] += found.added
            if found.days:
                self.said[column].append(f"{found.days} holiday{'s' if found.days > 1 else ''} left out of the season")
            if found.added.any():
                self.said[column].append("holidays to come expected")

    def _say(self, column: int, event: Event, size: float, what: str) -> None:
        self.said[column].append(f"{_called(event)} ({what} {size:.3g})")


def _called(event: Event) -> str:
    return f"{event.kind.replace('_', ' ')} {event.name} of {event.start:%Y-%m-%d}"


def _rows_of(event: Event, times: pd.DatetimeIndex, step: pd.Timedelta) -> npt.NDArray[np.bool_]:
    """Which steps an event covers: those that overlap it, an instant being the end of its step."""
    after = np.asarray(times > event.start)
    return after if event.end is None else after & np.asarray(times - step < event.end)


def _any_of(events: list[Event], times: pd.DatetimeIndex, step: pd.Timedelta) -> npt.NDArray[np.bool_]:
    found = np.zeros(len(times), dtype=bool)
    for event in events:
        found |= _rows_of(event, times, step)
    return found
