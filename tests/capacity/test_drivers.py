"""What growth costs: demand per unit of its driver, and how that drifts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.drivers import UnitCost, unit_cost
from capacity.errors import HistoryTooShort
from capacity.frames import wide

END = pd.Timestamp("2026-11-01T00:00Z")
T = np.arange(24 * 60) / 24
WEEK = 1 + 0.2 * np.sin(2 * np.pi * T / 7) + 0.3 * np.sin(2 * np.pi * T)


def frame(
    values: np.ndarray, series: Sequence[Mapping[str, str]] = ({"region": "eu"},), metric: str = "m"
) -> pd.DataFrame:
    columns = values[:, None] if values.ndim == 1 else values
    times = pd.date_range(end=END, periods=len(columns), freq="1h", unit="us")
    return wide(columns, times=times, series=series, metric=metric)


def only(found: UnitCost) -> pd.Series:
    return found.table.iloc[0]


def test_more_business_is_no_drift() -> None:
    """Orders grow by 2 a day and each costs 5, in the rhythm of the week: demand grows, the unit cost does not."""
    orders = (100 + 2 * T) * WEEK
    found = only(unit_cost(frame(5 * orders), frame(orders)))
    assert found["unit_cost"] == pytest.approx(5.0)
    assert found["drift_30d"] == pytest.approx(0.0, abs=1e-9)
    assert found["driver_30d"] == pytest.approx(60 / 220, rel=0.05)
    assert found["demand_30d"] == pytest.approx(found["driver_30d"], rel=1e-6)
    assert found["direction"] == "steady"


def test_each_order_that_costs_more_is_a_drift() -> None:
    """As many orders as ever, and each costs 0.05 more a day: from 5 to 8, 1.5 in 30 days of what is now 8."""
    orders = 100 * WEEK
    found = only(unit_cost(frame((5 + 0.05 * T) * orders), frame(orders)))
    assert found["unit_cost"] == pytest.approx(8.0, rel=0.01)
    assert found["drift_30d"] == pytest.approx(1.5 / 8, rel=0.02)
    assert found["low"] <= 1.5 / found["unit_cost"] <= found["high"]
    assert (found["direction"], found["driver_30d"]) == ("dearer", pytest.approx(0.0, abs=1e-9))


def test_one_driver_serves_many_series() -> None:
    """Orders by region meet the nodes of the region; a region without orders is skipped, and told."""
    nodes = [{"region": "eu", "node": "a"}, {"region": "eu", "node": "b"}, {"region": "us", "node": "c"}]
    demand = np.stack([2 * WEEK, 4 * WEEK, WEEK], axis=1)
    found = unit_cost(frame(demand, nodes), frame(2 * WEEK))
    assert found.table["unit_cost"].to_list() == pytest.approx([1.0, 2.0])
    assert [(one.series, one.reason) for one in found.skipped] == [("us/c", "no data")]
    assert repr(found) == "UnitCost(2 series: 2 steady)"


def test_a_driver_that_stands_still_costs_nothing_that_can_be_told() -> None:
    """No orders at all: there is no cost of one, and too few days on which both are known."""
    found = unit_cost(frame(WEEK), frame(0 * WEEK))
    assert found.table.empty
    assert [(one.reason, one.detail) for one in found.skipped] == [
        ("too short", "0d on which both are known, 14d are needed")
    ]


def test_frames_that_never_meet_are_refused() -> None:
    """Orders of last year say nothing of this year's demand."""
    early = frame(WEEK)
    early.index = early.index - pd.Timedelta(400, "D")
    with pytest.raises(HistoryTooShort, match="in common"):
        unit_cost(frame(WEEK), early)


@given(st.floats(0.01, 1000), st.floats(0.01, 1000))
def test_in_other_units_the_drift_is_the_same(demand: float, driver: float) -> None:
    """Scaled demand costs that much more, a scaled driver that much less; the shares stay."""
    noise = 1 + 0.05 * np.random.default_rng(0).standard_normal(len(T))
    one = only(unit_cost(frame((5 + 0.05 * T) * WEEK * noise), frame(WEEK)))
    other = only(unit_cost(frame(demand * (5 + 0.05 * T) * WEEK * noise), frame(driver * WEEK)))
    assert other["unit_cost"] == pytest.approx(one["unit_cost"] * demand / driver, rel=1e-6)
    for share in ("drift_30d", "low", "high", "demand_30d"):
        assert other[share] == pytest.approx(one[share], rel=1e-5, abs=1e-6)
