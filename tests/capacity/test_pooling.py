"""Pooling: demand and limit by the unit that is bought, and what a missing member does to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.catalog import Catalog, Reserve, Resource
from capacity.errors import CatalogError
from capacity.frames import Pull, series_labels, wide
from capacity.plan import Plan, plan
from capacity.pooling import Pool, domains, pooled
from capacity.provenance import read

TIMES = pd.date_range("2026-09-01T00:00Z", periods=60, freq="1h", unit="us", name="time")
NODES = [
    {"region": "eu", "zone": "1", "node": "a"},
    {"region": "eu", "zone": "2", "node": "b"},
    {"region": "us", "zone": "1", "node": "c"},
]
NAN = float("nan")


def demand(*columns: Sequence[float] | float, series: Sequence[dict[str, str]] = NODES) -> pd.DataFrame:
    values = np.stack([np.broadcast_to(np.asarray(one, dtype=float), len(TIMES)) for one in columns], axis=1)
    return wide(values, times=TIMES, series=series, metric="used")


def sizes(*values: float, series: Sequence[dict[str, str]] = NODES) -> pd.DataFrame:
    return wide([list(values)], times=TIMES[:1], series=series, metric="size")


def region(pool: Pool, name: str) -> list[float]:
    return [float(value) for value in pool.demand["used", name]]


def last(limit: Any) -> dict[str, float]:
    return {labels["region"]: float(limit.iloc[-1, place]) for place, labels in enumerate(series_labels(limit))}


@pytest.mark.parametrize(("across", "eu"), [("sum", 3.0), ("max", 2.0), ("min", 1.0)])
def test_demand_is_put_together_per_region(across: Any, eu: float) -> None:
    """1 and 2 in eu are 3, 2 or 1; the one node of us is itself."""
    pool = pooled(demand(1, 2, 5), None, per=["region"], across=across)
    assert series_labels(pool.demand) == [{"region": "eu"}, {"region": "us"}]
    assert (region(pool, "eu"), region(pool, "us")) == ([eu] * 60, [5.0] * 60)
    assert [len(unit) for unit in pool.members] == [2, 1]


def test_no_label_puts_all_in_one() -> None:
    """``per = []`` is one unit without a label."""
    pool = pooled(demand(1, 2, 5), None, per=[])
    assert pool.demand.to_numpy()[:, 0].tolist() == [8.0] * 60
    assert series_labels(pool.demand) == [{}]


def test_a_sum_with_a_hole_is_a_hole_and_says_so() -> None:
    """Five hours without b: eu is unknown then, not half of what it was; a pause of three hours is bridged."""
    b = np.full(60, 2.0)
    b[10:13], b[30:35] = NAN, NAN
    pool = pooled(demand(1, b, 5), None, per=["region"])
    assert np.flatnonzero(np.isnan(region(pool, "eu"))).tolist() == [30, 31, 32, 33, 34]
    notes = read(pool.demand)["used"].notes
    assert notes == ("sum of 3 series, one per region, 5 steps with a member missing left out",)


def test_members_come_and_go() -> None:
    """A member counts from its first sample on, and one that is silent for more than a day has gone with its limit."""
    a, b = np.full(60, 1.0), np.full(60, 2.0)
    a[:6], b[30:] = NAN, NAN
    pool = pooled(demand(a, b, 5), sizes(10, 20, 30), per=["region"])
    assert region(pool, "eu") == [2.0] * 6 + [3.0] * 24 + [1.0] * 30
    assert [unit[0]["node"] for unit in pool.members] == ["a", "c"]
    assert isinstance(pool.limit, pd.DataFrame)
    assert pool.limit["used", "eu"].tolist() == [20.0] * 6 + [30.0] * 24 + [10.0] * 30


def test_a_member_that_is_late_is_a_hole_and_has_not_gone() -> None:
    """Ten hours of silence at the end may be an outage: what the region asks for then is not known."""
    b = np.full(60, 2.0)
    b[50:] = NAN
    assert np.isnan(region(pooled(demand(1, b, 5), None, per=["region"]), "eu")).tolist() == [False] * 50 + [True] * 10


def test_limits_of_members_are_put_together_like_their_demand() -> None:
    """Sums add up; the busiest member is held against the tightest limit."""
    assert last(pooled(demand(1, 2, 5), sizes(10, 20, 30), per=["region"]).limit) == {"eu": 30.0, "us": 30.0}
    most = pooled(demand(1, 2, 5), sizes(10, 20, 30), per=["region"], across="max")
    assert last(most.limit) == {"eu": 10.0, "us": 30.0}
    least = pooled(demand(1, 2, 5), sizes(10, 20, 30), per=["region"], across="min", direction="below")
    assert last(least.limit) == {"eu": 20.0, "us": 30.0}


def test_a_limit_that_members_share_counts_once() -> None:
    """Two nodes on one array of 50: the region has 50, not 100."""
    arrays = [{"array": "x"}, {"array": "y"}]
    series = [{"region": "eu", "node": "a", "array": "x"}, {"region": "eu", "node": "b", "array": "x"},
              {"region": "us", "node": "c", "array": "y"}]  # fmt: skip
    pool = pooled(demand(1, 2, 5, series=series), sizes(50, 70, series=arrays), per=["region"])
    assert last(pool.limit) == {"eu": 50.0, "us": 70.0}


def test_a_member_without_a_limit_leaves_its_unit_without_one() -> None:
    """The limit of eu is not the half of it that is known."""
    assert last(pooled(demand(1, 2, 5), sizes(10, 30, series=[NODES[0], NODES[2]]), per=["region"]).limit) == {
        "us": 30.0
    }


@pytest.mark.parametrize("limit", [7.0, None, [(TIMES[0], 5.0)]])
def test_what_is_stated_is_stated_of_the_unit(limit: Any) -> None:
    """A number, a schedule, or nothing says no member's limit, and is left as it is."""
    assert pooled(demand(1, 2, 5), limit, per=["region"]).limit is limit


def test_a_limit_by_unit_is_left_as_it_is() -> None:
    """A query that answers by region needs no putting together."""
    limit = sizes(10, 20, series=[{"region": "eu"}, {"region": "us"}])
    assert pooled(demand(1, 2, 5), limit, per=["region"]).limit is limit


def test_a_label_that_nobody_has_is_refused() -> None:
    """A typo must not put everything in one."""
    with pytest.raises(CatalogError, match="Did you mean 'region'"):
        pooled(demand(1, 2, 5), None, per=["regoin"])


@given(st.lists(st.lists(st.floats(0, 1e6), min_size=3, max_size=3), min_size=5, max_size=20))
def test_units_add_up_to_the_whole(rows: list[list[float]]) -> None:
    """What the regions ask for together is what the nodes ask for together."""
    frame = wide(rows, times=TIMES[: len(rows)], series=NODES, metric="used")
    pool = pooled(frame, None, per=["region"])
    assert np.allclose(pool.demand.sum(axis=1), frame.sum(axis=1))


def test_failure_domains_are_counted_among_members() -> None:
    """Two zones in eu and one in us; without units, among the series that differ in zone and host alone."""
    pool = pooled(demand(1, 2, 5), None, per=["region"])
    labels = series_labels(pool.demand)
    assert domains(labels, "zone", members=pool.members).tolist() == [2, 1]
    assert domains(NODES, "zone").tolist() == [2, 2, 1]
    assert domains(NODES, "rack").tolist() == [0, 0, 0]


def planned(**changed: Any) -> Plan:
    """Return the plan of four nodes in two regions with 60 days of history, each with a size of 100."""
    times = pd.date_range(end="2026-11-01T00:00Z", periods=240, freq="6h", unit="us")
    labels = [{"region": each, "zone": zone, "node": f"{each}{zone}"} for each in ("eu", "us") for zone in ("1", "2")]
    noise = np.random.default_rng(0).normal(0, 1, (240, 4))
    values = np.array([60.0, 50.0, 20.0, 10.0]) + noise
    fields: dict[str, Any] = {
        "name": "disk", "title": "Disk", "query": "used", "unit": "bytes", "kind": "disk", "owner": "storage",
        "lead_time": pd.Timedelta(7, "D"), "step": pd.Timedelta(6, "h"), "limit_query": "size", **changed,
    }  # fmt: skip
    resource = Resource(**fields)
    pulled = Pull(
        demand={"disk": wide(values, times=times, series=labels, metric="disk")},
        limits={"disk": wide(np.full((1, 4), 100.0), times=times[-1:], series=labels, metric="size")},
        as_of=times[-1],
        window=pd.Timedelta(60, "D"),
        catalog="test",
    )
    return plan(pulled, Catalog(name="test", title="Test", resources={"disk": resource}), horizon="14d")


def test_a_plan_judges_what_is_bought() -> None:
    """Two regions instead of four nodes; 200 each, of which a region that loses one of its two zones may use 100."""
    table = planned(per=("region",), reserve=Reserve(per="zone")).table.set_index("series")
    assert sorted(table.index) == ["eu", "us"]
    assert table["verdict"].to_dict() == {"eu": "past", "us": "fine"}
    assert table[["limit", "reserve", "buffer", "usable"]].to_numpy().tolist() == [[200.0, 100.0, 0.0, 100.0]] * 2


def test_each_step_from_limit_to_usable_is_shown() -> None:
    """Of 100, a fifth is reserved, and a tenth of what is left kept free: 80, 8, 72."""
    table = planned(reserve=Reserve(5), buffer=0.1).table
    assert table[["limit", "reserve", "buffer", "usable"]].to_numpy().tolist() == [[100.0, 20.0, 8.0, 72.0]] * 4


def test_too_few_domains_to_lose_one_cannot_be_judged() -> None:
    """Each node is in one rack, and none may be lost: that is no limit to plan with, and not "fine"."""
    table = planned(reserve=Reserve(per="node")).table
    assert set(table["verdict"]) == {"cannot judge"}
    assert set(table["reason"]) == {"limit missing: too few failure domains to lose any"}


def test_a_unit_that_no_series_names_is_told() -> None:
    """The resource is skipped with what is wrong, and stops no other."""
    made = planned(per=("cluster",))
    assert {each.reason for each in made.skipped} == {"label missing"}
    assert "cluster" in made.skipped[0].detail
