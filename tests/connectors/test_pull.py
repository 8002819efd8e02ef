"""The road from a catalogue to demand and limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from capacity.catalog import Catalog
from capacity.catalog_load import parse_catalog
from capacity.errors import AuthFailed, NoData, ParameterError, QueryRejected, SourceUnavailable
from capacity.frames import check
from connectors import connect
from connectors.pulls import chosen
from tests.support.badserver import bad_server, reply
from tests.support.servers import VictoriaMetrics

DAY = pd.Timestamp("2024-11-22T00:00Z")
AS_OF = DAY + pd.Timedelta(hours=6)

RESOURCE = """
[resources.{name}]
title = "{name}"
kind = "{name}"
query = '{query}'
unit = "{unit}"
lead_time = "21d"
owner = "platform"
{more}
"""


def catalog(*resources: tuple[str, str, str, str]) -> Catalog:
    """Make a catalogue of resources: name, query, unit, further lines."""
    parts = ['name = "hand"', 'title = "By hand"']
    parts += [RESOURCE.format(name=name, query=query, unit=unit, more=more) for name, query, unit, more in resources]
    return parse_catalog("\n".join(parts), name="hand")


CPU = ("cpu", "pull_cpu_percent", "percent", "limit = 80")
MEMORY = ("memory", "pull_memory_mib", "mib", 'limit_query = "pull_memory_limit_gib"\nlimit_unit = "gib"')
FREE = ("free", "pull_free_ratio", "ratio", 'direction = "below"\nlimit_query = "pull_floor_ratio"')
ABSENT = ("absent", "pull_absent", "bytes", "limit = 1")
NO_LIMIT = ("queue", "pull_cpu_percent", "percent", 'limit_query = "pull_absent"')


@pytest.fixture(scope="module")
def url(victoriametrics: VictoriaMetrics) -> str:
    """Load six hours, a sample every half hour: cpu 0 … 12 %, memory 1024 MiB of 2 or 1 GiB, a floor of 0.1 or 0.2."""
    halves = range(13)
    values = {
        "pull_cpu_percent": list(halves),
        "pull_memory_mib": [1024] * 13,
        "pull_memory_limit_gib": [2 - i % 2 for i in halves],
        "pull_free_ratio": [0.5] * 13,
        "pull_floor_ratio": [0.1 + 0.1 * (i % 2) for i in halves],
    }
    stamps = [int((DAY + i * pd.Timedelta(minutes=30)).timestamp() * 1000) for i in halves]
    lines = [
        json.dumps({"metric": {"__name__": name, "node": "a"}, "values": series, "timestamps": stamps})
        for name, series in values.items()
    ]
    victoriametrics.import_lines("\n".join(lines).encode())
    return victoriametrics.url


def test_a_pull_is_demand_and_limits_in_base_units(url: str) -> None:
    """Per cent becomes a ratio, MiB and GiB bytes; a ceiling is judged at its lowest, a floor at its highest."""
    with connect(url) as source:
        pulled = source.pull(catalog(CPU, MEMORY, FREE), as_of=AS_OF, window="6h")
    assert pulled.resources == ("cpu", "memory", "free")
    assert (pulled.as_of, pulled.window, pulled.catalog) == (AS_OF, pd.Timedelta(hours=6), "hand")
    assert pulled.demand["cpu"].iloc[:, 0].tolist() == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.10, 0.12])
    assert pulled.demand["cpu"].columns.tolist() == [("cpu", "a")]
    assert pulled.limits["cpu"] == pytest.approx(0.8)
    assert pulled.demand["memory"].iloc[:, 0].tolist() == [2.0**30] * 6
    assert pulled.limits["memory"].iloc[:, 0].tolist() == [2.0**30] * 6
    assert pulled.limits["free"].iloc[:, 0].tolist() == pytest.approx([0.2] * 6)
    for frame in (*pulled.demand.values(), pulled.limits["memory"]):
        check(frame)
    told = pulled.provenance
    assert (told["cpu"].unit, told["cpu"].query, told["cpu"].aggregate) == ("ratio", "pull_cpu_percent", "max")
    assert (told["memory_limit"].unit, told["memory_limit"].aggregate) == ("bytes", "min")
    assert told["free_limit"].aggregate == "max"


def test_a_resource_without_data_is_skipped_and_stops_nothing(url: str) -> None:
    """No series: "no data". A limit's query without series: demand is there, its limit is missing."""
    seen: list[tuple[int, int, str]] = []
    with connect(url) as source:
        pulled = source.pull(
            catalog(ABSENT, CPU, NO_LIMIT),
            as_of=AS_OF,
            window="6h",
            progress=lambda done, total, what: seen.append((done, total, what)),
        )
    assert [(skip.series, skip.reason) for skip in pulled.skipped] == [
        ("absent", "no data"),
        ("queue", "limit missing"),
    ]
    assert "pull_absent" in pulled.skipped[0].detail
    assert pulled.resources == ("cpu", "queue")
    assert list(pulled.limits) == ["cpu"]
    assert seen == [(1, 3, "absent"), (2, 3, "cpu"), (3, 3, "queue")]


def test_no_data_at_all_is_an_error(url: str) -> None:
    """An empty pull is not a plan without findings: NoData names catalogue, resources and window."""
    with connect(url) as source, pytest.raises(NoData, match=r"'hand' \(absent\) from 2024-11-22T00:00"):
        source.pull(catalog(ABSENT), as_of=AS_OF, window="6h")


def test_a_query_that_is_rejected_names_its_resource(url: str) -> None:
    """A mistake in a catalogue is told with the resource that has it; nothing is left out silently."""
    wrong = ("disk", "sum(", "bytes", "limit = 1")
    with connect(url) as source, pytest.raises(QueryRejected, match=r"resource 'disk'.*unexpected token"):
        source.pull(catalog(CPU, wrong), as_of=AS_OF, window="6h")


def test_a_server_that_is_away_or_closed_stops_the_pull(tmp_path: Path) -> None:
    """Unreachable or not let in: an error, not six resources without data; and no snapshot is left."""
    into = tmp_path / "kept"
    with connect("http://127.0.0.1:9", attempts=1) as source, pytest.raises(SourceUnavailable):
        source.pull(catalog(CPU), as_of=AS_OF, into=into)
    with bad_server(reply(401, "no")) as server, connect(server.url) as source, pytest.raises(AuthFailed):
        source.pull(catalog(CPU), as_of=AS_OF, into=into)
    assert not list(into.glob("*.json"))


def test_resources_can_be_chosen() -> None:
    """By list or by text with commas, in the catalogue's order; none is all; an unknown one gets the nearest name."""
    hand = catalog(CPU, MEMORY, FREE)
    names: Callable[..., list[str]] = lambda wanted: [one.name for one in chosen(hand, wanted)]  # noqa: E731
    assert names(None) == names("") == names([]) == ["cpu", "memory", "free"]
    assert names("free, cpu") == names(["free", "cpu"]) == ["cpu", "free"]
    with pytest.raises(ParameterError, match=r"no resource 'memroy'\. Did you mean 'memory'"):
        names("memroy")
    with pytest.raises(ParameterError, match="no resources to plan for"):
        chosen(Catalog("empty", "Empty"), None)


def test_a_schedule_of_limits_reaches_to_its_last_change(url: str) -> None:
    """80 % from long ago, 90 % ordered for ten hours after as_of: the step to come is in the frame."""
    schedule = (
        "limit_schedule = [{ from = 2024-01-01T00:00:00Z, limit = 80 }, { from = 2024-11-22T16:00:00Z, limit = 90 }]"
    )
    with connect(url) as source:
        pulled = source.pull(catalog((*CPU[:3], schedule)), as_of=AS_OF, window="6h")
    limit = pulled.limits["cpu"]
    assert limit.index[0] == DAY + pd.Timedelta(hours=1)
    assert limit.index[-1] == DAY + pd.Timedelta(hours=16)
    assert limit.iloc[:, 0].tolist() == pytest.approx([0.8] * 15 + [0.9])


def test_without_as_of_it_is_the_last_finished_step(url: str, victoriametrics: VictoriaMetrics) -> None:
    """Now, to the hour, by the server's clock; an as_of that is still to come is the same."""
    now = pd.Timestamp.now(tz="UTC")
    stamps = [int((now - pd.Timedelta(hours=hour)).timestamp() * 1000) for hour in range(6)]
    line = {"metric": {"__name__": "pull_now"}, "values": [1] * 6, "timestamps": stamps}
    victoriametrics.import_lines(json.dumps(line).encode())
    with connect(url) as source:
        for as_of in (None, "", now + pd.Timedelta(days=2)):
            pulled = source.pull(catalog(("now", "pull_now", "count", "limit = 2")), as_of=as_of, window="5h")
            assert now - pd.Timedelta(hours=1, minutes=1) <= pulled.as_of <= now
            assert pulled.as_of == pulled.as_of.floor("h")
            assert pulled.demand["now"].index[-1] == pulled.as_of


def test_a_kept_pull_is_answered_again_from_its_folder(url: str, tmp_path: Path) -> None:
    """The snapshot gives the same pull, without the server: values, limits, what was skipped, where it is from."""
    hand = catalog(CPU, MEMORY, ABSENT, NO_LIMIT)
    with connect(url) as source:
        first = source.pull(hand, as_of=AS_OF, window="6h", into=tmp_path / "kept")
    with connect(f"snapshot:{tmp_path / 'kept'}") as snapshot:
        again = snapshot.pull(hand, window="6h")
    assert again.as_of == first.as_of
    assert again.skipped == first.skipped
    assert again.limits["cpu"] == first.limits["cpu"]
    for name, frame in first.demand.items():
        pd.testing.assert_frame_equal(again.demand[name], frame)
        assert again.provenance[name] == first.provenance[name]
    pd.testing.assert_frame_equal(again.limits["memory"], first.limits["memory"])


def test_the_demo_answers_the_whole_of_its_catalogue() -> None:
    """Every resource of dwcp has demand and a limit, 120 days up to the demo's own date; CPU is a ratio."""
    with connect("demo:") as source:
        pulled = source.pull("dwcp")
    assert pulled.skipped == ()
    assert set(pulled.resources) == set(pulled.limits)
    assert pulled.as_of == pd.Timestamp("2026-11-01T00:00Z")
    assert {len(frame) for frame in pulled.demand.values()} == {120 * 24}
    assert np.nanmax(pulled.demand["cpu"].to_numpy()) <= 1.0


def test_a_driver_is_pulled_beside_demand_and_limit(url: str) -> None:
    """The mean of each step, as a count; one that is not there costs nothing but its own answer."""
    driven = ("cpu", "pull_cpu_percent", "percent", 'limit = 80\ndriver = "pull_memory_mib"')
    lost = ("queue", "pull_cpu_percent", "percent", 'limit = 80\ndriver = "pull_absent"')
    with connect(url) as source:
        pulled = source.pull(catalog(driven, lost), as_of=AS_OF, window="6h")
    assert list(pulled.drivers) == ["cpu"]
    assert set(pulled.drivers["cpu"].to_numpy().ravel()) == {1024.0}
    assert pulled.resources == ("cpu", "queue")
    assert pulled.skipped == ()
