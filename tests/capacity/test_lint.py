"""Catalogue lint: each rule, on a catalogue of a few lines and samples made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from capacity.catalog import Accepted, Catalog, Cost, Event, Metric, Objective, Reserve, Resource
from capacity.frames import Pull, Skipped, wide
from capacity.lint import Held, Lint, lint

AS_OF = pd.Timestamp("2026-11-01T00:00Z").as_unit("us")
DAY = pd.Timedelta(1, "D")
TIMES = pd.date_range(end=AS_OF, periods=56, freq="6h", unit="us")
NODES = [{"node": "a"}, {"node": "b"}]
DISK = Resource(
    name="disk", title="Disk", query="disk_used_bytes", unit="bytes", kind="disk", owner="storage", lead_time=7 * DAY,
    limit_query="disk_size_bytes",
)  # fmt: skip


def frame(values: Any, labels: Sequence[Mapping[str, str]] = NODES, metric: str = "disk") -> pd.DataFrame:
    return wide(np.broadcast_to(values, (len(TIMES), len(labels))), times=TIMES, series=labels, metric=metric)


def looked(
    resource: Resource = DISK,
    *,
    demand: pd.DataFrame | None = None,
    limit: Any = "given",
    held: Held | None = None,
    skipped: tuple[Skipped, ...] = (),
    **catalog: Any,
) -> Lint:
    limits = (
        {"disk": frame(100.0, metric="size")} if isinstance(limit, str) else {} if limit is None else {"disk": limit}
    )
    pulled = Pull(
        demand={"disk": frame(10.0) if demand is None else demand},
        limits=limits,
        as_of=AS_OF,
        window=14 * DAY,
        catalog="test",
        skipped=skipped,
    )
    return lint(Catalog(name="test", title="Test", resources={"disk": resource}, **catalog), pulled, held or Held())


def told(found: Lint) -> list[tuple[str, str, str]]:
    return [(each.rule, each.about, each.told) for each in found.remarks]


def test_what_is_as_it_should_be_has_no_remark() -> None:
    """Limits, owner, units, a lead time that is known: nothing to say, and all of it is covered."""
    found = looked()
    assert (found.remarks, found.problems) == ((), ())
    assert (found.coverage["hosts"], found.coverage["series"]) == (1.0, 1.0)
    assert np.isnan(found.coverage["metrics"])


def test_a_resource_without_a_limit_is_a_problem() -> None:
    """None is stated: nothing of it can be judged."""
    found = looked(replace(DISK, limit_query=None), limit=None)
    assert [each.rule for each in found.problems] == ["limit missing"]
    assert found.coverage["series"] == 0.0


def test_series_without_a_limit_are_counted_and_one_is_named() -> None:
    """Node b is not among the sizes; half of the series and of the machines are covered."""
    found = looked(limit=frame(100.0, [{"node": "a"}], metric="size"))
    assert told(found) == [("limit missing", "disk", "1 of 2 series have none: b, no limit has its labels")]
    assert (found.coverage["hosts"], found.coverage["series"]) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"query": "disk_used_seconds"}, "disk_used_seconds says seconds, and unit is 'bytes'"),
        (
            {"query": 'cpu_percent{node="a"}', "unit": "ratio", "limit_query": "one"},
            "cpu_percent says percent, and unit is 'ratio'",
        ),
        ({"limit_query": "disk_size_mbps"}, "disk_size_mbps says mbps, and limit_unit is 'bytes'"),
    ],
)
def test_a_name_that_says_another_unit_is_a_problem(changed: dict[str, str], said: str) -> None:
    """A percentage that is read as a ratio is a hundred times too high."""
    found = looked(replace(DISK, **changed))  # type: ignore[arg-type]
    assert [each.told for each in found.problems] == [said]
    assert looked(replace(DISK, query="sum(disk_used_seconds)")).remarks == ()


@pytest.mark.parametrize(("demand", "problem"), [(10.0, False), (99.0, False), (6_000.0, True), (0.01, True)])
def test_demand_that_is_far_from_its_limit_is_in_another_unit(demand: float, problem: bool) -> None:
    """Sixty times the limit, or a ten-thousandth of it, in the median of all series."""
    assert [each.rule for each in looked(demand=frame(demand)).problems] == ["unit mismatch"] * problem


def test_a_lead_time_that_nobody_gave_is_advice() -> None:
    """It is assumed: the plan stands, and somebody should be asked."""
    found = looked(replace(DISK, assumed=("lead_time",)))
    assert [each.rule for each in found.remarks] == ["lead time missing"]
    assert found.problems == ()


def test_a_series_near_its_limit_without_an_owner_is_a_problem() -> None:
    """At 85 of 90 usable with nobody to call; the other one, at 20, is nobody's worry, nor is one with an owner."""
    demand = frame([85.0, 20.0])
    found = looked(replace(DISK, owner="unassigned", buffer=0.1), demand=demand)
    assert told(found) == [
        ("owner missing", "disk", "nobody answers for 1 series near their limit, first a: 85 B of 90 B usable")
    ]
    assert looked(replace(DISK, buffer=0.1), demand=demand).remarks == ()


def test_series_that_come_and_go_are_put_together_first() -> None:
    """Six pods of two services, of which four live for a week only: by service they are there all the time."""
    labels = [{"pod": f"p{number}", "service": f"s{number % 2}"} for number in range(6)]
    values = np.full((56, 6), 10.0)
    values[28:, [0, 1]], values[:28, [2, 3]] = np.nan, np.nan
    found = looked(demand=frame(values, labels), limit=100.0)
    assert told(found) == [
        (
            "series churn",
            "disk",
            '4 of 6 series come or go within the window: put them together first: per = ["service"]',
        )
    ]
    pooled = replace(DISK, per=("service",), limit_query=None, limit=100.0)
    assert looked(pooled, demand=frame(values, labels), limit=100.0).remarks == ()


def test_every_query_that_returns_nothing_is_a_problem() -> None:
    """Whatever asks it, it is told with its reason."""
    found = looked(held=Held(silent=(("objective uptime", "", "avg(up)", "it has no series in the last day"),)))
    assert told(found) == [("query returns nothing", "objective uptime", "avg(up): it has no series in the last day")]
    assert found.problems


def test_what_is_measured_and_asked_for_by_nothing_is_named() -> None:
    """Of four metrics one is demand, one a limit, one behind an objective by its buckets; the fourth is nobody's."""
    objective = Objective(
        name="fast", title="Fast", indicator="quantile", query="max(rate(latency_seconds_bucket[5m]))", unit="seconds",
        target=1.0, comparison="<", objective=0.9, window=DAY,
    )  # fmt: skip
    metrics = ("disk_used_bytes", "disk_size_bytes", "latency_seconds_count", "heap_used_bytes")
    likely = ("heap_used_bytes looks like the usage of heap_max_bytes.",)
    found = looked(held=Held(metrics=metrics, likely=likely), objectives={"fast": objective})
    assert told(found) == [
        ("not planned for", "heap_used_bytes", likely[0]),
        ("not planned for", "metrics", "1 of 4 metrics are asked for by nothing: heap_used_bytes"),
    ]
    assert found.coverage["metrics"] == 0.75
    assert found.problems == ()


def test_machines_that_no_resource_sees_count_against_the_coverage() -> None:
    """The server knows four nodes, and two of them are planned for."""
    assert looked(held=Held(hosts={"node": ("a", "b", "c", "d")})).coverage["hosts"] == 0.5


def test_labels_that_no_series_has_are_problems() -> None:
    """A unit and a failure domain are told by labels that have to be there."""
    found = looked(replace(DISK, per=("regoin",), reserve=Reserve(per="zone")))
    assert [each.told for each in found.problems] == [
        "per = 'regoin', which no series has",
        "reserve.per = 'zone', which no series has",
    ]


def test_one_failure_domain_cannot_be_lost() -> None:
    """Each series knows one zone: nothing is left when it is lost."""
    labels = [{"node": "a", "zone": "1"}, {"node": "b", "zone": "1"}]
    found = looked(replace(DISK, reserve=Reserve(per="zone")), demand=frame(10.0, labels))
    assert [each.rule for each in found.remarks] == ["too few domains"]


def test_acceptances_that_are_over_or_of_nothing_are_advice() -> None:
    """One ended in October, and one is about a node that is not there."""
    accepted = (
        Accepted("disk", until=AS_OF - DAY, by="Ada", reason="r"),
        Accepted("disk", until=AS_OF + DAY, by="Bob", reason="r", where={"node": "z"}),
    )
    assert told(looked(replace(DISK, accepted=accepted))) == [
        ("acceptance over", "disk", "Ada accepted it until 31 Oct 2026"),
        ("acceptance of nothing", "disk", "no series that is planned has node=z"),
    ]


def test_an_event_that_meets_no_unit_is_advice() -> None:
    """An order for node a raises nothing where regions are planned: the unit has no node."""
    order = Event(kind="order", name="o", start=AS_OF, resources=("disk",), where={"node": "a"}, effect=1.0)
    labels = [{"node": "a", "region": "eu"}, {"node": "b", "region": "eu"}]
    pooled = replace(DISK, per=("region",))
    found = looked(pooled, demand=frame(10.0, labels), events=(order,))
    assert told(found) == [("event of nothing", "disk", "no series that is planned has node=a")]
    assert looked(demand=frame(10.0, labels), events=(order,)).remarks == ()


def test_problems_come_first() -> None:
    """Advice and a problem on one resource: the problem is read first."""
    found = looked(replace(DISK, assumed=("lead_time",), limit_query=None), limit=None)
    assert [each.problem for each in found.remarks] == [True, False]


def test_costs_and_metrics_do_not_disturb() -> None:
    """What lint has no rule for is left alone."""
    metric = Metric(name="disk_used_bytes", type="gauge", unit="bytes", help="")
    assert looked(replace(DISK, cost=Cost(2, 1), unit_size=10.0), metrics={"disk_used_bytes": metric}).remarks == ()
