"""The simulation, written into a real server as raw telemetry, comes back as its own planning frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from capacity.frames import Pull, wide
from capacity.simulate import AS_OF, Demo, demo
from capacity.simulate.consensus import BOUNDS
from capacity.simulate.planning import LIMITS, QUESTIONS, Question
from capacity.simulate.platform import GAP_DAYS, RESET_DAY
from capacity.units import to_base
from connectors import Source, connect
from connectors.demo import PLANNED, write_demo
from tests.support.servers import victoriametrics_server

DAY = pd.Timedelta(days=1)
HOUR = pd.Timedelta(hours=1)
MIGRATIONS = ("dwcp_migration_success_total", "dwcp_migration_failures_total")


@dataclass(frozen=True)
class Slice:
    """A part of the simulation that is written: the day or week up to ``end``, of some nodes."""

    end: pd.Timestamp
    days: int
    regions: tuple[str, ...]
    nodes: tuple[str, ...]

    @property
    def start(self) -> pd.Timestamp:
        return self.end - self.days * DAY

    @property
    def which(self) -> dict[str, tuple[str, ...]]:
        return {"regions": self.regions, "nodes": self.nodes}


SLICES = {
    "week": Slice(AS_OF, 7, ("eu-west", "us-east"), ("node-1", "node-2", "node-3")),
    "gap": Slice((AS_OF + GAP_DAYS[0] * DAY).ceil("1D"), 1, ("ap-south",), ("node-1",)),
    "reset": Slice((AS_OF + RESET_DAY * DAY).ceil("1D"), 1, ("eu-west",), ("node-2",)),
}
every_slice = pytest.mark.parametrize("part", SLICES.values(), ids=SLICES.keys())


@pytest.fixture(scope="module")
def drawn() -> Demo:
    return demo(0)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """Yield a server that holds the slices, and the hour before each: a rate needs the sample before its window."""
    with victoriametrics_server(tmp_path_factory.mktemp("round-trip")) as server, connect(server.url) as source:
        for part in SLICES.values():
            metrics = (*PLANNED, *MIGRATIONS)
            write_demo(source, part.start - HOUR, part.end, **part.which, metrics=metrics, verify=False)
        server.flush()
        yield source


@pytest.fixture(scope="module")
def pulls(source: Source) -> dict[str, Pull]:
    return {name: source.pull("dwcp", as_of=part.end, window=part.days * DAY) for name, part in SLICES.items()}


def expected(drawn: Demo, part: Slice, question: Question, name: str, *, unit: str, aggregate: str) -> pd.DataFrame:
    """Return what the demo's own frames are for the slice's nodes alone, in base units."""
    times, series, values = drawn.answer(
        question, start=part.start, end=part.end, step=HOUR, aggregate=aggregate, nodes=drawn.machines(**part.which)
    )
    return wide(to_base(values, unit), times=times, series=series, metric=name).sort_index(axis=1)


@every_slice
@pytest.mark.parametrize("name", [name for name in QUESTIONS if name != "consensus_latency"])
def test_gauges_come_back_to_a_millionth(pulls: dict[str, Pull], drawn: Demo, part: Slice, name: str) -> None:
    """Asked of the server by the catalogue's query, each hour is the demo's; where one has none, so has the other."""
    resource = drawn.catalog.resources[name]
    came = pulls[_name(part)].demand[name]
    want = expected(drawn, part, QUESTIONS[name], name, unit=resource.unit, aggregate=resource.aggregate)
    pd.testing.assert_frame_equal(came, want, rtol=1e-6, check_freq=False)


@every_slice
@pytest.mark.parametrize("name", list(LIMITS))
def test_limits_come_back(pulls: dict[str, Pull], drawn: Demo, part: Slice, name: str) -> None:
    """What the limits' queries answer is what the demo says."""
    resource = drawn.catalog.resources[name]
    came = pulls[_name(part)].limits[name]
    unit = resource.limit_unit or resource.unit
    want = expected(drawn, part, LIMITS[name], f"{name}_limit", unit=unit, aggregate="min")
    pd.testing.assert_frame_equal(came, want, rtol=1e-6, check_freq=False)


@every_slice
def test_quantiles_come_back_within_their_bucket(pulls: dict[str, Pull], drawn: Demo, part: Slice) -> None:
    """P95, as the server reads it off the buckets, lies in the bucket that the demo says; in fact at the same place."""
    resource = drawn.catalog.resources["consensus_latency"]
    came = pulls[_name(part)].demand["consensus_latency"]
    want = expected(drawn, part, QUESTIONS["consensus_latency"], "consensus_latency", unit="seconds", aggregate="max")
    assert resource.resolution == 5 * pd.Timedelta(minutes=1)
    there = np.isfinite(want.to_numpy())
    np.testing.assert_array_equal(np.isfinite(came.to_numpy()), there)
    buckets = [np.searchsorted(BOUNDS, frame.to_numpy()[there]) for frame in (came, want)]
    np.testing.assert_array_equal(*buckets)
    np.testing.assert_allclose(came, want, rtol=1e-6)


@every_slice
def test_counters_come_back_to_a_millionth(source: Source, drawn: Demo, part: Slice) -> None:
    """What a counter grew by in each hour is what the raw increments add up to, over a reset too."""
    query = "sum by (region, node) (increase(dwcp_consensus_latency_seconds_count[1h]))"
    came = source.range(query, start=part.start, end=part.end, step="1h", name="rounds")
    for node in drawn.machines(**part.which):
        counts = _raw(drawn, part, "dwcp_consensus_latency_seconds", node.region, node.name)
        one = counts["dwcp_consensus_latency_seconds_count"].iloc[:, 0]
        grown = one.diff().mask(one.diff() < 0, one)  # after a reset: what was counted since
        want = grown.resample("1h", label="right", closed="right").sum(min_count=60).loc[part.start + HOUR :]
        mine = came.xs((node.name, node.region), axis=1, level=("node", "region")).iloc[:, 0]
        whole = want.notna()  # the hours of a gap are told by their own rules
        np.testing.assert_allclose(mine[whole], want[whole], rtol=1e-6)
        assert whole.sum() >= 13


def test_an_objective_comes_back(source: Source, drawn: Demo) -> None:
    """The share of migrations that succeed, by the catalogue's own query, is that of the raw counters."""
    part = SLICES["week"]
    objective = drawn.catalog.objectives["migration_success"]
    came = source.range(objective.query, start=part.start, end=part.end, step="1h", name="ratio")
    for region in part.regions:
        grown = [
            sum(
                _raw(drawn, part, metric, region, node)[metric]
                .iloc[:, 0]
                .diff()
                .resample("1h", label="right", closed="right")
                .sum()
                for node in part.nodes
            )
            for metric in MIGRATIONS
        ]
        want = (grown[0] / (grown[0] + grown[1])).loc[part.start + HOUR :]
        mine = came.xs(region, axis=1, level="region").iloc[:, 0]
        np.testing.assert_allclose(mine, want, rtol=1e-6)


def _name(part: Slice) -> str:
    return next(name for name, one in SLICES.items() if one is part)


def _raw(drawn: Demo, part: Slice, metric: str, region: str, node: str) -> pd.DataFrame:
    start = part.start - HOUR
    return pd.concat(list(drawn.raw(start, part.end, regions=[region], nodes=[node], metrics=[metric])))
