"""The workbench's own health: series that a text file carries, right by hand and in the form that Prometheus reads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pandas as pd
from prometheus_client.parser import text_string_to_metric_families

from reports.ledger import runs
from reports.ledger.store import Store
from reports.schedule import health
from reports.schedule.tick import STATE, ledger_of, tick
from reports.settings import Delivery
from tests.support.tools import find_tool
from tests.support.unwatched import Clock, Set, at, daily

HOUR = pd.Timedelta(hours=1)


def series(text: str) -> dict[tuple[str, ...], float]:
    """Return the samples of a text, by name and the values of their labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def read(schedules: Set) -> dict[tuple[str, ...], float]:
    return series((schedules.out / STATE / health.FILE).read_text())


def test_a_tick_tells_how_things_stand(tmp_path: Path) -> None:
    """A good run: its instant, how long it took, and by when the next is expected: due, limit of a run, and an hour."""
    schedules, clock = daily(tmp_path), Clock(at("2026-11-20T06:10"))
    tick(schedules.config, clock=clock)
    found = read(schedules)
    assert found["capacity_tick_timestamp_seconds",] == clock.now.timestamp()
    assert found["capacity_report_last_good_timestamp_seconds", "daily"] == at("2026-11-20T06:00").timestamp()
    assert found["capacity_report_expected_timestamp_seconds", "daily"] == at("2026-11-21T07:15").timestamp()
    assert found["capacity_report_last_run_failed", "daily"] == 0
    assert found["capacity_runs", "daily", "good"] == 1
    assert found["capacity_report_duration_seconds", "daily"] > 0


def test_a_report_that_fails_is_late(tmp_path: Path) -> None:
    """What is expected stays the instant that has no good report, so that time runs past it."""
    schedules, clock = daily(tmp_path), Clock(at("2026-11-20T06:10"))
    tick(schedules.config, clock=clock)
    Path(schedules.schedules["daily"].notebook).unlink()
    clock.later("1D")
    tick(schedules.config, clock=clock)
    clock.later("3h")
    tick(schedules.config, clock=clock)
    found = read(schedules)
    assert found["capacity_report_last_run_failed", "daily"] == 1
    assert found["capacity_report_expected_timestamp_seconds", "daily"] == at("2026-11-21T07:15").timestamp()
    assert found["capacity_tick_timestamp_seconds",] > found["capacity_report_expected_timestamp_seconds", "daily"]


def test_what_was_refused_is_counted(tmp_path: Path) -> None:
    """Waiting after a refusal, and unsure after a crash; what waits for its time is neither."""
    config = Set(tmp_path).config
    with Store.open(ledger_of(config)) as store:
        for number, (state, attempts) in enumerate([("waiting", 2), ("waiting", 0), ("unsure", 0), ("sent", 1)]):
            entry = {"delivery": "slack", "event": str(number), "key": "k", "kind": "opened", "severity": "warning"}
            store.add("outbox", **entry, body="{}", made="x", not_before="x", state=state, attempts=attempts)
        named = type(config)(deliveries={"slack": Delivery("slack", "SLACK")})
        found = series(health.exposition(named, store, now=at("2026-11-20T06:10")).decode())
    assert found["capacity_undelivered", "slack"] == 2


def test_prometheus_tools_take_the_text(tmp_path: Path) -> None:
    """Names, types and help are as `promtool check metrics` wants them."""
    schedules = daily(tmp_path)
    with Store.open(ledger_of(schedules.config)) as store:
        number = runs.begin(store, "daily", notebook="x", as_of=at("2026-11-20T06:00"), now=at("2026-11-20T06:00"))
        runs.end(store, number, now=at("2026-11-20T06:01"), seconds=60.0)
        text = health.exposition(schedules.config, store, now=at("2026-11-20T06:10"))
    command = [str(find_tool("promtool")), "check", "metrics"]
    done = subprocess.run(command, input=text, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
