"""The workbench's own health as series, in Prometheus' text format: what ran, what is late, what was not delivered.

A tick writes them to a file that node_exporter's textfile collector or vmagent picks up; the alerts over them are in
`reports.alerting.own`, and watch from outside, since who has stopped cannot tell.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import generate_latest

from reports.config import Config
from reports.ledger import quality, runs
from reports.ledger.scoring import scored
from reports.ledger.store import Store
from reports.publish import write_whole
from reports.schedule.due import following, previous
from reports.settings import Schedule

__all__ = ["FILE", "expected", "exposition", "write"]

FILE = "capacity.prom"
GRACE = pd.Timedelta(hours=1)
"""Beyond the run's own limit: a report that failed at first may be made by a retry."""

ROLLING = pd.Timedelta(days=90)


def write(config: Config, store: Store, *, now: pd.Timestamp, path: Path) -> None:
    """Write the series of now to a file, which appears whole."""
    write_whole(path, exposition(config, store, now=now))


def exposition(config: Config, store: Store, *, now: pd.Timestamp) -> bytes:
    """Return the series of now in the text format."""
    registry = CollectorRegistry()

    def gauge(name: str, words: str, *labels: str) -> Gauge:
        return Gauge(name, words, labels, registry=registry)

    gauge("capacity_tick_timestamp_seconds", "When the workbench last looked for due reports.").set(now.timestamp())
    late = gauge(
        "capacity_report_expected_timestamp_seconds", "By when the next good report is to be there.", "schedule"
    )
    good = gauge("capacity_report_last_good_timestamp_seconds", "The instant of the last good report.", "schedule")
    failed = gauge("capacity_report_last_run_failed", "1 if the last run failed.", "schedule")
    took = gauge("capacity_report_duration_seconds", "How long the last good run took.", "schedule")
    for name, schedule in config.schedules.items():
        late.labels(name).set(expected(schedule, store, now=now).timestamp())
        failed.labels(name).set(_failed(store, name))
        last = runs.last(store, name, state="good")
        if last is not None:
            good.labels(name).set(last.as_of.timestamp())
            took.labels(name).set(last.seconds or 0.0)
    counted = gauge("capacity_runs", "Runs in the ledger, by how they ended.", "schedule", "state")
    for row in store.rows("SELECT schedule, state, count(*) AS n FROM runs GROUP BY 1, 2"):
        counted.labels(row["schedule"], row["state"]).set(row["n"])
    _deliveries(config, store, gauge("capacity_undelivered", "Events that a channel refused.", "delivery"))
    score = gauge("capacity_claims_brier_score", "Mean squared error of chances due within 90 days.", "within")
    made = quality.brier(scored(store, since=now - ROLLING))
    for within, value in zip(made["within"], made["score"], strict=True):
        score.labels(within).set(value)
    return generate_latest(registry)


def expected(schedule: Schedule, store: Store, *, now: pd.Timestamp) -> pd.Timestamp:
    """Return by when the next good report is to be there: that of the last instant, if it has not come yet."""
    instant = previous(schedule, now)
    done = runs.last_good(store, schedule.name, until=following(schedule, now))
    if done is not None and done >= instant:
        instant = following(schedule, max(now, done))
    return instant + schedule.timeout + GRACE


def _failed(store: Store, name: str) -> float:
    last = runs.last(store, name)
    return 1.0 if last is not None and last.state == "failed" else 0.0


def _deliveries(config: Config, store: Store, gauge: Gauge) -> None:
    query = "SELECT delivery, count(*) AS n FROM outbox WHERE (state = 'waiting' AND attempts > 0) OR state = 'unsure' "
    refused = {row["delivery"]: row["n"] for row in store.rows(query + "GROUP BY 1")}
    for name in config.deliveries:
        gauge.labels(name).set(refused.get(name, 0))
