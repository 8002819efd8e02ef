"""The built-in catalogues say what the platforms' documents say, in base units."""

from __future__ import annotations

import pandas as pd
import pytest

from capacity.catalog import Accepted, matches
from capacity.catalog_load import built_in, load_catalog, parse_catalog
from capacity.units import unit

DWCP = load_catalog("dwcp")

MINIMAL = """
name = "mine"
[resources.heap]
query = "heap_bytes"
unit = "mib"
limit = 512
lead_time = "7d"
owner = "me"
"""


def test_both_catalogues_are_built_in() -> None:
    """The package carries a catalogue for DWCP and one for node_exporter, and both load."""
    assert built_in() == ("dwcp", "node_exporter")
    assert load_catalog("node_exporter").resources.keys() >= {"cpu", "memory", "filesystem", "network_transmit"}


def test_dwcp_states_every_metric_of_the_platform() -> None:
    """DWCP has 48 metrics: 26 gauges, 14 counters and 8 histograms."""
    types = pd.Series([metric.type for metric in DWCP.metrics.values()]).value_counts().to_dict()
    assert sum(types.values()) == 48
    assert types == {"gauge": 26, "counter": 14, "histogram": 8}


def test_names_of_our_own_are_marked_as_assumed() -> None:
    """The groups disk space, anomaly, migration, budgets and capacity are named by us: nine metrics, and no other."""
    groups = {metric.group for metric in DWCP.metrics.values() if metric.assumed}
    assert groups == {"disk space", "anomaly", "migration", "budgets", "capacity"}
    assert all(metric.assumed == (metric.group in groups) for metric in DWCP.metrics.values())


def test_with_the_quantiles_read_off_the_histograms_there_are_more_than_fifty() -> None:
    """Eight histograms read at their quantiles bring the count of metrics past 50."""
    plain = [metric for metric in DWCP.metrics.values() if metric.type != "histogram"]
    read_off = sum(len(metric.quantiles) for metric in DWCP.metrics.values())
    assert len(plain) + read_off > 50


def test_every_series_carries_region_and_node() -> None:
    """The common labels stand first on every metric."""
    assert all(metric.labels[:2] == ("region", "node") for metric in DWCP.metrics.values())
    assert DWCP.labels["component"].values == ("AMST", "HDE", "PBA", "ASS", "ACP", "ITP")
    assert DWCP.labels["mode"].values == ("datacenter", "internet", "hybrid")


@pytest.mark.parametrize(
    ("name", "comparison", "target", "seen"),
    [
        ("consensus_latency_p50", "<", 0.010, (0.005, 0.008)),
        ("consensus_latency_p95", "<", 0.050, (0.030, 0.040)),
        ("consensus_latency_p99", "<", 0.100, (0.060, 0.080)),
        ("consensus_latency_p999", "<", 0.500, (0.200, 0.300)),
        ("consensus_timeouts", "<", 0.005, (0.001, 0.001)),
        ("bandwidth_prediction_accuracy", ">", 0.85, (0.88, 0.92)),
        ("partition_detection", "<", 1.0, (0.5, 0.8)),
        ("packet_loss", "<", 0.001, (0.0001, 0.0005)),
        ("migration_success", ">", 0.99, (0.985, 0.992)),
        ("migration_duration", "<", 60.0, (15.0, 30.0)),
        ("bandwidth_efficiency", ">", 0.70, (0.70, 0.85)),
    ],
)
def test_objectives_are_those_of_the_platform(
    name: str, comparison: str, target: float, seen: tuple[float, float]
) -> None:
    """Each promise, and what production shows, in seconds and ratios."""
    objective = DWCP.objectives[name]
    assert (objective.comparison, objective.target, objective.seen) == (comparison, target, seen)


def test_there_is_no_other_objective() -> None:
    """Four latency quantiles and seven more: eleven."""
    assert len(DWCP.objectives) == 11


@pytest.mark.parametrize(
    ("name", "condition", "for_"),
    [
        ("ConsensusLatencySLOBreach", "> 0.05", "1min"),
        ("ErrorBudgetExhausted", "< 0.05", "5min"),
        ("MigrationFailureRateHigh", "> 0.05", "5min"),
        ("CircuitBreakerOpened", "== 2", "30s"),
        ("PerformanceAnomalyDetected", "> 0.95", "1min"),
        ("BandwidthPredictionAccuracyLow", "< 0.8", "10min"),
        ("DiskSpaceLow", "< 0.15", "10min"),
        ("MemoryPressure", "> 0.85", "15min"),
    ],
)
def test_alerts_are_those_of_the_platform(name: str, condition: str, for_: str) -> None:
    """Each of the eight fires on its condition, after its time, and pages."""
    alert = DWCP.alerts[name]
    assert alert.expr.endswith(condition)
    assert alert.for_ == pd.Timedelta(for_)
    assert (alert.severity, alert.channel) == ("critical", "pagerduty")
    assert len(DWCP.alerts) == 8


def test_what_can_run_out() -> None:
    """Six resources, each with a limit, an owner, a lead time, and planned on the busy hour of every hour."""
    assert list(DWCP.resources) == ["cpu", "memory", "disk", "bandwidth", "streams", "consensus_latency"]
    for resource in DWCP.resources.values():
        assert resource.limit is not None or resource.limit_query
        assert resource.owner
        assert resource.lead_time >= pd.Timedelta(days=7)
        assert (resource.step, resource.aggregate, resource.direction) == (pd.Timedelta(hours=1), "max", "above")


def test_limits_and_bounds_are_in_base_units() -> None:
    """85 percent is 0.85, 50 ms is 0.05 s, and a CPU lies between 0 and 1."""
    assert DWCP.resources["cpu"].limit == 0.85
    assert DWCP.resources["cpu"].bounds == (0.0, 1.0)
    assert DWCP.resources["consensus_latency"].limit == 0.05
    assert DWCP.resources["bandwidth"].base == "bits_per_second"


@pytest.mark.parametrize("name", built_in())
def test_a_resource_and_its_limit_share_a_base(name: str) -> None:
    """In no built-in catalogue is bytes compared with bits."""
    for resource in load_catalog(name).resources.values():
        assert unit(resource.limit_unit).base == resource.base


def test_event_kinds_name_what_moves() -> None:
    """Launches, migrations and campaigns move demand, orders move limits, the last two mark history."""
    moves = {name: kind.moves for name, kind in DWCP.event_kinds.items()}
    assert moves["launch"] == moves["migration"] == moves["campaign"] == "demand"
    assert moves["order"] == "limit"
    assert moves["outlier_window"] == moves["level_shift"] == "history"


def test_a_number_of_mebibytes_becomes_bytes() -> None:
    """512 MiB are 536,870,912 bytes; what is left out has its default, and the title comes from the name."""
    heap = parse_catalog(MINIMAL).resources["heap"]
    assert heap.limit == 536_870_912
    assert (heap.title, heap.kind, heap.risk, heap.buffer, heap.limit_kind) == ("Heap", "heap", 0.1, 0.0, "hard")


def test_the_hash_is_that_of_the_text() -> None:
    """One changed character is another catalogue; the same text is the same one."""
    assert parse_catalog(MINIMAL).sha256 == parse_catalog(MINIMAL).sha256
    assert parse_catalog(MINIMAL).sha256 != parse_catalog(MINIMAL.replace("512", "513")).sha256


def test_an_accepted_risk_is_found_by_labels_and_date() -> None:
    """It holds through the whole of its last day, for the series that it names, and for no other."""
    text = MINIMAL + '\n[[accepted]]\nresource = "heap"\nuntil = 2026-12-31\nby = "Ada"\nreason = "moves in January"\n'
    resource = parse_catalog(text + 'where = { region = "eu" }\n').resources["heap"]
    last_evening = pd.Timestamp("2026-12-31T23:00Z")
    found = resource.accepted_for({"region": "eu", "node": "a"}, as_of=last_evening)
    assert isinstance(found, Accepted)
    assert found.by == "Ada"
    assert resource.accepted_for({"region": "us"}, as_of=last_evening) is None
    assert resource.accepted_for({"region": "eu"}, as_of=pd.Timestamp("2027-01-01T00:00Z")) is None


def test_a_limit_can_follow_a_schedule() -> None:
    """Each step holds from its date on, in base units."""
    text = MINIMAL.replace(
        "limit = 512", "limit_schedule = [{ from = 2026-01-01, limit = 1 }, { from = 2026-07-01, limit = 2 }]"
    )
    assert parse_catalog(text).resources["heap"].limit_schedule == (
        (pd.Timestamp("2026-01-01", tz="UTC"), 1_048_576.0),
        (pd.Timestamp("2026-07-01", tz="UTC"), 2_097_152.0),
    )


def test_an_order_is_an_event_with_an_effect() -> None:
    """An order of 1 GiB that lands in June: 2³⁰ bytes, in the base unit of the resource that it names."""
    text = MINIMAL + (
        '[event_kinds.order]\nhelp = "ordered"\nmoves = "limit"\n[[events]]\nkind = "order"\nname = "more"\n'
        'start = 2026-06-01T06:00:00+02:00\nresources = ["heap"]\neffect = 1\nunit = "gib"\n'
    )
    (event,) = parse_catalog(text).events
    assert event.effect == 2**30
    assert event.start == pd.Timestamp("2026-06-01T04:00Z")
    assert event.end is None


def test_a_region_has_its_own_time_zone() -> None:
    """Without a zone of its own a region lives in the catalogue's."""
    catalog = parse_catalog(
        MINIMAL.replace('"mine"', '"mine"\ntimezone = "Europe/Berlin"\ntimezones = { us = "America/New_York" }')
    )
    assert catalog.timezone_of({"region": "us"}) == "America/New_York"
    assert catalog.timezone_of({"region": "eu"}) == catalog.timezone_of({}) == "Europe/Berlin"


def test_a_missing_label_reads_as_empty() -> None:
    """Prometheus' own rule: asking for the empty value finds series without the label."""
    assert matches({"zone": ""}, {"region": "eu"})
    assert not matches({"zone": "a"}, {"region": "eu"})
