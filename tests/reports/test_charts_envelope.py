"""Fewer points than pixels: buckets, worked out by hand, and quantiles of paths, worked out the slow way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.charts.envelope import LEVELS, MOST, PATHS, bucket_for, envelope, projected
from tests.support.plans import small_plan

HOUR, DAY = pd.Timedelta(1, "h"), pd.Timedelta(1, "D")


@pytest.mark.parametrize(
    ("length", "step", "bucket"),
    [
        (25 * DAY, HOUR, HOUR),  # 600 hours are drawn as they are
        (26 * DAY, HOUR, DAY),  # 624 are not
        (210 * DAY, HOUR, DAY),  # 120 d of history and 90 d ahead
        (7 * DAY, HOUR / 60, HOUR),  # 10,080 minutes are 168 hours
        (2000 * DAY, DAY, 7 * DAY),
        (1000 * DAY, 7 * DAY, 7 * DAY),
    ],
)
def test_the_bucket_is_the_smallest_that_the_width_can_show(
    length: pd.Timedelta, step: pd.Timedelta, bucket: pd.Timedelta
) -> None:
    """At most 600 buckets, of a length that people know; never shorter than a step."""
    assert bucket_for(length, step) == bucket


@given(st.integers(1, 10**6), st.integers(1, 10**5))
def test_no_chart_has_more_buckets_than_it_can_show(steps: int, minutes: int) -> None:
    """Whatever the length and the step."""
    step = pd.Timedelta(minutes, "min")
    assert steps * step / bucket_for(steps * step, step) <= MOST + 1e-6


def test_an_instant_belongs_to_the_day_that_ends_there() -> None:
    """01:00 to 24:00 are one day: its highest hour, 24, falls on the midnight that ends it."""
    index = pd.date_range("2026-01-01T01:00Z", periods=48, freq="h", unit="us")
    found = envelope(pd.Series(np.arange(1.0, 49.0), index=index), step=HOUR, bucket=DAY)
    assert [str(day.date()) for day in found.index] == ["2026-01-01", "2026-01-02"]
    assert found.to_numpy().tolist() == [[1.0, 12.5, 24.0], [25.0, 36.5, 48.0]]


def test_a_day_without_a_sample_is_a_hole() -> None:
    """A gap of a whole day stays one; part of a day does not make one."""
    index = pd.date_range("2026-01-01T01:00Z", periods=72, freq="h", unit="us")
    values = pd.Series(1.0, index=index)
    values.iloc[20:50] = np.nan
    found = envelope(values, step=HOUR, bucket=DAY)["high"]
    assert found.isna().tolist() == [False, True, False]


def test_a_part_of_a_day_at_either_end_is_left_out() -> None:
    """The extreme of three hours is less than that of a day: drawn beside whole days it would be a dip."""
    index = pd.date_range("2026-01-01T22:00Z", periods=3 + 48 + 3, freq="h", unit="us")
    found = envelope(pd.Series(np.arange(54.0), index=index), step=HOUR, bucket=DAY)
    assert [str(day.date()) for day in found.index] == ["2026-01-02", "2026-01-03"]
    short = envelope(pd.Series([1.0, 2.0], index=index[:2]), step=HOUR, bucket=DAY)
    assert short["high"].tolist() == [2.0]


def test_days_end_at_the_anchor() -> None:
    """With a cutoff at nine each day ends there, so that none is cut into what was and what is to come."""
    index = pd.date_range(end="2026-01-04T09:00Z", periods=48, freq="h", unit="us")
    found = envelope(pd.Series(np.arange(48.0), index=index), step=HOUR, bucket=DAY, anchor=index[-1])
    assert [str(day) for day in found.index] == ["2026-01-02 09:00:00+00:00", "2026-01-03 09:00:00+00:00"]
    assert found["high"].tolist() == [23.0, 47.0]


def test_a_week_that_the_horizon_cuts_is_left_out() -> None:
    """30 days ahead are four whole weeks, which begin at the cutoff; the two days left over are not drawn."""
    forecast = small_plan().forecasts["disk"]
    found = projected(forecast, [0], bucket=7 * DAY)[0]
    assert list(found.index) == [forecast.cutoff + week * 7 * DAY for week in range(4)]


def test_samples_that_fit_are_left_alone() -> None:
    """With a bucket of one step the instants and the values are the samples' own."""
    index = pd.date_range("2026-01-01T01:00Z", periods=3, freq="h", unit="us")
    found = envelope(pd.Series([3.0, np.nan, 1.0], index=index), step=HOUR, bucket=HOUR)
    assert found.index.equals(index.rename("time"))
    assert found["high"].tolist()[::2] == [3.0, 1.0]


@pytest.mark.parametrize(("direction", "extreme"), [("above", np.max), ("below", np.min)])
def test_the_band_is_that_of_each_days_extreme_path_by_path(direction: str, extreme: object) -> None:
    """The daily extreme of each path first, then its quantiles: not the extreme of hourly quantiles."""
    forecast = small_plan().forecasts["disk"]
    found = projected(forecast, [2, 0], bucket=DAY, direction=direction)
    paths = forecast.paths(PATHS)
    for series in (0, 2):
        days = paths[:, :, series].reshape(PATHS, 30, 4)
        slow = np.quantile(extreme(days, axis=2), LEVELS, axis=0).T  # type: ignore[operator]
        np.testing.assert_allclose(found[series].to_numpy(), slow)
    assert found[0].index[0] == forecast.cutoff
