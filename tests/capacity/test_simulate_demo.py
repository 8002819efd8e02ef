"""The demo: nine fates with their truth, and planning frames that are what the raw minutes say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from capacity import load_catalog
from capacity.errors import ParameterError
from capacity.frames import check, join, series_labels, step_of
from capacity.simulate import AS_OF, Demo, demo
from capacity.simulate.clock import timeline
from capacity.simulate.planning import LIMITS, QUESTIONS, answer
from capacity.simulate.platform import (
    GAP_DAYS,
    INCIDENT_DAY,
    NEW_NODE,
    NODES,
    REGIONS,
    RESET_DAY,
    RESET_NODE,
    Node,
    Platform,
)
from capacity.simulate.signals import METRICS

DAY = pd.Timedelta(days=1)
HOUR = pd.Timedelta(hours=1)
KINDS = {"already past", "leak", "fills", "busy hour", "step", "flat", "noisy", "saturates", "too new"}
DATED = ("leak", "fills", "busy hour", "saturates")


@pytest.fixture(scope="module")
def drawn() -> Demo:
    return demo(0)


def raw(drawn: Demo, start: pd.Timestamp, end: pd.Timestamp, metric: str, **which: list[str]) -> pd.DataFrame:
    """Return one metric's raw minutes, all nodes side by side."""
    frames: dict[tuple[str, ...], list[pd.DataFrame]] = {}
    for frame in drawn.raw(start, end, metrics=[metric], **which):  # type: ignore[arg-type]
        frames.setdefault(tuple(frame.columns), []).append(frame)
    return join(*(pd.concat(parts) for parts in frames.values()))


def hourly(minutes: pd.DataFrame) -> pd.DataFrame:
    """Roll minutes up to the highest value of each hour, the slow way."""
    return minutes.resample("1h", label="right", closed="right").max()


# The frames ----------------------------------------------------------------------------------------------------------


def test_frames_keep_the_contract(drawn: Demo) -> None:
    """Six resources, hourly, 180 days that end at `as_of`, in base units."""
    assert set(drawn.frames) == set(drawn.limits) == set(load_catalog("dwcp").resources)
    for frame in drawn.frames.values():
        check(frame)
        assert step_of(frame) == HOUR
        assert frame.index[-1] == AS_OF
        assert len(frame) == 180 * 24
    assert drawn.frames["cpu"].max().max() <= 1.0


@pytest.mark.parametrize(
    ("resource", "metric", "factor"),
    [
        ("cpu", "dwcp_cpu_usage_percent", 0.01),
        ("memory", "dwcp_memory_usage_bytes", 1.0),
        ("disk", "dwcp_disk_used_bytes", 1.0),
    ],
)
def test_a_nodes_frame_is_the_highest_minute_of_each_hour(
    drawn: Demo, resource: str, metric: str, factor: float
) -> None:
    """Twelve days over a seam between blocks, drawn raw and rolled up by pandas, are the frame's."""
    start, end = AS_OF - 26 * DAY, AS_OF - 14 * DAY
    minutes = raw(drawn, start, end, metric, regions=["us-east"], nodes=["node-2"])
    frame = drawn.frames[resource].loc[lambda rows: (rows.index > start) & (rows.index <= end)]
    column = frame.columns[series_labels(frame).index({"region": "us-east", "node": "node-2"})]
    np.testing.assert_allclose(hourly(minutes).to_numpy()[:, 0] * factor, frame[column].to_numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("resource", "metric", "factor"),
    [("bandwidth", "dwcp_bandwidth_utilization_mbps", 1e6), ("streams", "dwcp_amst_active_streams", 1.0)],
)
def test_a_regions_frame_is_the_highest_minute_of_its_nodes_sum(
    drawn: Demo, resource: str, metric: str, factor: float
) -> None:
    """A day of all regions: the nodes are added up minute by minute, and then the highest of each hour is taken."""
    minutes = raw(drawn, AS_OF - DAY, AS_OF, metric)
    sums = minutes.T.groupby(level="region").sum().T
    np.testing.assert_allclose(hourly(sums) * factor, drawn.frames[resource].tail(24), rtol=1e-12)


def test_latency_is_the_highest_of_twelve_quantiles_an_hour(drawn: Demo) -> None:
    """P95 of each five minutes, read off the growth of the raw buckets by hand, and the highest of the hour taken."""
    buckets = raw(drawn, AS_OF - 2 * HOUR - 5 * pd.Timedelta(minutes=1), AS_OF, "dwcp_consensus_latency_seconds")
    counts = buckets.loc[:, buckets.columns.get_level_values("metric").str.endswith("_bucket")]
    grown = counts.iloc[4::5].diff().iloc[1:]  # at the whole five minutes
    for region in REGIONS:
        mine = grown.loc[:, grown.columns.get_level_values("region") == region]
        by_bound = mine.T.groupby(mine.columns.get_level_values("le").astype(float)).sum().T
        highest = max(by_hand(0.95, by_bound.iloc[row]) for row in range(-12, 0))
        assert highest == pytest.approx(
            drawn.frames["consensus_latency"].xs(region, axis=1, level="region").iloc[-1, 0]
        )


def by_hand(level: float, below: pd.Series) -> float:
    """Read a quantile off cumulative buckets, one by one."""
    rank = level * below.iloc[-1]
    for (lower, under), (upper, over) in pairwise([(0.0, 0.0), *below.items()]):
        if over >= rank:
            return float(lower + (upper - lower) * (rank - under) / (over - under))
    raise AssertionError(rank)


def test_limits_are_the_catalogues(drawn: Demo) -> None:
    """256 GiB of memory, 2 TiB of disk, 10 Gbit/s a node, of which the new node brings its own when it comes."""
    assert drawn.limits["cpu"] == 0.85
    assert (drawn.limits["memory"].drop(columns="node-4", level="node").dropna() == 256 * 2**30).all(axis=None)
    bandwidth = drawn.limits["bandwidth"].xs("ap-south", axis=1, level="region").iloc[:, 0]
    assert bandwidth.iloc[-1] == 4e10
    assert bandwidth.loc[AS_OF - 6 * DAY] == 3e10


@pytest.mark.parametrize("aggregate", ["max", "min", "mean", "sum", "count", "last", "p95", None])
def test_every_roll_up_is_what_pandas_makes_of_the_minutes(drawn: Demo, aggregate: str | None) -> None:
    """Two hours each of a day's CPU, with a gap in it, by each aggregate."""
    node = Node("ap-south", "node-1")
    start = (AS_OF + GAP_DAYS[0] * DAY).normalize()
    times, series, values = drawn.answer(
        QUESTIONS["cpu"], start=start, end=start + DAY, step=2 * HOUR, aggregate=aggregate, nodes=[node]
    )
    minutes = raw(drawn, start, start + DAY, "dwcp_cpu_usage_percent", regions=["ap-south"], nodes=["node-1"]).iloc[
        :, 0
    ]
    groups = minutes.resample("2h", label="right", closed="right")
    slow = {
        "max": groups.max, "min": groups.min, "mean": groups.mean, "sum": lambda: groups.sum(min_count=1),
        "count": lambda: groups.count().replace(0, np.nan), "last": groups.last,
        "p95": lambda: groups.quantile(0.95), None: lambda: minutes.reindex(times),
    }[aggregate]()  # fmt: skip
    assert series == [{"region": "ap-south", "node": "node-1"}]
    np.testing.assert_allclose(values[:, 0], slow.to_numpy(), rtol=1e-12)


def test_a_step_between_points_is_refused(drawn: Demo) -> None:
    """Latency is evaluated every five minutes: seven are no multiple of it."""
    with pytest.raises(ParameterError, match="7m is not a multiple of 5m"):
        drawn.answer(
            QUESTIONS["consensus_latency"], start=AS_OF - HOUR, end=AS_OF, step=pd.Timedelta(minutes=7), aggregate="max"
        )


# The fates -----------------------------------------------------------------------------------------------------------


def test_nine_fates_are_planted(drawn: Demo) -> None:
    """Each kind once, on a series that is there."""
    assert {fate.kind for fate in drawn.fates} == KINDS
    assert len(drawn.fates) == 9
    for fate in drawn.fates:
        assert dict(fate.labels) in series_labels(drawn.frames[fate.resource])


@pytest.mark.parametrize("seed", range(5))
def test_dated_fates_break_in_their_time_and_the_others_do_not(seed: int) -> None:
    """In each draw: a leak within three weeks, the rest within the continuation, step and flat never."""
    fates = {fate.kind: fate for fate in demo(seed).fates}
    for kind in DATED:
        assert AS_OF < fates[kind].breach <= AS_OF + 120 * DAY
    assert fates["leak"].breach < AS_OF + 21 * DAY
    assert fates["already past"].breach < AS_OF
    assert all(pd.isna(fates[kind].breach) for kind in ("step", "flat"))
    assert fates["too new"].history == 5 * DAY


@pytest.mark.parametrize("kind", DATED)
def test_truth_is_the_first_hour_past_usable_capacity(drawn: Demo, kind: str) -> None:
    """Looked for the slow way, hour by hour after `as_of`, it is the date on record."""
    fate = next(one for one in drawn.fates if one.kind == kind)
    resource = drawn.catalog.resources[fate.resource]
    nodes = [node for node in NODES if fate.labels.items() <= node.labels.items()]
    asked = {"start": AS_OF, "end": drawn.platform.axis.end, "step": HOUR}
    times, _, demand = answer(QUESTIONS[fate.resource], drawn.platform, nodes, aggregate="max", **asked)  # type: ignore[arg-type]
    if fate.resource in LIMITS:
        _, _, limit = answer(LIMITS[fate.resource], drawn.platform, nodes, aggregate="min", **asked)  # type: ignore[arg-type]
    else:
        limit = np.full(demand.shape, 85.0)  # CPU, in percent
    for when, value, most in zip(times, demand[:, 0], limit[:, 0], strict=True):
        if value > most * (1 - resource.buffer):
            assert when == fate.breach
            return
    pytest.fail("it never breaks")


def test_the_continuation_is_never_shown(drawn: Demo) -> None:
    """Asked for what is to come, frames and telemetry end at `as_of`."""
    times, _, _ = drawn.answer(QUESTIONS["cpu"], start=AS_OF - DAY, end=AS_OF + DAY, step=HOUR, aggregate="max")
    assert times[-1] == AS_OF
    minutes = raw(drawn, AS_OF - HOUR, AS_OF + DAY, "dwcp_cpu_usage_percent", nodes=["node-1"])
    assert minutes.index[-1] == AS_OF


def test_the_past_does_not_know_what_is_to_come(drawn: Demo) -> None:
    """Drawn with a continuation of ten days in the place of 120, history is the same to the bit."""
    short = Demo(0, Platform(0, timeline(AS_OF, later_days=10)))
    asked = {"start": AS_OF - 3 * DAY, "end": AS_OF, "step": HOUR, "aggregate": "max"}
    for question in QUESTIONS.values():
        np.testing.assert_array_equal(short.answer(question, **asked)[2], drawn.answer(question, **asked)[2])  # type: ignore[arg-type]


def test_other_seeds_are_other_draws() -> None:
    """No series of one seed is that of another."""
    one, other = demo(0).frames["cpu"], demo(1).frames["cpu"]
    assert not np.isclose(one, other).all(axis=0).any()


# The telemetry -------------------------------------------------------------------------------------------------------


def test_every_metric_of_the_catalogue_is_drawn() -> None:
    """No metric is missing, and none is there that the catalogue does not know."""
    assert set(METRICS) == set(load_catalog("dwcp").metrics)


def test_telemetry_has_the_types_and_labels_that_the_catalogue_states(drawn: Demo) -> None:
    """Counters never fall, histograms have `le` and add up, gauges lie within their unit, labels are those stated."""
    (frame,) = drawn.raw(AS_OF - HOUR, AS_OF, regions=["eu-west"], nodes=["node-1"])
    assert len(frame) == 60
    for metric in drawn.catalog.metrics.values():
        names = (
            [metric.name]
            if metric.type != "histogram"
            else [f"{metric.name}_{part}" for part in ("bucket", "sum", "count")]
        )
        mine = frame.loc[:, frame.columns.get_level_values("metric").isin(names)]
        assert mine.notna().all(axis=None), metric.name
        labels = {label for each in series_labels(mine) for label in each}
        assert labels == {"region", "node", *metric.labels} | ({"le"} if metric.type == "histogram" else set())
        if metric.type != "gauge":
            assert (mine.diff().iloc[1:] >= 0).all(axis=None), metric.name
        elif metric.unit == "ratio":
            assert mine.min().min() >= 0.0
            assert mine.max().max() <= 1.0


def test_buckets_never_hold_less_than_the_one_below(drawn: Demo) -> None:
    """Of every histogram, at every minute; the last bucket is the count."""
    (frame,) = drawn.raw(AS_OF - HOUR, AS_OF, regions=["us-east"], nodes=["node-3"])
    names = frame.columns.get_level_values("metric")
    for metric in (one for one in drawn.catalog.metrics.values() if one.type == "histogram"):
        buckets, counts = frame.loc[:, names == f"{metric.name}_bucket"], frame.loc[:, names == f"{metric.name}_count"]
        for component in buckets.columns.get_level_values("component").unique():
            mine = buckets.xs(component, axis=1, level="component", drop_level=False)
            rising = mine.iloc[:, np.argsort(mine.columns.get_level_values("le").astype(float))]
            assert (rising.diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
            total = counts.xs(component, axis=1, level="component")
            np.testing.assert_array_equal(rising.iloc[:, -1], total.iloc[:, 0])


def test_a_slice_agrees_with_the_whole(drawn: Demo) -> None:
    """An hour of counters, gauges and buckets, drawn alone by a fresh demo, is that hour of three days."""
    whole = pd.concat(list(drawn.raw(AS_OF - 12 * DAY, AS_OF - 9 * DAY, regions=["eu-west"], nodes=["node-2"])))
    start = AS_OF - 10 * DAY - HOUR / 2
    fresh = Demo(0, Platform(0))
    alone = pd.concat(list(fresh.raw(start, start + HOUR, regions=["eu-west"], nodes=["node-2"])))
    pd.testing.assert_frame_equal(alone, whole.loc[alone.index], check_freq=False)


def test_a_counter_starts_anew_when_its_process_does(drawn: Demo) -> None:
    """All counters of the node fall at the reset, by all that they had counted, and only there."""
    at = AS_OF + RESET_DAY * DAY
    which = {"regions": [RESET_NODE.region], "nodes": [RESET_NODE.name]}
    counts = raw(drawn, at - HOUR, at + HOUR, "dwcp_consensus_rounds_total", **which).iloc[:, 0]
    falls = counts.diff() < 0
    assert falls.sum() == 1
    assert counts[falls].iloc[0] < 10_000 < counts.iloc[0]


def test_the_gap_is_missing_and_what_was_counted_in_it_is_not(drawn: Demo) -> None:
    """For nine hours and twenty minutes no sample was kept; the counter goes on behind it as if there had been none."""
    start, end = (AS_OF + day * DAY for day in GAP_DAYS)
    counts = raw(drawn, start - HOUR, end + HOUR, "dwcp_consensus_rounds_total", regions=["ap-south"], nodes=["node-1"])
    inside = counts.loc[(counts.index > start) & (counts.index <= end)]
    assert len(inside) == 560
    assert inside.isna().all(axis=None)
    grown = counts.iloc[:, 0].dropna()
    assert grown.diff().max() > 560 * 300


def test_a_new_node_has_no_past(drawn: Demo) -> None:
    """Five days of samples, and counters that begin near nothing."""
    which = {"regions": [NEW_NODE.region], "nodes": [NEW_NODE.name]}
    counts = raw(drawn, AS_OF - 6 * DAY, AS_OF, "dwcp_consensus_rounds_total", **which).iloc[:, 0]
    assert counts.first_valid_index() == AS_OF - 5 * DAY + pd.Timedelta(minutes=1)
    assert counts.dropna().iloc[0] < 1_000


def test_the_incident_opens_breakers(drawn: Demo) -> None:
    """While it lasts, the breakers of two components are open in its region, and latency breaks its objective."""
    at = AS_OF + INCIDENT_DAY * DAY
    states = raw(drawn, at + HOUR, at + 2 * HOUR, "dwcp_circuit_breaker_state", regions=["us-east"], nodes=["node-1"])
    means = states.mean().groupby(level="component").max()
    assert means[means > 0].to_dict() == {"AMST": 2.0, "PBA": 2.0}
    latency = drawn.frames["consensus_latency"].xs("us-east", axis=1, level="region").iloc[:, 0]
    assert latency.loc[at + 2 * HOUR] > 0.05


def test_one_objective_is_in_breach(drawn: Demo) -> None:
    """Of 30 days' migrations 98.5 to 99 % succeed, and 99 % are promised; the other ratio, of timeouts, is kept."""

    def grown(metric: str) -> float:
        ends = [
            raw(drawn, at - pd.Timedelta(minutes=1), at, metric, nodes=["node-1", "node-3"])
            for at in (AS_OF - 30 * DAY, AS_OF)
        ]
        return float((ends[1].iloc[-1] - ends[0].iloc[-1]).sum())

    good, bad = grown("dwcp_migration_success_total"), grown("dwcp_migration_failures_total")
    assert 0.985 < good / (good + bad) < 0.99
    assert grown("dwcp_consensus_timeouts_total") / grown("dwcp_consensus_rounds_total") < 0.005


def test_an_unknown_metric_or_node_is_told() -> None:
    """The message names the nearest, and what there is."""
    with pytest.raises(ParameterError, match="Did you mean 'dwcp_cpu_usage_percent'"):
        list(demo(0).raw(AS_OF - HOUR, AS_OF, metrics=["dwcp_cpu_usage"]))
    with pytest.raises(ParameterError, match="There are ap-south/node-1"):
        list(demo(0).raw(AS_OF - HOUR, AS_OF, nodes=["node-9"]))


def test_the_catalogue_knows_the_regions_clocks(drawn: Demo) -> None:
    """Where the catalogue states a region's zone, it is the one by which its users live in the simulation."""
    for region, zone in drawn.catalog.timezones.items():
        assert REGIONS[region] == zone
