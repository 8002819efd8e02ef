"""The table of how promises are kept, and who spends their budgets: a word for each state, sums that add up."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.slo import STATUSES, budget, burned, compliance, drivers, sli, status_text
from capacity.slo.indicator import Sli
from tests.support.objectives import HOUR, START, frame, gauge, objective, ratio

NAN = math.nan
DAY = pd.Timedelta(days=1)
REGIONS = [{"region": "a"}, {"region": "b"}]


def judged(one: Sli) -> pd.Series:
    """Return the first row of an objective's table."""
    return compliance(one, budget(one), burned(one)).iloc[0]


def test_a_row_by_hand() -> None:
    """Two bad events of 1,000 in a window of ten hours, both in the fourth: 99.8 % good, its worst hour at 98 %."""
    row = judged(ratio([0, 0, 0, 2, 0, 0, 0, 0, 0, 0], [100] * 10, window=10 * HOUR))
    assert row["value"] == pytest.approx(0.998)
    assert row["kept"] == pytest.approx(0.998)
    assert row["left"] == pytest.approx(0.8)
    assert (row["worst"], row["worst_at"]) == (pytest.approx(0.98), START + 4 * HOUR)
    assert (row["now"], row["status"]) == (1.0, "kept")


@pytest.mark.parametrize(
    ("bad", "status"),
    [
        ([0.0] * 100, "kept"),
        ([0.0] * 50 + [60.0, 60.0] + [0.0] * 48, "broken"),
        ([0.0] * 98 + [20.0, 20.0], "burning"),
        ([0.0] * 99 + [2.0], "at risk"),
        ([NAN] * 100, "no data"),
    ],
)
def test_a_word_for_each_state(bad: list[float], status: str) -> None:
    """Spent, burning now, past target in the last hour, none of these, nothing known: each has its word and sign."""
    row = judged(ratio(bad, [NAN if one != one else 100.0 for one in bad], window=100 * HOUR))
    assert row["status"] == status
    assert row["reason"]
    assert status_text(status) == f"{STATUSES[status].sign} {status}"


def test_an_hour_that_is_missing_is_not_now() -> None:
    """Where the last hour has no data there is no value now, though there was one before."""
    assert math.isnan(judged(gauge([0.5, NAN], window=2 * HOUR))["now"])


def test_a_trend_says_whether_it_gets_better() -> None:
    """What climbs towards a target that it has to stay below gets worse; above one that it has to pass, better."""
    climbing = 0.3 + 0.001 * np.arange(30 * 24) + 0.01 * np.sin(np.arange(30 * 24))
    below, above = judged(gauge(climbing)), judged(gauge(climbing, comparison=">"))
    assert (below["direction"], above["direction"]) == ("worse", "better")
    assert below["trend"] == above["trend"] > 0.5
    assert judged(gauge([0.5] * 48))["direction"] == ""


def test_a_quantile_comes_with_the_bounds_of_its_bucket() -> None:
    """What the buckets cannot tell is told: the value lies between 0.1 and 1."""
    counts = frame([[5, 10, 10]], labels=[{"le": "0.1"}, {"le": "1"}, {"le": "+Inf"}])
    one = objective(indicator="quantile", histogram="h", quantile=0.9, comparison="<", target=2, window=HOUR)
    row = judged(sli(one, {"buckets": counts}))
    assert (row["lower"], row["upper"], row["value"]) == (0.1, 1.0, pytest.approx(0.1 + 0.9 * 4 / 5))


def parts(bad: list[list[float]], total: list[list[float]]) -> Sli:
    """Return two regions of two nodes each, by day, over a window of as many days."""
    nodes = [{"region": region, "node": node} for region in "ab" for node in ("1", "2")]
    one = objective(by=("region",), window=len(bad) * DAY, slice=DAY)
    by_node = {"parts:bad": frame(bad, labels=nodes, step=DAY), "parts:total": frame(total, labels=nodes, step=DAY)}
    sums = {role.removeprefix("parts:"): _by_region(table) for role, table in by_node.items()}
    return sli(one, {**sums, **by_node})


def _by_region(table: pd.DataFrame) -> pd.DataFrame:
    values = table.to_numpy().reshape(len(table), 2, 2).sum(axis=2)
    return frame(values, labels=REGIONS, step=DAY)


def test_drivers_by_hand() -> None:
    """Of 8 failures 6 are one node's; it has a quarter of the traffic, and has spent 1.5 of a budget of 4."""
    one = parts([[6, 1, 1, 0]], [[100, 100, 100, 100]])
    found = drivers(one, budget(one))
    worst = found.table.iloc[0]
    assert (worst["region"], worst["node"]) == ("a", "1")
    assert (worst["bad"], worst["share"], worst["traffic"], worst["spent"]) == pytest.approx((6, 0.75, 0.25, 1.5))
    assert found.by("region")["bad"].tolist() == pytest.approx([7, 1])


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(0, 30), min_size=4, max_size=4), min_size=1, max_size=5))
def test_contributions_add_up(bad: list[list[int]]) -> None:
    """Whatever failed where, parts add up to what was spent, in every grouping; shares add up to one."""
    one = parts(bad, [[100.0] * 4] * len(bad))
    spent = budget(one)
    found = drivers(one, spent)
    total = float(spent.table["bad"].sum())
    for table in (found.table, found.by("region"), found.by("node")):
        assert table["bad"].sum() == pytest.approx(total)
        assert table["spent"].sum() == pytest.approx(total / spent.table["allowed"].sum())
        assert table["share"].sum() == pytest.approx(1.0 if total else 0.0)


def test_slices_are_laid_on_what_was_past_the_target() -> None:
    """Both bad hours are the slow node's, whose observations alone are past the target, though it has fewer of them."""
    nodes = [{"node": node, "le": le} for node in ("fast", "slow") for le in ("0.1", "1", "+Inf")]
    counts = frame([[90, 90, 90, 2, 10, 10]], labels=nodes, step=DAY)
    whole = frame([[92, 100, 100], [92, 100, 100]], labels=[{"le": le} for le in ("0.1", "1", "+Inf")])
    one = objective(indicator="quantile", histogram="h", quantile=0.95, comparison="<", target=0.1, window=2 * HOUR)
    found_sli = sli(one, {"buckets": whole, "parts:buckets": counts})
    found = drivers(found_sli, budget(found_sli)).table
    assert found["node"].tolist() == ["slow", "fast"]
    assert found["bad"].tolist() == [2.0, 0.0]
    assert found["traffic"].tolist() == pytest.approx([0.1, 0.9])


def test_without_parts_each_series_answers_for_itself() -> None:
    """Of a gauge by region only regions can be told apart."""
    one = gauge([[2.0, 0.5]], labels=REGIONS, window=HOUR, by=("region",))
    assert drivers(one, budget(one)).table["bad"].tolist() == [1.0, 0.0]
