"""Growth: the rate, how sure it is, and what it does not fall for."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity import provenance
from capacity.errors import FrameError, HistoryTooShort
from capacity.frames import wide
from capacity.growth import Growth, growth

END = pd.Timestamp("2026-11-01T00:00Z")


def hourly(values: npt.ArrayLike, *, step: str = "1h") -> pd.DataFrame:
    """Return a frame of these values (times,) or (times, series), the last one at `END`."""
    samples = np.asarray(values, dtype=float)
    samples = samples[:, None] if samples.ndim == 1 else samples
    times = pd.date_range(end=END, periods=len(samples), freq=step, unit="us")
    return wide(samples, times=times, series=[{"node": f"n{n}"} for n in range(samples.shape[1])], metric="used")


def days(count: int) -> npt.NDArray[np.float64]:
    """Return the time of each hour, in days from the first."""
    return np.arange(24 * count) / 24


def season(t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the day's and the week's rhythm."""
    return 8 * np.sin(2 * np.pi * t) + 5 * np.sin(2 * np.pi * t / 7)


def only(found: Growth) -> pd.Series:
    return found.table.iloc[0]


def test_a_line_under_a_season_has_its_own_rate() -> None:
    """Two a day under a daily and a weekly season of four times that: 2.000 a day, doubling in level ÷ rate."""
    t = days(56)
    found = only(growth(hourly(100 + 2 * t + season(t))))
    assert found["rate_per_day"] == pytest.approx(2.0, abs=1e-9)
    assert found["low"] <= 2.0 <= found["high"]
    # The middle of the last day lies half an hour and half a day before its end.
    assert found["now"] == pytest.approx(100 + 2 * (55 + 11.5 / 24), abs=0.2)
    assert found["doubling_time"] / pd.Timedelta(1, "D") == pytest.approx(found["now"] / 2.0, abs=1e-3)
    assert found["relative_30d"] == pytest.approx(60 / found["now"])
    assert (found["direction"], found["days"]) == ("growing", 56)


def test_the_change_is_the_last_period_against_the_one_before() -> None:
    """Four weeks at 100 and four at 110 are a change of a tenth."""
    found = growth(hourly(np.repeat([100.0, 110.0], 28 * 24)))
    assert (only(found)["change"], found.period) == (pytest.approx(0.1), pd.Timedelta(28, "D"))


def test_a_flat_series_does_not_grow_and_never_doubles() -> None:
    """No rate, no doubling time, and the word is steady."""
    found = only(growth(hourly(np.full(40 * 24, 5.0))))
    assert (found["rate_per_day"], found["direction"]) == (0.0, "steady")
    assert pd.isna(found["doubling_time"])


def test_a_falling_series_is_told_as_falling() -> None:
    """Less every day, surely: falling, and it does not double."""
    found = only(growth(hourly(1000 - 3 * days(40))))
    assert (found["direction"], pd.isna(found["doubling_time"])) == ("falling", True)


def test_outliers_do_not_pull() -> None:
    """Three days of a hundredfold, an incident at the end, move the rate by less than a tenth of it."""
    t = days(60)
    values = 100 + 2 * t + season(t)
    values[-5 * 24 : -2 * 24] *= 100
    assert only(growth(hourly(values)))["rate_per_day"] == pytest.approx(2.0, rel=0.1)


def test_gaps_and_infinities_are_missing() -> None:
    """Ten whole days gone and a day of +Inf: the rate of a line stays what it is."""
    t = days(60)
    values = 100 + 2 * t
    values[240:480] = np.nan
    values[600:624] = np.inf
    found = only(growth(hourly(values)))
    assert found["rate_per_day"] == pytest.approx(2.0)
    assert found["days"] == 49


@pytest.mark.parametrize(("correlation", "low", "high"), [(0.0, 0.74, 0.86), (0.6, 0.74, 0.86), (0.85, 0.72, 0.88)])
def test_the_interval_holds_the_truth_as_often_as_it_says(correlation: float, low: float, high: float) -> None:
    """Of 400 series of 84 days, AR(1) around a line, about 80 % of the intervals hold its rate."""
    rng = np.random.default_rng(2)
    noise = np.zeros((84 + 100, 400))
    for day in range(1, len(noise)):
        noise[day] = correlation * noise[day - 1] + rng.standard_normal(400)
    values = 50 + 0.05 * np.arange(84)[:, None] + noise[100:]
    table = growth(hourly(values, step="1D")).table
    held = ((table["low"] <= 0.05) & (table["high"] >= 0.05)).mean()
    assert low <= held <= high


def test_a_short_series_is_skipped_with_its_days() -> None:
    """Thirteen whole days are one too few; its neighbour is answered all the same."""
    values = np.column_stack([days(30), days(30)])
    values[: 17 * 24 - 1, 1] = np.nan
    found = growth(hourly(values))
    assert len(found.table) == 1
    assert [(each.series, each.reason) for each in found.skipped] == [("n1", "too short")]
    assert found.skipped[0].detail == "13d of whole days, 14d are needed"


@pytest.mark.parametrize(("rate", "days_to_double"), [(1e-6, None), (1e-3, None), (0.01, 10_029)])
def test_a_doubling_that_takes_centuries_is_none(rate: float, days_to_double: int | None) -> None:
    """100 that grow by a millionth a day double in 274,000 years, which no duration of pandas holds: NaT, and no error.

    At a thousandth it is 274 years, still none; at a hundredth 10,000 days and the 29 that have passed.
    """
    found = only(growth(hourly(100 + rate * days(30), step="1h")))["doubling_time"]
    assert pd.isna(found) if days_to_double is None else abs(found.days - days_to_double) <= 2


@pytest.mark.parametrize("hours", [1, 5, 30])
def test_a_window_of_hours_is_too_short_and_no_error(hours: int) -> None:
    """Not one whole day, or only one: an empty table, and the series with its reason."""
    found = growth(hourly(np.ones(hours)))
    assert len(found.table) == 0
    assert [each.reason for each in found.skipped] == ["too short"]


def test_nothing_after_as_of_is_seen() -> None:
    """What comes after ``as_of`` changes nothing."""
    values = np.concatenate([100 + 2 * days(40), np.full(10 * 24, 1e9)])
    frame = hourly(values)
    assert growth(frame, as_of=END - pd.Timedelta(10, "D")).table.equals(growth(frame.iloc[: 40 * 24]).table)
    with pytest.raises(HistoryTooShort):
        growth(frame, as_of="2020-01-01")


def test_units_and_provenance_are_carried_on() -> None:
    """The base unit of what was pulled stands beside the rates."""
    frame = provenance.attach(hourly(days(20)), "used", unit="GiB", query="used_bytes")
    found = growth(frame)
    assert found.units == {"used": "bytes"}
    assert found.provenance["used"].query == "used_bytes"
    assert repr(found) == "Growth(1 series: 1 growing)"


def test_what_is_not_a_history_is_refused() -> None:
    """An index without instants is no history."""
    with pytest.raises(FrameError):
        growth(pd.DataFrame({"a": [1.0, 2.0]}))


@pytest.mark.parametrize("step", ["15min", "1h", "6h", "1D"])
def test_the_rate_does_not_depend_on_the_step(step: str) -> None:
    """A line is a line, per day, at any step."""
    count = int(pd.Timedelta(28, "D") / pd.Timedelta(step))
    values = 3.0 * np.arange(count) * (pd.Timedelta(step) / pd.Timedelta(1, "D"))
    assert only(growth(hourly(values, step=step)))["rate_per_day"] == pytest.approx(3.0)


@given(st.floats(-5, 5), st.floats(0.01, 1000))
def test_scaling_demand_scales_its_rate(rate: float, scale: float) -> None:
    """In another unit the rate is that many times larger, and the direction and the shares are the same."""
    values = 500 + rate * days(30) + season(days(30))
    plain, scaled = only(growth(hourly(values))), only(growth(hourly(scale * values)))
    assert scaled["rate_per_day"] == pytest.approx(scale * plain["rate_per_day"], rel=1e-6, abs=1e-6 * scale)
    assert scaled["relative_30d"] == pytest.approx(plain["relative_30d"], rel=1e-6, abs=1e-6)


def test_a_step_is_told_and_is_no_growth() -> None:
    """A migration brings 50 on the 30th of 60 days, and nothing grows: one step, its day, its size; at 80 % steady."""
    t = days(60)[:, None]
    noise = np.random.default_rng(0).normal(0, 1, (len(t), 100))
    table = growth(hourly(100 + season(t) + 50 * (t >= 30) + noise)).table
    assert (table["steps"] == 1).all()
    assert (table["stepped_at"] == END - pd.Timedelta(30, "D")).all()
    assert table["step"].to_numpy() == pytest.approx(50, abs=1)
    assert table["now"].to_numpy() == pytest.approx(150, abs=1)
    assert (table["direction"] == "steady").mean() >= 0.7
    assert (table["rate_per_day"].abs() < 0.02).all()
    assert (table["change"] > 0.3).all()


def test_a_step_leaves_the_rate_of_what_grows() -> None:
    """Two a day before and after a step down of 80: two a day."""
    t = days(80)
    noise = np.random.default_rng(1).normal(0, 1, len(t))
    found = only(growth(hourly(300 + 2 * t + season(t) - 80 * (t >= 50) + noise)))
    assert found["rate_per_day"] == pytest.approx(2.0, abs=0.05)
    assert (found["steps"], found["stepped_at"]) == (1, END - pd.Timedelta(30, "D"))


@pytest.mark.parametrize("correlation", [0.0, 0.6, 0.95, 1.0])
def test_noise_and_wandering_have_no_steps(correlation: float) -> None:
    """Of 500 series of 120 days, from white noise to a random walk on a slope, at most one in a hundred has a step."""
    rng = np.random.default_rng(3)
    noise = np.zeros((220, 500))
    for day in range(1, len(noise)):
        noise[day] = correlation * noise[day - 1] + rng.standard_normal(500)
    values = 50 + 0.2 * np.arange(120)[:, None] + noise[100:]
    assert (growth(hourly(values, step="1D")).table["steps"] > 0).mean() <= 0.01


def test_rates_by_week_and_year_are_the_days_times_as_many() -> None:
    """Two a day are 14 a week and 730 in 365 days, and so are the interval's ends."""
    found = growth(hourly(100 + 2 * days(56)))
    assert found.rate("7d").iloc[0].to_list() == pytest.approx([14.0, 14.0, 14.0])
    assert found.rate("365d")["rate"].iloc[0] == pytest.approx(730.0)


def test_the_doubling_time_has_the_intervals_ends() -> None:
    """The faster the growth, the sooner it has doubled: the interval's upper end is the soonest."""
    t = days(60)
    found = only(growth(hourly(100 + 2 * t + np.random.default_rng(2).normal(0, 3, len(t)))))
    assert found["doubling_soonest"] <= found["doubling_time"] <= found["doubling_latest"]
    assert found["doubling_soonest"] / pd.Timedelta(1, "D") == pytest.approx(found["now"] / found["high"], rel=1e-6)
