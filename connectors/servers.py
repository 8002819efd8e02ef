"""Which server answers, in which version, within which limits, how long it keeps samples, and since when it has any."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pandas as pd

from capacity.errors import AuthFailed, ParameterError, QueryRejected, ResultTruncated, Unsupported
from capacity.frames import EPOCH, duration, duration_text
from connectors.base import ServerInfo
from connectors.http import Client

__all__ = ["Met", "info", "meet", "remarks", "seams"]

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

LIMITS = (
    "retentionPeriod",
    "futureRetention",
    "downsampling.period",
    "dedup.minScrapeInterval",
    "precisionBits",
    "search.latencyOffset",
    "search.maxPointsPerTimeseries",
    "search.maxPointsSubqueryPerTimeseries",
    "search.maxQueryDuration",
    "search.maxQueryLen",
    "search.maxSamplesPerQuery",
    "search.maxSamplesPerSeries",
    "search.maxSeries",
    "search.maxUniqueTimeseries",
    "search.maxConcurrentRequests",
    "query.timeout",
    "query.max-samples",
    "query.max-concurrency",
    "query.lookback-delta",
    "storage.tsdb.retention.time",
    "storage.tsdb.retention.size",
)
"""The flags of either server that bound what it answers; no other is repeated, since one may hold a secret."""

_DOWNSAMPLED = re.compile(r"(\d[\w.]*):(\d[\w.]*)(?=,|$)")

Document = Callable[..., Any]


@dataclass(frozen=True)
class Met:
    """Who answered; None where it cannot be read."""

    kind: str
    version: str = UNKNOWN
    retention: pd.Timedelta | None = None
    oldest: pd.Timestamp | None = None
    limits: Mapping[str, str] = field(default_factory=dict)

    def limit(self, flag: str) -> pd.Timedelta | None:
        """Return a limit that is a duration; None: it is not told, or is none."""
        return _duration(self.limits.get(flag, ""))

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
            _oldest(told.pop("prometheus_tsdb_lowest_timestamp_seconds", None)),
            _limits(_data(client, "/api/v1/status/flags")),
        )
    return Met(kind, told.get("version") or UNKNOWN, retention(told.get("retentionPeriod", "")), limits=_limits(told))


def _limits(flags: Mapping[str, Any]) -> dict[str, str]:
    """Return the flags that bound an answer, as far as they are set to something."""
    return {name: str(flags[name]) for name in LIMITS if str(flags.get(name, "")) not in ("", "0", "0s", "0B")}


def _duration(text: str) -> pd.Timedelta | None:
    try:
        return duration(re.sub(r"(?<=[hm])0+[ms](?:0+s)?$", "", text))  # Go writes two hours as 2h0m0s
    except ParameterError:
        return None


def remarks(met: Met) -> tuple[str, ...]:
    """Say how a server's answers differ from what is usual here: VictoriaMetrics' semantics."""
    if met.kind != "Prometheus":
        return ()
    said = ["Prometheus extrapolates rate and increase to the ends of their window, VictoriaMetrics does not"]
    major = met.version.removeprefix("v").partition(".")[0]
    if not (major.isdecimal() and int(major) >= 3):
        said.append(
            "Prometheus before 3.0 counts a sample at both ends of a window [t − d, t], VictoriaMetrics only at t"
        )
    return tuple(said)


def seams(met: Met, *, start: pd.Timestamp, end: pd.Timestamp, now: pd.Timestamp) -> tuple[str, ...]:
    """Say at which instants of a window the server's own downsampling sets in: before them, peaks are lost."""
    found = []
    for offset, interval in _DOWNSAMPLED.findall(met.limits.get("downsampling.period", "")):
        age, spacing = _duration(offset), _duration(interval)
        if age is not None and spacing is not None and start < now - age:
            when = min(now - age, end).floor("s").isoformat()
            found.append(f"{when}: before it the server keeps the last sample of every {duration_text(spacing)} alone")
    return tuple(sorted(found, reverse=True))


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
            if labels.get("version", "").startswith("vmauth"):
                return {}  # a proxy tells of itself
            told["version"] = labels.get("short_version") or labels.get("version", "")
        elif sample["name"] == "flag" and labels.get("name") in LIMITS:
            told[labels["name"]] = labels.get("value", "")
        elif sample["name"] == "prometheus_tsdb_lowest_timestamp_seconds":
            told[sample["name"]] = sample["value"]
    return told


def _oldest(seconds: str | None) -> pd.Timestamp | None:
    """Read the time of the oldest sample from a server's own gauge."""
    if seconds is None or not 0 < float(seconds) < _LARGEST_SECONDS:
        return None
    return pd.Timestamp(round(float(seconds) * 1000), unit="ms", tz="UTC").as_unit("us")


def info(client: Client, met: Met, document: Document, *, selector: str | None = None) -> ServerInfo:
    """Add to who answered the days of its oldest and newest samples, found by asking for single days.

    ``selector``: of the series that it matches alone.
    """
    today = client.now().floor("D")
    matched = [] if selector is None else [("match[]", selector)]

    def has(age: int) -> bool:
        day = f"{today - age * DAY:%Y-%m-%d}"
        status = document("/api/v1/status/tsdb", [("date", day), ("topN", "1"), *matched], method="GET")
        return bool(status.get("totalSeries"))

    def between(older: int, younger: int) -> bool:
        first, last = today - older * DAY, today + (1 - younger) * DAY
        span = [("start", f"{first.timestamp():.0f}"), ("end", f"{last.timestamp() - 1:.0f}")]
        return bool(document("/api/v1/labels", [*matched, *span]))

    farthest = min(met.retention or FARTHEST, FARTHEST).days
    try:
        # Prometheus' status counts the series of its head alone, whatever day is asked for; but its lists of labels
        # know of time, where VictoriaMetrics' do not in a long window.
        ages = _ends(between, farthest=farthest) if met.kind == "Prometheus" else _ages(has, farthest=farthest)
    except ABSENT:
        ages = (None, None)
    oldest, newest = (None if age is None else max(EPOCH, today - age * DAY) for age in ages)
    known = met.oldest if selector is None else None
    return ServerInfo(met.kind, met.version, met.retention, known or oldest, newest, met.limits)


def _ends(between: Callable[[int, int], bool], *, farthest: int) -> tuple[int | None, int | None]:
    """Return the ages in days of the oldest and the newest day with samples, by halving what lies before and after."""
    if not between(farthest, 0):
        return None, None
    days = range(farthest + 1)
    newest = bisect_left(days, True, key=lambda age: between(age, 0))
    oldest = farthest - bisect_left(days, True, key=lambda back: between(farthest, farthest - back))
    return oldest, newest


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
