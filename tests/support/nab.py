"""NAB's real series, brought to one cutoff: what was before it, what came after, limits fixed from the past alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from tests.support.checkout import ROOT

FOLDER = ROOT / "tests" / "data" / "nab"
AS_OF = pd.Timestamp("2014-06-01T00:00Z")
HOUR = pd.Timedelta(hours=1)
LEVEL = 0.99
FACTORS = {"p99": 1.0, "high": 1.2}
"""The two limits of every series: this many times the 99th percentile of its past busy hours."""

SETS = {"nab_hourly": pd.Timedelta(hours=1), "nab_aws_5min": pd.Timedelta(minutes=5)}
"""File → its step."""

JUDGED = {"nab_hourly": pd.Timedelta(days=14), "nab_aws_5min": pd.Timedelta(days=3)}
"""File → the stretch after the cutoff in which claims are judged; each of its series has at least that much left."""

BRIEF = {"iio_us-east-1_i-a2eb1cd9_NetworkIn": pd.Timedelta(days=1)}
"""A series of four days can spare one."""

METRICS = {
    "cpu_utilization": "nab_cpu_utilization_percent",
    "grok_asg": "nab_cpu_utilization_percent",
    "disk_write": "nab_disk_write_bytes",
    "network_in": "nab_network_in_bytes",
    "NetworkIn": "nab_network_in_bytes",
    "request_latency": "nab_request_latency_ms",
    "request_count": "nab_requests",
    "tweets": "nab_mentions",
    "adexchange": "nab_ad_price",
    "taxi": "nab_passengers",
    "temperature": "nab_temperature",
}
"""Part of a series' id → the metric that it is imported as."""


@dataclass(frozen=True)
class Real:
    """One real series around a cutoff.

    Its clock is moved by whole weeks, so that the hour of the day and the day of the week stay what they were.
    """

    name: str
    metric: str
    cutoff: pd.Timestamp
    judged: pd.Timedelta
    samples: pd.Series
    """As recorded, by the instant at which each interval ended."""

    @property
    def busy_hours(self) -> pd.Series:
        """The highest sample of each hour, at the hour's end: what the catalogue plans on."""
        return self.samples.resample(HOUR, label="right", closed="right").max().dropna()

    @property
    def past(self) -> pd.Series:
        """The busy hours up to the cutoff."""
        return self.busy_hours[: self.cutoff]

    @property
    def future(self) -> pd.Series:
        """The busy hours of the judged stretch."""
        return self.busy_hours[self.cutoff + HOUR : self.cutoff + self.judged]

    def limit(self, kind: str) -> float:
        """Return the limit: a multiple of the 99th percentile of the past."""
        return float(self.past.quantile(LEVEL)) * FACTORS[kind]

    def habit(self, kind: str) -> float:
        """Return the share of past stretches, as long as the judged one, that met a breach: what a look back claims.

        NaN where the past is no longer than the stretch.
        """
        hours = pd.date_range(self.past.index[0], self.cutoff, freq=HOUR)
        above = (self.past.reindex(hours) > self.limit(kind)).astype(float)
        return float(above.rolling(self.judged // HOUR).max().mean())

    def first_breach(self, kind: str) -> pd.Timestamp | None:
        """Return the end of the first hour after the cutoff whose busy value was above the limit, if there was one."""
        above = self.future[self.future > self.limit(kind)]
        return None if above.empty else above.index[0]


def series(cutoff: pd.Timestamp = AS_OF) -> list[Real]:
    """Return all the real series around a cutoff, sorted by name."""
    found = [
        _around(cutoff, str(name), rows.set_index("ds")["y"], file)
        for file in SETS
        for name, rows in pd.read_parquet(FOLDER / f"{file}.parquet").groupby("unique_id")
    ]
    return sorted(found, key=lambda each: each.name)


def import_lines(every: list[Real], *, until: pd.Timestamp | None = None) -> bytes:
    """Return VictoriaMetrics' JSON lines of the samples, and of both limits as gauges with one sample an hour.

    What lies after ``until`` is left out.
    """
    return "\n".join(line for real in every for line in _lines(real, until)).encode()


def _around(cutoff: pd.Timestamp, name: str, values: pd.Series, file: str) -> Real:
    """Return the series with its clock moved: the judged stretch lies after the cutoff, and less than a week more."""
    judged = BRIEF.get(name, JUDGED[file])
    ends = pd.DatetimeIndex(values.index).tz_localize("UTC") + SETS[file]
    week = pd.Timedelta(weeks=1)
    moved = -((ends[-1] - judged - cutoff) // week) * week
    metric = next(metric for part, metric in METRICS.items() if part in name)
    return Real(name, metric, cutoff, judged, pd.Series(values.to_numpy(), index=ends + moved))


def _lines(real: Real, until: pd.Timestamp | None) -> Iterator[str]:
    labels = {"__name__": real.metric, "series": real.name}
    yield _line(labels, real.samples[:until])
    hours = real.busy_hours[:until].index
    for kind in FACTORS:
        limit = pd.Series(real.limit(kind), index=hours)
        yield _line({"__name__": f"{real.metric}_limit", "series": real.name, "kind": kind}, limit)


def _line(labels: dict[str, str], values: pd.Series) -> str:
    instants = pd.DatetimeIndex(values.index).as_unit("ms").asi8.tolist()
    return json.dumps({"metric": labels, "values": values.tolist(), "timestamps": instants})
