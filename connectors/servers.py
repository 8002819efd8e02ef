"""Which server answers, in which version, how long it keeps samples, and since when it has any."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
import pandas as pd

from capacity.errors import AuthFailed, ParameterError, QueryRejected, ResultTruncated, Unsupported
from capacity.frames import EPOCH, duration
from connectors.base import ServerInfo
from connectors.http import Client

__all__ = ["Met", "info", "meet"]

UNKNOWN = "unknown"
DAY = pd.Timedelta(days=1)
FARTHEST = pd.Timedelta(days=15 * 365)
"""How far back is looked for samples where the retention is longer, or not known."""

ABSENT = (AuthFailed, QueryRejected, ResultTruncated, Unsupported)
"""How a server, or what stands before it, says that it has no such endpoint, or none for us."""

_SAMPLE = re.compile(r"(?m)^(?P<name>\w+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)$")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_LARGEST_SECONDS = 1e11
"""Prometheus says 9.2e15 where it has no samples yet."""

Document = Callable[..., Any]


@dataclass(frozen=True)
class Met:
    """Who answered; None where it cannot be read."""

    kind: str
    version: str = UNKNOWN
    retention: pd.Timedelta | None = None
    oldest: pd.Timestamp | None = None

    def __str__(self) -> str:
        return self.kind if self.version == UNKNOWN else f"{self.kind} {self.version}"


def meet(client: Client, *, kind: str) -> Met:
    """Ask a server who it is; ``kind`` is what it is taken for where it does not say.

    Who hides version and flags may do so: only a server that cannot be reached is an error.
    """
    built = _data(client, "/api/v1/status/buildinfo")
    told = _own_metrics(client)
    # VictoriaMetrics gives no build, or only the version of the Prometheus that it stands in for.
    if "goVersion" in built or "revision" in built:
        kept = str(_data(client, "/api/v1/status/runtimeinfo").get("storageRetention", ""))
        return Met(
            "Prometheus",
            str(built.get("version") or UNKNOWN),
            retention(kept.split(" ")[0]),
            _oldest(told.get("prometheus_tsdb_lowest_timestamp_seconds")),
        )
    return Met(kind, told.get("version") or UNKNOWN, retention(told.get("retentionPeriod", "")))


def retention(text: str) -> pd.Timedelta | None:
    """Read how long samples are kept: ``"100y"``, ``"400d"``; a bare number is months of 31 days; else None."""
    number = re.fullmatch(r"(\d+(?:\.\d+)?)(y?)", text.strip())
    if number:
        return float(number[1]) * (365 if number[2] else 31) * DAY
    try:
        return duration(text)
    except ParameterError:
        return None


def _data(client: Client, path: str) -> dict[str, Any]:
    """Return the field ``data`` of a status page, or nothing."""
    try:
        data = orjson.loads(client.ask(path, method="GET")).get("data")
    except (*ABSENT, orjson.JSONDecodeError, AttributeError):
        return {}
    return data if isinstance(data, dict) else {}


def _own_metrics(client: Client) -> dict[str, str]:
    """Return what the server's own metrics say of its version, its retention and its oldest sample."""
    try:
        text = client.ask("/metrics", method="GET").decode("utf-8", "replace")
    except ABSENT:
        return {}
    told: dict[str, str] = {}
    for sample in _SAMPLE.finditer(text):
        labels = dict(_LABEL.findall(sample["labels"] or ""))
        if sample["name"] == "vm_app_version":
            told["version"] = labels.get("short_version") or labels.get("version", "")
        elif sample["name"] == "flag" and labels.get("name") == "retentionPeriod":
            told["retentionPeriod"] = labels.get("value", "")
        elif sample["name"] == "prometheus_tsdb_lowest_timestamp_seconds":
            told[sample["name"]] = sample["value"]
    return told


def _oldest(seconds: str | None) -> pd.Timestamp | None:
    """Read the time of the oldest sample from a server's own gauge."""
    if seconds is None or not 0 < float(seconds) < _LARGEST_SECONDS:
        return None
    return pd.Timestamp(round(float(seconds) * 1000), unit="ms", tz="UTC").as_unit("us")


def info(client: Client, met: Met, document: Document) -> ServerInfo:
    """Add to who answered the days of its oldest and newest samples, found by asking for single days."""

    def has(age: int) -> bool:
        day = (client.now() - age * DAY).strftime("%Y-%m-%d")
        status = document("/api/v1/status/tsdb", [("date", day), ("topN", "1")], method="GET")
        return bool(status.get("totalSeries"))

    today = client.now().floor("D")
    farthest = min(met.retention or FARTHEST, FARTHEST).days
    try:
        # Prometheus counts the series of its head alone, whatever day is asked for.
        ages = (None, None) if met.kind == "Prometheus" else _ages(has, farthest=farthest)
    except ABSENT:
        ages = (None, None)
    oldest, newest = (None if age is None else max(EPOCH, today - age * DAY) for age in ages)
    return ServerInfo(met.kind, met.version, met.retention, met.oldest or oldest, newest)


def _ages(has: Callable[[int], bool], *, farthest: int) -> tuple[int | None, int | None]:
    """Return the ages in days of the oldest and the newest day with samples, in few questions.

    The newest: today, yesterday, then week by week. The oldest: twice as far each time, then by halves.
    """
    newest = next((age for age in (0, 1, *range(7, farthest + 1, 7)) if has(age)), None)
    if newest is None:
        return None, None
    reach, near = 1, newest
    while near + reach <= farthest and has(near + reach):
        near, reach = near + reach, reach * 2
    far = min(near + reach, farthest + 1)
    while far - near > 1:
        middle = (near + far) // 2
        near, far = (middle, far) if has(middle) else (near, middle)
    return near, newest
