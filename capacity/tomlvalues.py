"""Readers of single TOML values: each returns what it means, or raises a ValueError that says what was expected."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from capacity import frames, units
from capacity.errors import did_you_mean

Reader = Callable[[Any], Any]

_AMOUNT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([^\d\s].*?)\s*")


def kind(value: Any) -> str:
    """Return what a TOML value is, for a message."""
    names = {bool: "true or false", str: "text", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "a date" if isinstance(value, dt.date) else type(value).__name__)


def text(value: Any) -> str:
    """Read text that says something."""
    if not isinstance(value, str):
        raise ValueError(f"expected text, got {kind(value)} ({value!r}).")
    if not value.strip():
        raise ValueError("is empty.")
    return value


def flag(value: Any) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {kind(value)} ({value!r}).")
    return value


def number(value: Any) -> float:
    """Read a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"expected a number, got {kind(value)} ({value!r}).")
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value}.")
    return float(value)


def positive(value: Any) -> float:
    """Read a finite number above 0."""
    if number(value) <= 0:
        raise ValueError(f"expected a number above 0, got {value!r}.")
    return float(value)


def amount(value: Any) -> tuple[float, str | None]:
    """Read how much there is of something: a number in the unit that goes without saying, or text like "512 GiB"."""
    if not isinstance(value, str):
        return positive(value), None
    matched = _AMOUNT.fullmatch(value)
    if matched is None:
        raise ValueError(f'expected a number, or one with its unit such as "512 GiB", got {value!r}.')
    return positive(float(matched[1])), unit(matched[2])


def whole(value: Any) -> int:
    """Read a whole number above 0."""
    if number(value) != int(value) or value < 1:
        raise ValueError(f"expected a whole number above 0, got {value!r}.")
    return int(value)


def between(low: float, high: float, *, ends: str = "()") -> Reader:
    """Return a reader of numbers from ``low`` to ``high``; a round bracket in ``ends`` leaves that end out."""

    def read(value: Any) -> float:
        found = number(value)
        above = found > low if ends[0] == "(" else found >= low
        below = found < high if ends[1] == ")" else found <= high
        if not (above and below):
            raise ValueError(f"expected a number in {ends[0]}{low:g}, {high:g}{ends[1]}, got {value!r}.")
        return found

    return read


def one_of(*choices: str) -> Reader:
    """Return a reader of one of these words."""

    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}, got {value!r}.{did_you_mean(str(value), choices)}")
        return str(value)

    return read


def many(reader: Reader) -> Reader:
    """Return a reader of lists, as tuples."""

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError(f"expected a list, got {kind(value)} ({value!r}).")
        return tuple(reader(each) for each in value)

    return read


def mapping(reader: Reader) -> Reader:
    """Return a reader of tables from names to values of one sort."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f"expected a table, got {kind(value)} ({value!r}).")
        return {key: reader(each) for key, each in value.items()}

    return read


def unit(value: Any) -> str:
    """Read the name of a unit."""
    return units.unit(text(value)).name


def duration(value: Any) -> pd.Timedelta:
    """Read a duration like ``"21d"``."""
    if not isinstance(value, str):
        raise ValueError(f'expected a duration such as "21d", got {kind(value)} ({value!r}).')
    return frames.duration(value)


def wait(value: Any) -> pd.Timedelta:
    """Read a duration that may be ``"0s"``."""
    return pd.Timedelta(0) if value == "0s" else duration(value)


def instant(value: Any) -> pd.Timestamp:
    """Read an instant: a date (its midnight, UTC) or a date and time with its zone."""
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise ValueError(f"which zone? Write it like {value.isoformat()}Z.")
        return pd.Timestamp(value).tz_convert("UTC").as_unit("us")
    if isinstance(value, dt.date):
        return pd.Timestamp(value, tz="UTC").as_unit("us")
    raise ValueError(
        f"expected a date or a time like 2026-11-01 or 2026-11-01T06:00:00Z, got {kind(value)} ({value!r})."
    )


def last_instant(value: Any) -> pd.Timestamp:
    """Read the end of something: a date's last microsecond, or an instant."""
    found = instant(value)
    return found if isinstance(value, dt.datetime) else found + pd.Timedelta(days=1) - pd.Timedelta(1, unit="us")
