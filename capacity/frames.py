"""The contract of a history: a wide pandas frame, and the few things that everybody does with one.

Index: ``DatetimeIndex`` named ``time``, UTC, microseconds, regular at one step. Columns: a ``MultiIndex`` whose first
level is ``metric`` and whose other levels are label names; a label that a series lacks is ``''``. Values: float64, NaN
is missing. A timestamp speaks for the step that *ends* there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from capacity import provenance as prov
from capacity.errors import FrameError, ParameterError

__all__ = [
    "HOSTS",
    "METRIC",
    "REASONS",
    "TIME",
    "Pull",
    "Skipped",
    "check",
    "clean_labels",
    "columns",
    "duration",
    "duration_text",
    "grid",
    "instant",
    "join",
    "series_labels",
    "series_name",
    "step_of",
    "wide",
]

TIME = "time"
METRIC = "metric"
RESERVED = (METRIC, TIME, "source")
EPOCH = pd.Timestamp(0, tz="UTC")

# Labels that say which machine a series is of.
HOSTS = ("node", "instance", "host", "hostname")

# Why a series has no answer. "No" is a result with a reason.
REASONS = (
    "no data",
    "no recent data",
    "too short",
    "too gappy",
    "unforecastable",
    "regime just changed",
    "limit missing",
    "label missing",
    "model failed",
)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A series (or a resource) without an answer: which, why (one of `REASONS`), and the figures behind it."""

    series: str
    reason: str
    detail: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    resource: str = ""


@dataclass(frozen=True)
class Pull:
    """What one pull brought: demand and limits by resource, in base units.

    ``limits[resource]`` is a wide frame over time (a query's answer) or a number. A resource whose query returned
    nothing stands in ``skipped`` and in neither dictionary. ``drivers`` are business metrics that demand grows with.
    """

    demand: Mapping[str, pd.DataFrame]
    limits: Mapping[str, Any]
    as_of: pd.Timestamp
    window: pd.Timedelta
    catalog: str
    skipped: tuple[Skipped, ...] = ()
    drivers: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def resources(self) -> tuple[str, ...]:
        """The names of the resources that have demand."""
        return tuple(self.demand)

    @property
    def provenance(self) -> prov.Provenance:
        """Where everything in the pull comes from."""
        frames = [*self.demand.values(), *(one for one in self.limits.values() if isinstance(one, pd.DataFrame))]
        return prov.merge(*(prov.read(frame) for frame in frames))


_SECONDS = {
    "ms": 0.001, "s": 1, "sec": 1, "m": 60, "min": 60, "h": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400, "w": 604800, "week": 604800, "weeks": 604800,
}  # fmt: skip
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}|$)")
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)", re.IGNORECASE)
_HOW = 'Write it like "90d", "12h", "15min".'


def duration(value: str | timedelta | np.timedelta64, *, name: str = "duration") -> pd.Timedelta:
    """Read a duration: ``"90d"``, ``"1h30m"``, any library's Timedelta. A bare number has no unit and is refused.

    Our own reading, because it is Prometheus' (``m`` is a minute, ``d`` a day) and pandas gives up ``d``.

    Raises
    ------
    ParameterError
        It cannot be read, or is not positive.
    """
    if isinstance(value, timedelta | np.timedelta64):
        parsed = pd.Timedelta(value)
    else:
        text = str(value).strip()
        parts = _PART.findall(text)
        if not parts or "".join(_PART.sub("", text).split()) or any(unit.lower() not in _SECONDS for _, unit in parts):
            raise ParameterError(f"{name} {value!r} is not a duration.", hint=_HOW)
        total = sum(float(number) * _SECONDS[unit.lower()] for number, unit in parts)
        parsed = pd.Timedelta(round(total * 1e6), unit="us")
    if pd.isna(parsed) or parsed <= pd.Timedelta(0):
        raise ParameterError(f"{name} {value!r} is not positive.", hint=_HOW)
    return parsed


@lru_cache(maxsize=256)
def duration_text(value: pd.Timedelta) -> str:
    """Write a duration as Prometheus reads it, in the largest unit that divides it: ``"90d"``, ``"90m"``."""
    ms = round(value / pd.Timedelta(1, unit="ms"))
    for size, sign in ((86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")):
        if ms % size == 0:
            return f"{ms // size}{sign}"
    return f"{ms}ms"


def instant(value: str | date | np.datetime64, *, name: str = "time") -> pd.Timestamp:
    """Read an instant as a UTC timestamp; one without a zone is taken as UTC.

    Text is ISO 8601 alone: "11/10/2026" is a day in October to some and in November to others. A bare number has no
    unit, and is refused.
    """
    said = _ISO.match(value.strip()) if isinstance(value, str) else isinstance(value, date | np.datetime64)
    try:
        stamp = pd.Timestamp(value) if said else pd.NaT
    except (ValueError, TypeError):
        stamp = pd.NaT
    if pd.isna(stamp):
        raise ParameterError(f"{name} {value!r} is not an instant.", hint='Write it like "2026-11-01T00:00Z".')
    return (stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")).as_unit("us")


def grid(start: pd.Timestamp, end: pd.Timestamp, step: pd.Timedelta) -> pd.DatetimeIndex:
    """Return the instants t with start < t ≤ end that are whole multiples of ``step`` since 1970-01-01T00:00Z."""
    first = EPOCH + ((start - EPOCH) // step + 1) * step
    last = EPOCH + ((end - EPOCH) // step) * step
    return pd.date_range(first, last, freq=step, name=TIME, unit="us")


def clean_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Drop ``__name__`` and empty labels; a label named metric, time or source becomes ``exported_…``."""
    return {
        (f"exported_{key}" if key in RESERVED else key): str(value)
        for key, value in labels.items()
        if key != "__name__" and value != ""
    }


def columns(series: Sequence[Mapping[str, str]], metric: str) -> pd.MultiIndex:
    """Build the columns of one metric: level ``metric``, then every label name in alphabetical order."""
    names = sorted({key for labels in series for key in labels})
    rows = [(metric, *(labels.get(name, "") for name in names)) for labels in series]
    return pd.MultiIndex.from_tuples(rows, names=[METRIC, *names])


def wide(
    values: npt.ArrayLike, *, times: pd.DatetimeIndex, series: Sequence[Mapping[str, str]], metric: str
) -> pd.DataFrame:
    """Build a frame of the contract from an array.

    Parameters
    ----------
    values : array, shape (time, series)
    times : DatetimeIndex, UTC
    series : one mapping of labels a column (see `clean_labels`)
    metric : str
        The first level of every column.
    """
    index = pd.DatetimeIndex(times, name=TIME).as_unit("us")
    return pd.DataFrame(np.asarray(values, dtype=float), index=index, columns=columns(series, metric))


def step_of(frame: pd.DataFrame) -> pd.Timedelta:
    """Return the spacing of a frame's samples.

    Raises
    ------
    FrameError
        There are fewer than two samples, or they are not evenly spaced.
    """
    index = frame.index
    if len(index) < 2:
        raise FrameError(f"a step cannot be read off {len(index)} sample(s).", hint="Pull a longer window.")
    ticks = pd.DatetimeIndex(index).as_unit("us").asi8
    deltas = np.diff(ticks)
    if deltas.min() <= 0 or deltas.max() != deltas.min():
        where = int(np.flatnonzero(deltas != deltas[0])[0]) if (deltas != deltas[0]).any() else 0
        raise FrameError(
            f"the index is not regular: {index[where + 1]} follows {index[where]}.",
            hint="Put it on one step first: frame.resample('1h', label='right', closed='right').max().",
        )
    return pd.Timedelta(int(deltas[0]), unit="us")


def check(frame: pd.DataFrame) -> pd.DataFrame:
    """Check a frame against the contract, once, at the door; returns it, with the columns as a MultiIndex.

    Plain columns are taken as metric names, a missing zone as an error, integers as float64.

    Raises
    ------
    FrameError
        Names the first thing that is not as it must be, and what to type.
    """
    if not isinstance(frame, pd.DataFrame):
        raise FrameError(f"a history is a pandas DataFrame, not {type(frame).__name__}.")
    if not isinstance(frame.index, pd.DatetimeIndex) or frame.index.tz is None:
        raise FrameError(
            f"the index must be a DatetimeIndex in UTC, not {frame.index.dtype}.",
            hint="For example frame.index = pd.to_datetime(frame.index, utc=True).",
        )
    if not frame.shape[1]:
        raise FrameError("the frame has no series.")
    kinds = {str(dtype) for dtype in set(frame.dtypes) if not pd.api.types.is_numeric_dtype(dtype)}
    if kinds:
        raise FrameError(f"values must be numbers, not {', '.join(sorted(kinds))}.")
    checked = frame.astype("float64") if not (frame.dtypes == np.float64).all() else frame.copy(deep=False)
    checked.index = frame.index.tz_convert("UTC").as_unit("us").rename(TIME)
    if not isinstance(checked.columns, pd.MultiIndex):
        checked.columns = pd.MultiIndex.from_tuples([(str(name),) for name in checked.columns], names=[METRIC])
    if checked.columns.names[0] != METRIC:
        raise FrameError(f"the first column level must be 'metric', not {checked.columns.names[0]!r}.")
    if not checked.columns.is_unique:
        twice = checked.columns[checked.columns.duplicated()][0]
        raise FrameError(f"two columns have the same labels: {twice}.")
    if len(checked) > 1:
        step_of(checked)
    checked.attrs = dict(frame.attrs)
    return checked


def series_labels(frame_or_columns: pd.DataFrame | pd.MultiIndex) -> list[dict[str, str]]:
    """Return each column's labels, without the metric and without empty ones."""
    index = frame_or_columns.columns if isinstance(frame_or_columns, pd.DataFrame) else frame_or_columns
    names = [str(name) for name in index.names]
    return [
        {name: str(value) for name, value in zip(names, key, strict=True) if name != METRIC and value != ""}
        for key in (entry if isinstance(entry, tuple) else (entry,) for entry in index)
    ]


def series_name(labels: Mapping[str, str], *, empty: str = "all") -> str:
    """Name a series for a person: region and host first, then the other labels' values: ``"eu-west/node-3"``.

    A path stands apart: ``"bak1:9100 /backup"``. `capacity.naming.series_names` names many, and shorter.
    """
    first = ("source", "region", "zone", *HOSTS)
    order = sorted(labels, key=lambda name: (first.index(name) if name in first else len(first), name))
    values = [str(labels[name]) for name in order if labels[name] != ""]
    return "".join(f"{' ' if value.startswith('/') else '/'}{value}" for value in values)[1:].lstrip(" ") or empty


def _with_levels(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    rows = [
        (key[0], *(dict(zip(frame.columns.names, key, strict=True)).get(name, "") for name in names))
        for key in frame.columns
    ]
    widened = frame.copy(deep=False)
    widened.columns = pd.MultiIndex.from_tuples(rows, names=[METRIC, *names])
    return widened


def join(*frames: pd.DataFrame) -> pd.DataFrame:
    """Join frames of different labels side by side, over the union of their times.

    `pandas.concat` loses the names of levels and the provenance; this keeps both. The frames must share one step.
    """
    if not frames:
        raise FrameError("there is nothing to join.")
    checked = [check(frame) for frame in frames]
    steps = {step_of(frame) for frame in checked if len(frame) > 1}
    if len(steps) > 1:
        raise FrameError(f"frames of different steps cannot be joined: {', '.join(map(str, sorted(steps)))}.")
    names = sorted({str(name) for frame in checked for name in frame.columns.names[1:]})
    widened = [_with_levels(frame, names) for frame in checked]
    for frame in widened:
        frame.attrs = {}
    joined = pd.concat(widened, axis=1)
    if steps:
        step = steps.pop()
        joined = joined.reindex(pd.date_range(joined.index.min(), joined.index.max(), freq=step, unit="us"))
    joined.index.name = TIME
    joined.attrs[prov.KEY] = prov.merge(*(prov.read(frame) for frame in checked)).to_json()
    return check(joined)
