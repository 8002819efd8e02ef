"""Budgets and burn: the workbook's numbers by hand, and every window against a plain loop."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.frames import duration
from capacity.slo import budget, burn, burned, conditions, factor, span, time_to_exhaustion
from tests.support.objectives import HOUR, START, frame, gauge, objective, ratio

NAN = math.nan
MONTH = duration("30d")
DAY = pd.Timedelta(days=1)


@pytest.mark.parametrize(
    ("rate", "lasts"), [(14.4, "50h"), (6.0, "5d"), (3.0, "10d"), (1.0, "30d"), (2.0, "15d"), (0.5, "60d")]
)
def test_how_long_a_budget_lasts(rate: float, lasts: str) -> None:
    """At a constant burn of 14.4 a budget of 30 days is spent in 50 hours; at 6, 3 and 1 in 5, 10 and 30 days."""
    assert time_to_exhaustion(rate, period=MONTH) == duration(lasts)


def test_what_is_spent_lasts_no_longer() -> None:
    """Half a budget lasts half as long; one that is spent lasts no time; without burn there is no date, nor "never"."""
    assert time_to_exhaustion(3.0, period=MONTH, left=0.5) == 5 * DAY
    assert time_to_exhaustion(3.0, period=MONTH, left=-0.1) == pd.Timedelta(0)
    assert pd.isna(time_to_exhaustion(0.0, period=MONTH))
    assert pd.isna(time_to_exhaustion(NAN, period=MONTH))


@pytest.mark.parametrize(
    ("period", "factors"),
    [("30d", [14.4, 6.0, 3.0, 1.0]), ("28d", [13.44, 5.6, 2.8, 28 / 30]), ("7d", [3.36, 1.4, 0.7, 7 / 30])],
)
def test_factors_are_share_by_period_over_window(period: str, factors: list[float]) -> None:
    """2 % in 1 h, 5 % in 6 h, 10 % in 1 d and 3 d of 30 d are 14.4, 6, 3 and 1; of another period in proportion."""
    found = conditions(objective(window=duration(period), slice=duration("5m")))
    assert [one.factor for one in found] == pytest.approx(factors)
    assert [one.long for one in found] == [HOUR, 6 * HOUR, DAY, 3 * DAY]
    assert [one.short for one in found] == [duration(text) for text in ("5m", "30m", "2h", "6h")]
    assert factor(0.02, window=HOUR, period=MONTH) == pytest.approx(14.4)


def test_windows_are_never_finer_than_slices() -> None:
    """With slices of an hour the five minutes are an hour; a period of a day has no condition over three."""
    found = conditions(objective(window=2 * DAY))
    assert [one.short for one in found] == [HOUR, HOUR, 2 * HOUR]


def test_a_budget_by_hand() -> None:
    """99 % of 10,000 events may fail 100 times; 25 have: a quarter is spent, 99.75 % were good, and burn is 1/4."""
    one = ratio([5, 20], [4_000, 6_000], window=2 * HOUR)
    row = budget(one).table.iloc[0]
    assert (row["total"], row["bad"]) == (10_000, 25)
    assert row["allowed"] == pytest.approx(100)
    assert (row["spent"], row["left"], row["burn"]) == pytest.approx((0.25, 0.75, 0.25))
    assert row["kept"] == pytest.approx(0.9975)


def test_what_lies_before_the_window_does_not_count() -> None:
    """A rolling window of an hour knows nothing of the hour before."""
    row = budget(ratio([50, 1], [100, 100], window=HOUR)).table.iloc[0]
    assert row["bad"] == 1


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 500)), min_size=1, max_size=60), st.floats(0.5, 0.9999))
def test_spent_and_left_make_one_and_days_make_what_is_spent(events: list[tuple[int, int]], share: float) -> None:
    """Whatever has happened, the two add up to the whole budget, and the days to what is spent."""
    bad, more = (list(one) for one in zip(*events, strict=True))
    total = [one + two for one, two in zip(bad, more, strict=True)]
    made = budget(ratio(bad, total, objective=share))
    row = made.table.iloc[0]
    if sum(total) == 0:
        assert math.isnan(row["spent"])
        assert math.isnan(row["kept"])
    else:
        assert row["spent"] + row["left"] == pytest.approx(1.0)
        assert made.by_day.iloc[:, 0].sum() == pytest.approx(row["spent"])


def test_a_promise_of_everything_has_no_budget() -> None:
    """Of 100 % nothing is spent while nothing is bad; one bad event spends it infinitely often."""
    fine = budget(ratio([0, 0], [10, 10], objective=1.0)).table.iloc[0]
    assert (fine["spent"], fine["left"], fine["burn"]) == (0.0, 1.0, 0.0)
    broken = budget(ratio([0, 1], [10, 10], objective=1.0)).table.iloc[0]
    assert (broken["spent"], broken["left"]) == (math.inf, -math.inf)
    np.testing.assert_array_equal(burn(ratio([0, 1], [10, 10], objective=1.0), HOUR).to_numpy()[:, 0], [0, math.inf])


def test_no_data_spends_nothing_and_is_told() -> None:
    """Ten missing hours of forty are a quarter that nobody knows of; the rest is judged by itself."""
    row = budget(gauge([0.5] * 20 + [NAN] * 10 + [2.0] * 10, window=40 * HOUR)).table.iloc[0]
    assert row["missing"] == pytest.approx(0.25)
    assert row["total"] == 30
    assert row["kept"] == pytest.approx(2 / 3)


def test_zero_traffic_has_no_burn() -> None:
    """Without an event the burn is not 0, it is not known."""
    found = burn(ratio([0, 1, 0], [0, 10, 0]), HOUR).to_numpy()[:, 0]
    np.testing.assert_allclose(found, [NAN, 10.0, NAN])


@given(
    st.lists(st.one_of(st.none(), st.tuples(st.integers(0, 5), st.integers(0, 50))), min_size=1, max_size=80),
    st.integers(1, 30),
)
def test_burn_is_the_plain_loop(events: list[tuple[int, int] | None], hours: int) -> None:
    """Over every window: all that was bad in it by all that there was, by the budget; a missing hour adds nothing."""
    bad = [NAN if one is None else one[0] for one in events]
    total = [NAN if one is None else one[0] + one[1] for one in events]
    found = burn(ratio(bad, total), hours * HOUR).to_numpy()[:, 0]
    for at in range(len(events)):
        seen = [one for one in events[max(0, at - hours + 1) : at + 1] if one is not None]
        there = sum(one[0] + one[1] for one in seen)
        expected = sum(one[0] for one in seen) / there / 0.01 if there and at + 1 >= hours else NAN
        assert found[at] == pytest.approx(expected, nan_ok=True)


def test_which_condition_would_have_fired_and_when() -> None:
    """Two hours with a fifth of all bad, in a quiet month: 20 × over 1 h, but 6 × over 6 h is not passed by 40/6."""
    bad = [0.0] * 240
    bad[100], bad[101] = 20.0, 20.0
    found = burned(ratio(bad, [100.0] * 240)).fired
    by_name = found.set_index("condition")
    hour = by_name.loc["14.4× over 1h and 1h"]
    assert (hour["start"], hour["end"]) == (START + 101 * HOUR, START + 102 * HOUR)
    assert (hour["lasted"], hour["peak"], hour["severity"]) == (2 * HOUR, pytest.approx(20.0), "page")
    six = by_name.loc["6× over 6h and 1h"]
    assert (six["start"], six["end"]) == (START + 102 * HOUR, START + 102 * HOUR)
    assert six["peak"] == pytest.approx(40 / 6)
    assert not found["now"].any()


def test_at_the_factor_is_not_past_it() -> None:
    """A burn of exactly 1 over three days fires nothing: nothing is rounded before it is compared."""
    assert burned(ratio([1.0] * 200, [128.0] * 200, objective=1 - 1 / 128)).fired.empty


def test_a_firing_that_goes_on_is_told() -> None:
    """What holds at the last slice holds now."""
    found = burned(ratio([0.0] * 99 + [50.0], [100.0] * 100))
    assert found.now["condition"].tolist() == ["14.4× over 1h and 1h", "6× over 6h and 1h"]


@pytest.mark.parametrize(
    ("calendar", "start", "end"),
    [
        ("day", "2026-10-25T22:00Z", "2026-10-26T23:00Z"),
        ("week", "2026-10-25T23:00Z", "2026-11-01T23:00Z"),
        ("month", "2026-09-30T22:00Z", "2026-10-31T23:00Z"),
        ("quarter", "2026-09-30T22:00Z", "2026-12-31T23:00Z"),
        ("year", "2025-12-31T23:00Z", "2026-12-31T23:00Z"),
    ],
)
def test_a_calendars_window_is_that_of_the_wall(calendar: str, start: str, end: str) -> None:
    """In Berlin, across the change of clocks of 25 October 2026."""
    at = pd.Timestamp("2026-10-26T12:00Z") if calendar != "day" else pd.Timestamp("2026-10-25T23:30Z")
    found = span(objective(calendar=calendar, timezone="Europe/Berlin"), at)
    if calendar == "day":
        start, end = "2026-10-25T23:00Z", "2026-10-26T23:00Z"
    assert (found.start, found.end) == (pd.Timestamp(start), pd.Timestamp(end))


def test_on_the_border_a_window_ends_and_ahead_of_it_one_begins() -> None:
    """A timestamp speaks for the time before it: midnight on the first belongs to the month that is over."""
    month = objective(calendar="month")
    at = pd.Timestamp("2026-11-01T00:00Z")
    assert span(month, at).end == at
    assert span(month, at, ahead=True).start == at
    assert span(objective(), at).start == at - MONTH


def test_a_calendars_budget_is_that_of_a_whole_month() -> None:
    """After 3 of 30 days with 1 bad event in 1,000 a day of 99 %: 3 of 300 that the month will allow."""
    hours = 72
    bad = [1.0 if hour % 24 == 0 else 0.0 for hour in range(hours)]
    made = budget(ratio(bad, [1_000 / 24] * hours, calendar="month"))
    row = made.table.iloc[0]
    assert row["allowed"] == pytest.approx(300)
    assert row["spent"] == pytest.approx(0.01)


def test_what_was_left_is_told_over_time() -> None:
    """A rolling budget of two hours: known from the second hour on, and back at 1 once the bad hour has left it."""
    one = ratio([1, 0, 0, 0], [100, 100, 100, 100], window=2 * HOUR)
    np.testing.assert_allclose(budget(one).left.to_numpy()[:, 0], [NAN, 0.5, 1.0, 1.0])


def test_series_have_budgets_of_their_own() -> None:
    """What one region spends is not another's."""
    one = ratio([[1, 0]], [[100, 100]], labels=[{"region": "a"}, {"region": "b"}])
    assert budget(one).table["spent"].tolist() == pytest.approx([1.0, 0.0])
    assert frame([1]).shape == (1, 1)
