"""Indicators: what is counted, what is bad, and that no data never becomes a number."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from capacity.errors import FrameError
from capacity.slo import increments, sli
from tests.support.objectives import HOUR, START, frame, gauge, objective, ratio

NAN = math.nan


def test_a_counter_that_begins_anew_has_counted_from_nothing() -> None:
    """10 → 14 is 4, 14 → 3 is a reset and 3, 3 → 3 is nothing; the first sample tells nothing of its own step."""
    grown = increments(frame([10, 14, 3, 3]))
    np.testing.assert_array_equal(grown.to_numpy()[:, 0], [NAN, 4, 3, 0])


def test_a_gap_is_neither_quiet_nor_a_burst() -> None:
    """What came in missing hours cannot be placed: they, and the hour after them, stay unknown."""
    grown = increments(frame([10, 12, NAN, NAN, 40, 41]))
    np.testing.assert_array_equal(grown.to_numpy()[:, 0], [NAN, 2, NAN, NAN, NAN, 1])


def test_zero_traffic_has_no_ratio() -> None:
    """An hour without events has counted none, and is neither 0 % nor 100 % good."""
    one = ratio([0, 1], [0, 4])
    assert one.total.to_numpy()[:, 0].tolist() == [0, 4]
    np.testing.assert_array_equal(one.value.to_numpy()[:, 0], [NAN, 0.75])
    assert math.isnan(one.over(START, START + HOUR).iloc[0])


def test_over_a_stretch_events_count_and_not_hours() -> None:
    """1 of 10 and 9 of 990 are 10 of 1000: 99 % good, where the mean of the hours would say 94.5 %."""
    one = ratio([1, 9], [10, 990])
    assert one.over(START, START + 2 * HOUR).iloc[0] == pytest.approx(0.99)
    assert one.each(2 * HOUR).to_numpy()[0, 0] == pytest.approx(0.99)


def test_a_failure_that_was_never_counted_is_none_and_is_told() -> None:
    """A counter of failures appears with the first failure; where the total is known its absence means none."""
    found = sli(
        objective(by=("region",)),
        {
            "bad": frame([2, 2], labels=[{"region": "a"}]),
            "total": frame([[4, 4], [4, NAN]], labels=[{"region": "a"}, {"region": "b"}]),
        },
    )
    np.testing.assert_array_equal(found.bad.to_numpy(), [[2, 0], [2, NAN]])
    assert "1 of 2 series" in found.notes[0]


def test_missing_good_events_are_not_failures() -> None:
    """Where only the total is known nobody knows how many were good."""
    found = sli(objective(bad=None, good="g", total="t"), {"good": frame([NAN, 3]), "total": frame([4, 4])})
    np.testing.assert_array_equal(found.bad.to_numpy()[:, 0], [NAN, 1])


def test_good_and_bad_make_the_total() -> None:
    """3 good and 1 bad are 4 events, 75 % of them good."""
    found = sli(objective(good="g", bad="b", total=None), {"good": frame([3]), "bad": frame([1])})
    assert (found.total.iloc[0, 0], found.bad.iloc[0, 0], found.value.iloc[0, 0]) == (4, 1, 0.75)


@pytest.mark.parametrize(
    ("comparison", "bad"), [("<", [0, 1, 1]), ("<=", [0, 0, 1]), (">", [1, 1, 0]), (">=", [1, 0, 0])]
)
def test_a_slice_is_bad_when_its_value_is_not_on_the_targets_side(comparison: str, bad: list[float]) -> None:
    """0.9, 1 and 1.1 against a target of 1; a slice without a value is no slice at all."""
    one = gauge([0.9, 1.0, 1.1, NAN], comparison=comparison)
    np.testing.assert_array_equal(one.bad.to_numpy()[:, 0], [*bad, NAN])
    np.testing.assert_array_equal(one.total.to_numpy()[:, 0], [1, 1, 1, NAN])


def test_a_quantile_over_a_stretch_is_that_of_all_its_observations() -> None:
    """9 of 10 observations of the busy slice lie below 0.1, the one of the quiet slice above: P50 lies below 0.1."""
    counts = frame([[9, 10, 10], [0, 1, 1]], labels=[{"le": "0.1"}, {"le": "1"}, {"le": "+Inf"}])
    one = sli(
        objective(indicator="quantile", histogram="h", quantile=0.5, comparison="<", target=0.2), {"buckets": counts}
    )
    assert one.over(START, START + 2 * HOUR).iloc[0] == pytest.approx(0.1 * 5.5 / 9)
    bounds = one.bounds_over(START, START + 2 * HOUR)
    assert bounds is not None
    assert bounds.iloc[0].tolist() == [0.0, 0.1]


def test_a_mean_is_sum_by_count() -> None:
    """90 s for 3 events are 30 s each; without an event there is no mean."""
    one = sli(
        objective(indicator="mean", histogram="h", comparison="<", target=60),
        {"sum": frame([90, 0]), "count": frame([3, 0])},
    )
    np.testing.assert_array_equal(one.value.to_numpy()[:, 0], [30, NAN])


def test_a_role_that_is_missing_is_named() -> None:
    """An objective that was not measured is an error, never an empty answer."""
    with pytest.raises(FrameError, match="total is missing"):
        sli(objective(), {"bad": frame([1])})


def test_steps_end_where_slices_end() -> None:
    """The slice that ends at 02:00 belongs to the two hours that end at 02:00."""
    one = gauge([1.0, 3.0, 5.0])
    each = one.each(2 * HOUR)
    assert each.to_numpy()[:, 0].tolist() == [2.0, 5.0]
    assert each.index[0] == pd.Timestamp("2026-09-01T02:00Z")
