"""``demo:``: the simulation behind a source's verbs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity import load_catalog, provenance
from capacity.errors import NoData, NotHeld, ParameterError, QueryRejected
from capacity.frames import check, series_labels
from capacity.panels import PANELS
from capacity.simulate import AS_OF, demo
from connectors import Source, connect
from connectors.demo import write_demo

DAY = pd.Timedelta(days=1)
HOUR = pd.Timedelta(hours=1)
CPU = "dwcp_cpu_usage_percent"
RAW = ("dwcp_migration_failures_total", "dwcp_circuit_breaker_state")


@pytest.fixture(scope="module")
def source() -> Source:
    return connect("demo:")


def asked(source: Source, query: str = CPU, **more: object) -> pd.DataFrame:
    """Ask for the last day's busiest minutes of each hour, unless told otherwise."""
    return source.range(query, **{"start": AS_OF - DAY, "end": AS_OF, "aggregate": "max", **more})  # type: ignore[arg-type]


def test_it_answers_every_query_of_the_catalogues_resources(source: Source) -> None:
    """Demand and limit of each resource, by the very text of the catalogue, over a week."""
    for resource in load_catalog("dwcp").resources.values():
        for query, aggregate in ((resource.query, resource.aggregate), (resource.limit_query, "min")):
            if query is not None:
                frame = asked(source, query, start=AS_OF - 7 * DAY, aggregate=aggregate, resolution=resource.resolution)
                check(frame)
                assert frame.shape[0] == 7 * 24
                assert frame.notna().any().all()


def test_a_pull_brings_the_demos_frames(source: Source) -> None:
    """The one road: what is pulled, 120 days to `as_of`, is what the demo says, in base units; nothing is skipped."""
    pulled = source.pull("dwcp")
    assert pulled.as_of == AS_OF
    assert pulled.skipped == ()
    for name, frame in demo(0).frames.items():
        want = frame.loc[frame.index > AS_OF - 120 * DAY].sort_index(axis=1)
        pd.testing.assert_frame_equal(pulled.demand[name], want, check_freq=False)
    assert pulled.limits["streams"] == 2000
    assert pulled.provenance["cpu"].source == "demo:"


def test_white_space_does_not_make_another_query(source: Source) -> None:
    """A query written over two lines is the one that is held."""
    frame = asked(source, "sum  by(region)\n( dwcp_amst_active_streams )")
    pd.testing.assert_frame_equal(
        frame.set_axis(range(3), axis=1),
        asked(source, "sum by (region) (dwcp_amst_active_streams)").set_axis(range(3), axis=1),
    )


@pytest.mark.parametrize(
    ("conditions", "left"),
    [
        ('region="eu-west"', 4),
        ('region!="eu-west"', 8),
        ('region=~"eu-.*|us-.*", node="node-1"', 2),
        ('node!~"node-[12]"', 6),
        ('region=~"eu"', 0),
        ('mode=""', 12),
        ("node='node-1',", 3),
    ],
)
def test_conditions_on_labels_choose_series(source: Source, conditions: str, left: int) -> None:
    """Equal, unequal, and patterns that must match all of a value; a label that is lacking is empty."""
    query = f"{CPU}{{{conditions}}}"
    if not left:
        with pytest.raises(NoData, match="12 series are held without it"):
            asked(source, query)
    else:
        assert asked(source, query).shape[1] == left


def test_the_metric_is_named_as_asked(source: Source) -> None:
    """By `name`, else by the selector's metric, else by the query's text."""
    streams = "sum by (region) (dwcp_amst_active_streams)"
    names = [
        asked(source, query, name=name).columns.levels[0][0]
        for query, name in ((CPU, "x"), (CPU, None), (streams, None))
    ]
    assert names == ["x", CPU, streams]


def test_a_day_rolls_up_its_hours(source: Source) -> None:
    """The highest of each day is the highest of its 24 hours; windows and steps are free."""
    hours = asked(source, start=AS_OF - 3 * DAY)
    days = asked(source, start=AS_OF - 3 * DAY, step="1d")
    np.testing.assert_array_equal(days, hours.to_numpy().reshape(3, 24, 12).max(axis=1))
    minutes = asked(source, start=AS_OF - HOUR, step="1min", aggregate=None)
    np.testing.assert_array_equal(minutes.max(), hours.iloc[-1])


def test_provenance_says_that_it_is_simulated(source: Source) -> None:
    """Query, step, aggregate, window; pulled at `as_of`, since there is no clock in it."""
    told = provenance.read(asked(source, end=AS_OF + DAY, name="cpu"))["cpu"]
    assert (told.query, told.step, told.aggregate, told.source) == (CPU, "1h", "max", "demo:")
    assert told.end == told.pulled_at == AS_OF.isoformat()
    assert told.notes == ("simulated", "taken back to the last finished step, 2026-11-01T00:00:00+00:00")
    assert told.series == 12


@pytest.mark.parametrize(
    ("query", "more", "why"),
    [
        (
            "up",
            {},
            "does not hold 'up'. It holds, every 1h from 2026-05-05 to 2026-11-01: dwcp_cpu_usage_percent \\(max\\)",
        ),
        (f"rate({CPU}[5m])", {}, "does not hold"),
        (CPU, {"start": "2026-05-01"}, "does not lie within its history"),
        (CPU, {"start": AS_OF + DAY, "end": AS_OF + 2 * DAY}, "does not lie within its history"),
        (CPU, {"step": "30s"}, "A step of 30s is not a multiple of the 1m between points"),
        ("sum by (region) (dwcp_amst_active_streams)", {"resolution": "5m"}, "evaluated every 1m, not every 5m"),
    ],
)
def test_anything_else_is_not_held(source: Source, query: str, more: dict[str, object], why: str) -> None:
    """The error says why, and lists what there is."""
    with pytest.raises(NotHeld, match=why) as told:
        asked(source, query, **more)
    assert "sum by (region) (dwcp_bandwidth_utilization_mbps) (max)" in str(told.value)


def test_seeds_are_draws_of_their_own() -> None:
    """`?seed=3` is another draw, and says so; the seed 0 is the default."""
    third = connect("demo:?seed=3")
    assert third.name == "demo:?seed=3"
    assert not np.allclose(asked(third), asked(connect("demo:")))
    np.testing.assert_array_equal(asked(connect("demo:?seed=0")), asked(connect("demo:")))


@pytest.mark.parametrize("url", ["demo:?seed=x", "demo:?sed=1", "demo:here", "demo:?seed=-1"])
def test_an_odd_address_is_refused(url: str) -> None:
    """A typo does not silently give the default draw."""
    with pytest.raises(ParameterError, match=r'Write "demo:" or "demo:\?seed=3"'):
        connect(url)


def test_it_tells_what_it_is(source: Source) -> None:
    """180 days to 2026-11-01, and its clock stands there."""
    info = source.info()
    assert (info.kind, info.oldest, info.newest) == ("simulation", AS_OF - 180 * DAY, AS_OF)
    assert source.now() == source.finished("1h") == AS_OF


class Kept(Source):
    """A source that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__("kept")
        self.frames: list[pd.DataFrame] = []

    def range(self, query: str, **_: object) -> pd.DataFrame:  # type: ignore[override]
        raise NoData(query)

    def now(self) -> pd.Timestamp:
        return AS_OF

    def write(self, frame: pd.DataFrame, *, verify: bool = True) -> int:
        assert verify
        self.frames.append(frame)
        return int(frame.notna().to_numpy().sum())


def test_what_is_written_is_the_raw_telemetry() -> None:
    """An hour of two nodes, in each metric's own unit, side by side in one frame."""
    kept, steps = Kept(), []
    written = write_demo(
        kept,
        AS_OF - HOUR,
        AS_OF,
        regions=["us-east"],
        nodes=["node-1", "node-2"],
        metrics=[CPU, "dwcp_memory_usage_bytes"],
        progress=lambda *told: steps.append(told),
    )
    assert written == 2 * 2 * 60
    assert steps == [(2, 2, "us-east/node-2")]
    (came,) = kept.frames
    for node in ("node-1", "node-2"):
        (want,) = demo(0).raw(AS_OF - HOUR, AS_OF, regions=["us-east"], nodes=[node], metrics=[CPU])
        pd.testing.assert_frame_equal(came[want.columns], want, check_freq=False)


def test_a_wide_write_is_cut_by_nodes() -> None:
    """All metrics of two nodes are some 720 series: each node is written for itself, in two stretches over a seam."""
    kept, steps = Kept(), []
    seam = AS_OF - 10 * DAY
    which = {"regions": ["us-east"], "nodes": ["node-1", "node-2"], "metrics": None}
    write_demo(kept, seam - 2 * HOUR, seam + HOUR, **which, progress=lambda *told: steps.append(told))  # type: ignore[arg-type]
    assert steps == [(1, 2, "us-east/node-1"), (2, 2, "us-east/node-2")]
    assert [len(frame) for frame in kept.frames] == [120, 60, 120, 60]


def test_the_whole_can_be_shifted_in_time() -> None:
    """`ends` moves everything by whole hours: the demo's last hour becomes the last whole hour up to it."""
    kept = Kept()
    write_demo(
        kept, AS_OF - HOUR, AS_OF, ends="2027-01-05T10:25Z", regions=["us-east"], nodes=["node-1"], metrics=[CPU]
    )
    (frame,) = kept.frames
    assert frame.index[-1] == pd.Timestamp("2027-01-05T10:00Z")
    (raw,) = demo(0).raw(AS_OF - HOUR, AS_OF, regions=["us-east"], nodes=["node-1"], metrics=[CPU])
    np.testing.assert_array_equal(frame, raw)


def test_series_carry_region_and_node(source: Source) -> None:
    """Twelve nodes in three regions, in the order of their labels."""
    labels = series_labels(asked(source))
    assert labels == sorted(labels, key=lambda each: (each["node"], each["region"]))
    assert {each["region"] for each in labels} == {"ap-south", "eu-west", "us-east"}


def test_what_can_be_selected_is_listed(source: Source) -> None:
    """Four metrics of twelve nodes; the answers of expressions are no series of their own."""
    metrics = [CPU, "dwcp_disk_size_bytes", "dwcp_disk_used_bytes", "dwcp_memory_usage_bytes"]
    assert source.label_values("__name__") == metrics
    assert source.label_values("region") == ["ap-south", "eu-west", "us-east"]
    assert source.label_values("nobody") == []
    assert {"__name__", "node", "region"} <= set(source.labels())
    found = source.series(f'{CPU}{{region="eu-west"}}')
    assert len(found) == 4
    assert found == source.series(f'{{__name__="{CPU}",region=~"eu.*"}}')
    assert [one["__name__"] for one in found] == [CPU] * 4
    assert len(source.series([CPU, "dwcp_disk_used_bytes"])) == len(source.series(CPU)) + len(
        source.series("dwcp_disk_used_bytes")
    )


def test_nothing_is_listed_where_nothing_is_held(source: Source) -> None:
    """After the demo's end there are no series; an expression selects none."""
    assert source.series(CPU, start=AS_OF + DAY, end=AS_OF + 2 * DAY) == []
    assert source.labels(start=AS_OF + DAY) == []
    with pytest.raises(QueryRejected, match="no selector of series"):
        source.series("sum(dwcp_cpu_usage_percent)")


def test_it_answers_the_dashboards(source: Source) -> None:
    """Each panel's question has an answer for each hour of a day."""
    for name, panel in PANELS.items():
        frame = asked(source, panel.query, aggregate=panel.aggregate, resolution=panel.resolution)
        check(frame)
        assert len(frame) == 24, name
        assert frame.notna().to_numpy().all(), name


def test_a_panels_answer_is_what_the_raw_samples_say(source: Source) -> None:
    """By hand, over an hour: what counters grew by in a region, and the highest state of a component's breakers."""
    raw = pd.concat(demo(0).raw(AS_OF - HOUR - pd.Timedelta(minutes=1), AS_OF, metrics=list(RAW)), axis=1)
    grown = raw.iloc[-1] - raw.iloc[0]
    failed = grown[[column[0] == RAW[0] and "us-east" in column for column in raw.columns]].sum()
    got = asked(source, PANELS["not_migrated"].query, aggregate=None).iloc[-1]
    assert got.xs("us-east", level="region").item() == failed
    state = raw.iloc[1:][[column for column in raw.columns if column[0] == RAW[1] and "PBA" in column]].max().max()
    highest = asked(source, PANELS["breakers"].query, resolution="1m").iloc[-1]
    assert highest.xs("PBA", level="component").item() == state
