"""Limits: which one a series has, when, and what may be used of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.catalog import Reserve
from capacity.errors import ParameterError
from capacity.frames import columns, wide
from capacity.limits import Limits, as_reserve, less_reserve, match, usable

CUTOFF = pd.Timestamp("2026-11-01T00:00Z")
TIMES = pd.date_range("2026-10-31T22:00Z", periods=5, freq="1h", unit="us")  # two before the cutoff, it, two after
NODES = [
    {"region": "eu", "node": "a"},
    {"region": "eu", "node": "b"},
    {"region": "us", "node": "a"},
]
DEMAND = columns(NODES, "used")


def matched(limit: object) -> Limits:
    return match(DEMAND, limit, times=TIMES, cutoff=CUTOFF)  # type: ignore[arg-type]


def at_end(limit: object) -> list[float]:
    return [float(value) for value in matched(limit).of(slice(None))[-1]]


def test_a_number_is_everybodys_limit() -> None:
    """A number applies to every series, always."""
    found = matched(5)
    assert found.of(slice(None)).tolist() == [[5.0] * 3] * 5
    assert found.skipped == ()


def test_one_limit_serves_many_series_on_the_labels_that_both_have() -> None:
    """A limit a region applies to each node of the region."""
    limit = pd.Series([10.0, 20.0], index=pd.Index(["eu", "us"], name="region"))
    assert at_end(limit) == [10.0, 10.0, 20.0]


def test_a_limit_with_labels_that_demand_lacks_still_meets_on_the_rest() -> None:
    """Demand by region and node meets a limit by region and cluster on the region."""
    series = [{"region": "eu", "cluster": "x"}, {"region": "us", "cluster": "y"}]
    limit = wide([[1.0, 2.0]], times=TIMES[:1], series=series, metric="size")
    assert at_end(limit) == [1.0, 1.0, 2.0]


def test_the_limit_that_shares_more_labels_wins() -> None:
    """An empty label is one that the limit lacks: the node's own limit goes before the region's."""
    index = pd.MultiIndex.from_tuples([("eu", ""), ("eu", "b"), ("us", "")], names=["region", "node"])
    assert at_end(pd.Series([10.0, 99.0, 20.0], index=index)) == [10.0, 99.0, 20.0]


def test_a_limit_without_labels_is_everybodys() -> None:
    """The answer of ``sum(capacity)`` has no labels, and applies to all."""
    limit = wide([[7.0]], times=TIMES[:1], series=[{}], metric="size")
    assert at_end(limit) == [7.0, 7.0, 7.0]


def test_a_series_without_a_limit_is_skipped_with_its_reason() -> None:
    """Nothing stands in for a missing limit."""
    found = matched(pd.Series([10.0], index=pd.Index(["eu"], name="region")))
    assert [(each.series, each.reason, each.detail) for each in found.skipped] == [
        ("us/a", "limit missing", "no limit has its labels")
    ]
    assert np.isnan(found.of(slice(2, 3))).all()


def test_two_limits_that_fit_equally_well_are_not_guessed_between() -> None:
    """Limits by region and disk do not say which disk a node's demand is measured against."""
    index = pd.MultiIndex.from_tuples([("eu", "d1"), ("eu", "d2")], names=["region", "disk"])
    found = matched(pd.Series([10.0, 20.0], index=index))
    assert len(found.skipped) == 3
    assert "2 limits fit it equally well" in found.skipped[0].detail


def test_one_series_of_an_answer_for_many_is_counted() -> None:
    """A query's answer by region serves both nodes of eu; a number is stated for each, and is nobody's share."""
    answer = wide([[10.0, 20.0]], times=TIMES[:1], series=[{"region": "eu"}, {"region": "us"}], metric="size")
    assert matched(answer).shared.tolist() == [2, 2, 1]
    assert matched(5).shared.tolist() == [1, 1, 1]
    assert matched(None).shared.tolist() == [1, 1, 1]


def test_no_limit_at_all_skips_every_series() -> None:
    """None is a limit that nobody has stated; it is NaN everywhere, and so is an answer without a series."""
    assert np.isnan(matched(None).of(slice(None))).all()
    assert matched(None).of(slice(1, 3)).shape == (5, 2)
    assert [each.detail for each in matched(None).skipped] == ["no limit is given"] * 3


def test_the_last_value_holds_on_over_gaps_and_past_the_end() -> None:
    """Missing samples take the value before them, and so does everything after the last sample."""
    limit = wide([[4.0], [np.nan]], times=TIMES[:2], series=[{}], metric="size")
    assert matched(limit).of(slice(0, 1))[:, 0].tolist() == [4.0] * 5


def test_a_schedule_steps_at_its_instants() -> None:
    """A limit that is to grow an hour after the cutoff has its new value from that instant on."""
    pairs = [(pd.Timestamp("2026-01-01T00:00Z"), 10.0), (CUTOFF + pd.Timedelta("1h"), 30.0)]
    assert matched(pairs).of(slice(0, 1))[:, 0].tolist() == [10.0, 10.0, 10.0, 30.0, 30.0]
    assert at_end(pd.Series([10.0, 30.0], index=[when for when, _ in pairs])) == [30.0] * 3


def test_a_limit_that_begins_after_the_cutoff_is_missing() -> None:
    """What is not known at the cutoff cannot be judged against, even when it comes later."""
    found = matched([(CUTOFF + pd.Timedelta("1h"), 30.0)])
    assert [each.detail for each in found.skipped] == ["the limit has no value at or before the cutoff"] * 3


def test_an_infinite_limit_is_a_missing_one() -> None:
    """+Inf is what a broken division gives: it must not make a series fine."""
    assert len(matched(float("inf")).skipped) == 3


@pytest.mark.parametrize("limit", ["10", {"a": 1}, True, pd.Series([1.0], index=["eu"])])
def test_what_is_not_a_limit_is_refused(limit: object) -> None:
    """A text, a dictionary, a flag and a Series whose index has no name are told what to give instead."""
    with pytest.raises(ParameterError, match=r"limit|name"):
        matched(limit)


def test_usable_is_less_reserve_and_then_less_buffer() -> None:
    """Of 1,000 over four domains one may be lost: 750; a tenth of that kept free leaves 675."""
    limit = np.array([1000.0])
    assert less_reserve(limit, Reserve(4, 1)).tolist() == [750.0]
    assert usable(limit, reserve=Reserve(4, 1), buffer=0.1).tolist() == [675.0]


def test_a_floor_rises_with_reserve_and_buffer() -> None:
    """Where less is worse the bound moves up: 60 that must be left when half is lost are 120 today."""
    assert usable(np.array([60.0]), reserve=Reserve(2, 1), direction="below").tolist() == [120.0]
    assert usable(np.array([90.0]), buffer=0.1, direction="below") == pytest.approx([100.0])


@pytest.mark.parametrize("reserve", [(3, 3), (2, -1), (0, 0)])
def test_a_reserve_that_leaves_nothing_is_refused(reserve: tuple[int, int]) -> None:
    """At least one domain has to be left."""
    with pytest.raises(ParameterError, match="leaves nothing"):
        as_reserve(reserve)


@pytest.mark.parametrize("buffer", [-0.1, 1.0, 10.0])
def test_a_buffer_is_a_share(buffer: float) -> None:
    """A buffer of 1 or more would leave nothing."""
    with pytest.raises(ParameterError, match="share"):
        usable(np.array([1.0]), buffer=buffer)


@given(st.integers(2, 9), st.integers(0, 8), st.floats(0, 0.9), st.sampled_from(["above", "below"]))
def test_more_reserve_never_leaves_more_room(n: int, k: int, buffer: float, direction: str) -> None:
    """One more domain to lose never raises a ceiling, and never lowers a floor."""
    if k + 1 >= n:
        return
    limit = np.array([100.0])
    less = usable(limit, reserve=Reserve(n, k), buffer=buffer, direction=direction)  # type: ignore[arg-type]
    more = usable(limit, reserve=Reserve(n, k + 1), buffer=buffer, direction=direction)  # type: ignore[arg-type]
    assert more <= less if direction == "above" else more >= less


def test_the_limit_at_one_time_is_a_row_of_the_limits_over_time() -> None:
    """From the front, from the back, and where there is none."""
    pairs = [(TIMES[0], 10.0), (TIMES[3], 30.0)]
    found = matched(pairs)
    assert [found.at(row).tolist() for row in (0, 3, -1, -3)] == [[10.0] * 3, [30.0] * 3, [30.0] * 3, [10.0] * 3]
    assert np.isnan(matched(None).at(-1)).all()
