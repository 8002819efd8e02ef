"""What ``capacity.toml`` says of work that is done unwatched: schedules, and where their findings are delivered.

A schedule names a notebook, its parameters, when it is due (five fields of cron, on the clock of an IANA zone), how
many reports are kept, and to whom its findings go. A delivery names a channel of the catalogue and the
environment variable that holds its address, which is a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import pandas as pd

from capacity import tomlvalues as read
from capacity.errors import did_you_mean
from capacity.tomldoc import Document

__all__ = ["DELIVERY", "SCHEDULE", "Delivery", "Keep", "Schedule", "delivery", "schedule"]

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
FIELDS = 5
MINUTE = pd.Timedelta(minutes=1)
SEVERITIES = ("critical", "warning", "capacity")


@dataclass(frozen=True)
class Keep:
    """How many reports stay: the last ones, and the last of each day and of each month, that many of them."""

    last: int = 10
    daily: int = 30
    monthly: int = 24


@dataclass(frozen=True)
class Schedule:
    """A report that makes itself.

    Attributes
    ----------
    cron, timezone
        When it is due: five fields, read on the clock of an IANA zone.
    parameters
        The notebook's; ``source`` and ``catalog`` are the configuration's where they are not said.
    keep
        How many of its reports stay.
    deliver
        Names of deliveries that its findings go to.
    timeout, memory_bytes
        The most that a run may take, and hold in memory.
    retries
        How often a run that failed is tried again before the next one is due.
    """

    name: str
    notebook: str
    cron: str
    timezone: str = "UTC"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    keep: Keep = Keep()
    deliver: tuple[str, ...] = ()
    timeout: pd.Timedelta = 15 * MINUTE
    memory_bytes: int = 4 * 2**30
    retries: int = 5


@dataclass(frozen=True)
class Delivery:
    """Where findings go: the variable that holds the address, and what is to be other than the catalogue's channel."""

    name: str
    url_env: str
    severity: str | None = None
    after: pd.Timedelta | None = None
    digest: pd.Timedelta | None = None


def schedule(doc: Document, place: tuple[str, ...], name: str, table: Any) -> Schedule | None:
    """Read one table of schedules."""
    if not NAME.fullmatch(name):
        doc.problem(place, "a schedule's name is made of a–z, 0–9, _ and -: it becomes a folder.")
    values = doc.read(place, table, SCHEDULE, required=("notebook", "cron"))
    if values is None:
        return None
    before = len(doc.problems)
    for each in values.get("deliver", ()):
        doc.known((*place, "deliver"), each, doc.data.get("delivery", {}), what="delivery")
    kept = doc.read((*place, "keep"), values.pop("keep", {}), KEEP)
    if "memory" in values:
        values["memory_bytes"] = values.pop("memory")
    return Schedule(name, keep=Keep(**(kept or {})), **values) if len(doc.problems) == before else None


def delivery(doc: Document, place: tuple[str, ...], name: str, table: Any) -> Delivery | None:
    """Read one table of deliveries."""
    values = doc.read(place, table, DELIVERY, required=("url_env",))
    return None if values is None else Delivery(name, **values)


def variable(value: Any) -> str:
    """Read the name of an environment variable; the message does not repeat what may be a secret."""
    name = read.text(value)
    if not name.replace("_", "").isalnum() or name[0].isdigit() or not name.isupper():
        raise ValueError("expected the name of an environment variable, such as CAPACITY_TOKEN, never a secret itself.")
    return name


def _cron(value: Any) -> str:
    """Read five fields of cron; that some day is ever due is made sure of."""
    from cronsim import CronSim, CronSimError

    text = read.text(value)
    wanted = 'five fields: minute, hour, day, month, weekday, as in "0 6 * * 1"'
    if len(text.split()) != FIELDS:
        raise ValueError(f"expected {wanted}, got {text!r}.")
    try:
        next(CronSim(text, datetime(2026, 1, 1)))  # noqa: DTZ001 - whether it ever comes is no matter of zones
    except CronSimError as wrong:
        raise ValueError(f"{text!r} cannot be read ({wrong}); expected {wanted}.") from None
    except StopIteration:
        raise ValueError(f"{text!r} is never due.") from None
    return " ".join(text.split())


def _zone(value: Any) -> str:
    name = read.text(value)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = did_you_mean(name, available_timezones())
        raise ValueError(f"there is no zone {name!r}.{near or ' Expected one like Europe/Berlin.'}") from None
    return name


def _parameters(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"expected a table, got {read.kind(value)} ({value!r}).")
    for name, each in value.items():
        if not isinstance(each, str | int | float | bool):
            raise ValueError(f"{name} is {read.kind(each)}; expected text, a number, true or false.")
        if name == "as_of":
            raise ValueError("as_of is the instant at which the report is due, and is not set here.")
    return dict(value)


def _memory(value: Any) -> int:
    """Read an amount of memory such as ``"4GiB"``."""
    from capacity.units import to_base, unit

    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", read.text(value))
    if match is None or unit(match[2]).base != "bytes":
        raise ValueError(f'expected an amount of memory such as "4GiB", got {value!r}.')
    return int(to_base(float(match[1]), match[2]))


def _count(value: Any) -> int:
    """Read a whole number from 0."""
    return 0 if value == 0 and not isinstance(value, bool) else read.whole(value)


SCHEDULE: Mapping[str, read.Reader] = {
    "notebook": read.text,
    "cron": _cron,
    "timezone": _zone,
    "parameters": _parameters,
    "keep": lambda value: value,
    "deliver": read.many(read.text),
    "timeout": read.duration,
    "memory": _memory,
    "retries": _count,
}
KEEP: Mapping[str, read.Reader] = {"last": read.whole, "daily": _count, "monthly": _count}
DELIVERY: Mapping[str, read.Reader] = {
    "url_env": variable,
    "severity": read.one_of(*SEVERITIES),
    "after": read.wait,
    "digest": read.duration,
}
