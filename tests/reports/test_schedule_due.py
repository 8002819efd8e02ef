"""What is due, at clocks that skip, repeat, stand still or go back: all worked out by hand."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.schedule.due import Attempts, backoff, due, following, previous
from reports.settings import Schedule


def at(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC").as_unit("us")


def weekly(cron: str = "0 6 * * 1", zone: str = "Europe/Berlin", **more: int) -> Schedule:
    return Schedule("weekly", "capacity_overview", cron, zone, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("cron", "now", "before", "after"),
    [
        ("0 6 * * 1", "2026-11-24T10:00", "2026-11-23T05:00", "2026-11-30T05:00"),
        ("0 6 * * *", "2026-11-24T05:00", "2026-11-24T05:00", "2026-11-25T05:00"),
        # 25 October 2026, 03:00 CEST becomes 02:00 CET: half past two comes twice, at 00:30 and at 01:30 UTC
        ("30 2 * * *", "2026-10-25T00:20", "2026-10-24T00:30", "2026-10-25T00:30"),
        ("30 2 * * *", "2026-10-25T00:40", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("30 2 * * *", "2026-10-25T01:40", "2026-10-25T00:30", "2026-10-26T01:30"),
        ("45 2 * * *", "2026-10-25T01:30", "2026-10-25T00:45", "2026-10-26T01:45"),
        # every quarter of an hour comes in both
        ("*/15 * * * *", "2026-10-25T01:05", "2026-10-25T01:00", "2026-10-25T01:15"),
        # 29 March 2026, 02:00 CET becomes 03:00 CEST: half past two is skipped, and made up for at three
        ("30 2 * * *", "2026-03-29T00:40", "2026-03-28T01:30", "2026-03-29T01:00"),
        ("30 2 * * *", "2026-03-29T01:10", "2026-03-29T01:00", "2026-03-30T00:30"),
        ("0 0 29 2 *", "2026-11-24T00:00", "2024-02-28T23:00", "2028-02-28T23:00"),
    ],
)
def test_instants_are_those_of_the_clock_on_the_wall(cron: str, now: str, before: str, after: str) -> None:
    """The last instant up to now, and the first one after it, by Berlin's clock, whatever clocks do that day."""
    assert previous(weekly(cron), at(now)) == at(before)
    assert following(weekly(cron), at(now)) == at(after)


@given(
    st.datetimes(
        min_value=pd.Timestamp("2025-01-01").to_pydatetime(), max_value=pd.Timestamp("2027-12-31").to_pydatetime()
    ),
    st.sampled_from(["0 6 * * 1", "30 2 * * *", "*/20 * * * *", "5 1,2,3 * * *", "0 0 1 * *"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
)
def test_now_lies_between_the_instant_before_and_the_one_after(moment: object, cron: str, zone: str) -> None:
    """Each of the two is the other's neighbour, and no instant lies between: in every zone, at any time."""
    now, schedule = at(str(moment)).floor("s"), weekly(cron, zone)
    before, after = previous(schedule, now), following(schedule, now)
    assert before <= now < after
    assert following(schedule, before) == after
    assert previous(schedule, after) == after
    assert previous(schedule, after - pd.Timedelta(1, unit="s")) == before


def test_three_days_missed_are_one_catch_up() -> None:
    """The last instant alone is due, whatever was missed before it; done, nothing is."""
    daily, now = weekly("0 6 * * *", "UTC"), at("2026-11-24T09:00")
    found = due(daily, now=now, good=at("2026-11-20T06:00"))
    assert found is not None
    assert found.as_of == at("2026-11-24T06:00")
    assert due(daily, now=now, good=found.as_of) is None


def test_a_first_tick_makes_the_last_report() -> None:
    """A schedule that never ran is due for its last instant, at once."""
    found = due(weekly(), now=at("2026-11-24T09:00"), good=None)
    assert found is not None
    assert found.as_of == at("2026-11-23T05:00")


def test_a_clock_that_is_set_back_makes_nothing_twice() -> None:
    """What was good at nine is good at eight; when the clock comes to the next instant, that is due."""
    daily = weekly("0 6 * * *", "UTC")
    assert due(daily, now=at("2026-11-24T05:30"), good=at("2026-11-24T06:00")) is None
    assert due(daily, now=at("2026-11-25T06:00"), good=at("2026-11-24T06:00")) is not None


def test_a_failed_run_is_tried_again_later_and_later() -> None:
    """5, 10, 20, 40 min, then every hour; after the last retry not until the next instant."""
    assert [backoff(n) / pd.Timedelta(minutes=1) for n in (1, 2, 3, 4, 5, 9)] == [5, 10, 20, 40, 60, 60]
    daily, instant = weekly("0 6 * * *", "UTC", retries=2), at("2026-11-24T06:00")

    def again(now: str, failed: int, last: str) -> bool:
        return due(daily, now=at(now), good=None, attempts=Attempts(failed, at(last))) is not None

    assert not again("2026-11-24T06:04", 1, "2026-11-24T06:00")
    assert again("2026-11-24T06:05", 1, "2026-11-24T06:00")
    assert not again("2026-11-24T06:14", 2, "2026-11-24T06:05")
    assert again("2026-11-24T06:15", 2, "2026-11-24T06:05")
    assert not again("2026-11-24T20:00", 3, "2026-11-24T06:15")
    next_day = due(daily, now=at("2026-11-25T06:00"), good=None)
    assert next_day is not None
    assert next_day.as_of == instant + pd.Timedelta(days=1)


def test_a_failure_from_a_clock_ahead_delays_nothing() -> None:
    """Where the last failure lies in the future the clock was set back: waiting for it would be waiting for ever."""
    tried = Attempts(1, at("2030-01-01T00:00"))
    assert due(weekly("0 6 * * *", "UTC"), now=at("2026-11-24T06:01"), good=None, attempts=tried) is not None
