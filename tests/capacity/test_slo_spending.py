"""When a budget is exhausted: dates by hand where nothing is left to chance, and laws where something is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from capacity.frames import duration
from capacity.slo import exhaustion, projection
from capacity.slo.indicator import Sli
from capacity.slo.spending import _paired
from tests.support.objectives import HOUR, START, gauge, objective, ratio

DAY = pd.Timedelta(days=1)
WEEKS = 6 * 7 * 24


def steady(share: float, hours: int = WEEKS, **given: Any) -> Sli:
    """Return a service with 1,000 events an hour of which a share fails, hour by hour the same."""
    return ratio([1000.0 * share] * hours, [1000.0] * hours, **given)


def test_what_never_changes_is_exhausted_when_arithmetic_says_so() -> None:
    """At a burn of 2 the budget of October's 31 days is spent after half of them; on the 6th that is 9½ days ahead."""
    one = steady(0.02, hours=35 * 24, calendar="month")
    found = exhaustion(one, paths=50)
    row = found.table.iloc[0]
    assert found.window.start == pd.Timestamp("2026-10-01T00:00Z")
    assert row["spent"] == pytest.approx(2 * 5 / 31)
    assert row["probability"] == 1.0
    middle = pd.Timestamp("2026-10-16T12:00Z")
    for level in ("p10", "p50", "p90"):
        assert abs(row[f"exhausted_{level}"] - middle) <= 2 * HOUR
    assert abs(row["constant"] - middle) <= 2 * HOUR


def test_the_burn_that_would_just_survive_by_hand() -> None:
    """5 of 31 days burned at 2: 21 days' worth is left for 26 days, so a burn of 21/26 just survives."""
    row = exhaustion(steady(0.02, hours=35 * 24, calendar="month"), paths=50).table.iloc[0]
    assert row["survives"] == pytest.approx(21 / 26, rel=1e-3)
    assert row["expected"] == pytest.approx(2.0, rel=1e-3)


def test_half_the_burn_is_never_exhausted() -> None:
    """At a burn of one half nothing is exhausted, rolling or not: the chance is 0, and there is no date."""
    for given in ({}, {"calendar": "month"}):
        row = exhaustion(steady(0.005, **given), paths=50).table.iloc[0]
        assert row["probability"] == 0.0
        assert pd.isna(row["exhausted_p10"])
        assert pd.isna(row["constant"])


def test_what_is_spent_is_exhausted_now() -> None:
    """Past its budget today, the chance is 1 and the date is today."""
    row = exhaustion(steady(0.03), paths=50).table.iloc[0]
    assert row["spent"] == pytest.approx(3.0)
    assert (row["probability"], row["exhausted_p50"]) == (1.0, START + WEEKS * HOUR)


def test_a_rolling_budget_recovers_when_the_bad_days_leave_it() -> None:
    """A bad day that leaves the window before the next could come is no exhaustion; nothing fails after it."""
    bad = [0.0] * WEEKS
    bad[WEEKS - 29 * 24] = 7000.0 * 0.9
    row = exhaustion(ratio(bad, [1000.0] * WEEKS), paths=50).table.iloc[0]
    assert row["spent"] == pytest.approx(1000 / 7200)
    assert row["survives"] > 0


def test_no_failure_and_no_traffic() -> None:
    """Where nothing has ever failed nothing is exhausted; where there is no traffic there is no answer."""
    assert exhaustion(steady(0.0), paths=50).table.iloc[0]["probability"] == 0.0
    found = exhaustion(ratio([0.0] * WEEKS, [0.0] * WEEKS), paths=50)
    assert math.isnan(found.table.iloc[0]["probability"])
    assert found.skipped[0].reason == "too short"


def test_a_promise_of_everything_is_exhausted_by_one_failure() -> None:
    """Of 100 % the first failure spends all that there is."""
    row = exhaustion(steady(0.01, objective=1.0), paths=50).table.iloc[0]
    assert row["spent"] == math.inf
    assert row["probability"] == 1.0


def test_slices_of_time_spend_a_budget_too() -> None:
    """A gauge that is past its target one hour in fifty burns at 2: the month is exhausted before it ends."""
    values = [2.0 if hour % 50 == 0 else 0.5 for hour in range(35 * 24)]
    row = exhaustion(gauge(values, calendar="month"), paths=200).table.iloc[0]
    assert row["probability"] > 0.9


def noisy(seed: int = 0) -> Sli:
    """Return ten weeks of seasonal traffic in which about the budget's share fails."""
    random = np.random.default_rng(seed)
    hours = np.arange(10 * 7 * 24)
    traffic = 5000 * (1 + 0.6 * np.sin(2 * np.pi * hours / 24)) * np.exp(0.1 * random.standard_normal(len(hours)))
    return ratio(traffic * 0.009 * np.exp(0.3 * random.standard_normal(len(hours))), traffic, calendar="month")


def test_it_is_reproducible_and_looks_at_no_future() -> None:
    """Same data, same date, same seed: the same curve, whatever comes after."""
    whole = noisy()
    at = whole.end - 20 * DAY
    changed = ratio(
        np.where(whole.bad.index > at, 999.0, whole.bad.iloc[:, 0]), whole.total.iloc[:, 0].to_numpy(), calendar="month"
    )
    one, two = (exhaustion(each, as_of=at, paths=100).curve for each in (whole, changed))
    pd.testing.assert_frame_equal(one, two)
    assert (one.diff().dropna() >= 0).all().all()


def test_pairing_ties_ranks_and_changes_neither() -> None:
    """The paths stay what they were, in another order; their means rise together as much as was asked for."""
    random = np.random.default_rng(4)
    traffic, share = random.lognormal(size=(2000, 1)), random.lognormal(size=(2000, 1))
    tied = _paired(traffic, share, 0.6, seed=1)
    np.testing.assert_array_equal(np.sort(tied, axis=0), np.sort(share, axis=0))
    assert spearmanr(traffic[:, 0], tied[:, 0]).statistic == pytest.approx(0.6, abs=0.05)
    assert spearmanr(traffic[:, 0], _paired(traffic, share, 0.0, seed=1)[:, 0]).statistic == pytest.approx(0, abs=0.06)


def climbing(sign: float, **given: Any) -> Sli:
    """Return an indicator on a straight way to its target of 1, which it meets after 30 days at the latest."""
    days = np.arange(60 * 24) / 24
    noise = 0.01 * np.random.default_rng(3).standard_normal(len(days))
    return gauge(1 - sign * (0.3 - 0.3 * days / 90) + noise, **given)


@pytest.mark.parametrize(("comparison", "sign"), [("<", 1.0), (">", -1.0)])
def test_the_indicators_own_way_to_its_target(comparison: str, sign: float) -> None:
    """From above or from below: unlikely within a week, near certain within the horizon, a date for the middle."""
    row = projection(climbing(sign, comparison=comparison), horizon="60d").table.iloc[0]
    assert row["7d"] < 0.1
    assert row["60d"] > 0.9
    assert math.isnan(row["90d"])
    assert START + 75 * DAY < row["breach_p50"] < START + 110 * DAY
    assert not row["past"]


def test_what_is_past_its_target_is_told() -> None:
    """A day on the wrong side is past, with a chance of 1."""
    row = projection(gauge([1.5] * 24 * 30), horizon="14d").table.iloc[0]
    assert row["past"]
    assert row["7d"] == 1.0


def test_a_window_of_a_year_is_looked_at_by_the_day() -> None:
    """An objective over 365 days is forecast on days; what the history does not carry is NaN."""
    found = exhaustion(steady(0.02, window=duration("365d")), paths=20)
    assert found.curve.index[1] - found.curve.index[0] == DAY
    assert objective().window == 30 * DAY
    assert math.isnan(found.curve.iloc[-1, 0])
