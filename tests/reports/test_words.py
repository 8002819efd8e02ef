"""Dates, spans and chances as reports say them."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from reports import words

NAT = pd.NaT


def at(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz="UTC")


def test_a_date_is_that_of_the_zone_it_is_read_in() -> None:
    """23:30 UTC is the next day in Tokyo, and the same one in New York; no locale changes the month's name."""
    late = at("2026-12-31T23:30")
    assert words.day(late) == "31 Dec 2026"
    assert words.day(late, zone="Asia/Tokyo") == "1 Jan 2027"
    assert words.short_day(late, zone="America/New_York") == "31 Dec"
    assert words.day(NAT) == "–"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (at("2026-12-11"), at("2026-12-25"), "11–25 Dec"),
        (at("2026-12-11T01:00"), at("2026-12-11T20:00"), "11 Dec"),
        (at("2027-02-04"), at("2027-04-01"), "4 Feb – 1 Apr"),
        (at("2026-12-11"), at("2027-12-12"), "11 Dec – 12 Dec 2027"),
        (at("2027-02-04"), NAT, "4 Feb or later"),
        (NAT, NAT, "–"),
    ],
)
def test_a_span_says_a_month_once_and_leaves_an_open_end_open(low: pd.Timestamp, high: pd.Timestamp, text: str) -> None:
    """A year is said where the two dates would otherwise read as weeks apart."""
    assert words.span(low, high) == text


def test_how_far_ahead_is_counted_in_whole_days() -> None:
    """23 hours are today still."""
    now = at("2026-11-01")
    found = [words.ahead(now + pd.Timedelta(hours=hours), now) for hours in (0, 23, 24, 47, -24)]
    assert found == ["today", "today", "in 1 d", "in 1 d", "1 d ago"]


def test_lengths_are_days_hours_or_minutes() -> None:
    """Hours up to two days."""
    lengths = [pd.Timedelta(text) for text in ("120D", "2D", "36h", "1h", "15min")]
    assert [words.since(length) for length in lengths] == ["120 d", "2 d", "36 h", "1 h", "15 min"]


def test_no_count_of_paths_makes_a_chance_certain() -> None:
    """A thousand of a thousand paths is more than 99 %, none of them less than 1 %."""
    assert [words.chance(share) for share in (0.0, 0.004, 0.01, 0.5, 0.99, 1.0)] == [
        "< 1 %", "< 1 %", "1 %", "50 %", "99 %", "> 99 %",
    ]  # fmt: skip
    assert words.chance(math.nan) == "–"


def test_a_share_may_be_more_than_all() -> None:
    """Only nothing is 0 %."""
    assert [words.percent(share) for share in (0.0, 0.004, 0.834, 1.04)] == ["0 %", "< 1 %", "83 %", "104 %"]
    assert words.percent(math.nan) == "–"


def test_a_count_has_its_noun() -> None:
    """One gap, two gaps, 1,200 series."""
    assert words.plural(1, "gap") == "1 gap"
    assert words.plural(2, "gap") == "2 gaps"
    assert words.plural(1200, "series", "series") == "1,200 series"


def test_four_futures_in_five_are_told_in_words() -> None:
    """A month that both ends have is said once; an end that is not known leaves what is."""
    at = [pd.Timestamp(day, tz="UTC") for day in ("2026-11-07", "2026-11-19", "2026-12-02")]
    assert words.between(at[0], at[1]) == "80 % between 7 and 19 Nov"
    assert words.between(at[0], at[2]) == "80 % between 7 Nov and 2 Dec"
    assert words.between(at[0], at[0]) == "80 % on 7 Nov"
    assert words.between(at[0], pd.NaT) == "90 % after 7 Nov"  # type: ignore[arg-type]
    assert words.between(pd.NaT, pd.NaT) == "–"  # type: ignore[arg-type]
