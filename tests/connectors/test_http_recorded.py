"""Answers that real servers gave, of versions and topologies that no package here can start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from capacity.errors import PartialResult, QueryRejected, ResultTooLarge
from capacity.frames import series_labels
from connectors.victoriametrics import VictoriaMetrics
from connectors.wire import Request, Response

FOLDER = Path(__file__).parents[1] / "data" / "recordings"
SINGLE = ("single-1.79.5", "single-1.150")
WHOLE = (*SINGLE, "cluster-1.150")
HOUR = {"start": "2026-11-22T23:00Z", "end": "2026-11-23T00:00Z"}
Ask = Callable[[VictoriaMetrics], object]
CLOCK = {"date": "Mon, 23 Nov 2026 01:00:00 GMT"}


def replay(folder: str, name: str, *, status: int = 200) -> VictoriaMetrics:
    """Return a source whose server gives one recorded answer to everything but the question who it is."""
    body = (FOLDER / folder / f"{name}.body").read_bytes()

    def send(request: Request) -> Response:
        if "/status/buildinfo" in request.url or request.url.endswith("/metrics"):
            return Response(404, CLOCK, iter([b""]))
        return Response(status, CLOCK, iter([body]))

    return VictoriaMetrics("http://recorded:8428", send=send, attempts=1)


def day(source: VictoriaMetrics) -> pd.DataFrame:
    return source.range("cpu_ratio", start="2026-11-21T23:00Z", end="2026-11-23T00:00Z", aggregate="mean")


@pytest.mark.parametrize("folder", WHOLE)
def test_a_recorded_day_is_the_same_from_every_server(folder: str) -> None:
    """25 hourly means of 4 series: every version and topology gives the frame that the oldest one gives."""
    frame, oldest = day(replay(folder, "query_range")), day(replay(WHOLE[0], "query_range"))
    pd.testing.assert_frame_equal(frame, oldest, rtol=1e-12)
    assert frame.shape == (25, 4)
    assert series_labels(frame)[0] == {"node": "n0", "region": "eu"}
    assert frame.iloc[0, 0] == 0.495
    assert frame.notna().all(axis=None)


@pytest.mark.parametrize("folder", WHOLE)
def test_recorded_infinities_stay_infinite(folder: str) -> None:
    """The answer has +Inf and -Inf as text; instants that it leaves out are NaN."""
    frame = replay(folder, "query_range_special").range(
        "special_gauge", start="2026-11-22T23:44Z", end="2026-11-23T00:00Z", step="1m"
    )
    gaps = [np.nan] * 5
    assert np.array_equal(
        frame.iloc[:, 0].to_numpy(), [*gaps, 1.5, np.inf, -np.inf, 2.5, 3.5, 3.5, *gaps], equal_nan=True
    )


@pytest.mark.parametrize("name", ["query_range", "query_range_special"])
def test_a_cluster_without_a_storage_node_gives_no_frame(name: str) -> None:
    """IsPartial is an error, not three of four series, nor an empty answer taken for the absence of data."""
    with pytest.raises(PartialResult, match="storage nodes"):
        day(replay("cluster-1.150-one-storage-down", name))


@pytest.mark.parametrize(
    ("name", "status", "ask"),
    [
        ("labels", 200, lambda source: source.labels()),
        ("series", 200, lambda source: source.series("cpu_ratio")),
        ("status_tsdb", 200, lambda source: source.cardinality()),
        ("query_instant", 200, lambda source: source.instant("cpu_ratio", at="2026-11-23T00:00Z")),
        ("query_range_empty", 200, lambda source: source.range("absent_metric", **HOUR, step="1m")),
        ("query_range_no_labels", 200, lambda source: source.range("sum(rate(requests_total[5m]))", **HOUR, step="5m")),
        ("export_jsonl", 503, lambda source: source.samples('{__name__=~".+"}', **HOUR)),
        ("export_native", 503, lambda source: source.samples('{__name__=~".+"}', **HOUR)),
        ("export_jsonl", 503, lambda source: source.range("cpu_ratio", **HOUR)),
    ],
)
def test_a_cluster_without_a_storage_node_answers_nothing(name: str, status: int, ask: Ask) -> None:
    """Marked as partial, or refused as deny_partial_response and exports are: always the one error, never retried."""
    with pytest.raises(PartialResult, match="storage nodes") as caught:
        ask(replay("cluster-1.150-one-storage-down", name, status=status))
    assert not caught.value.retryable


@pytest.mark.parametrize(("folder", "status"), [("single-1.79.5", 422), ("single-1.150", 400), ("cluster-1.150", 400)])
def test_a_recorded_parse_error_is_told_in_the_servers_words(folder: str, status: int) -> None:
    """422 of the old version and 400 of the new one are the same: the query was rejected, and why."""
    with pytest.raises(QueryRejected, match='unexpected token ""') as caught:
        day(replay(folder, "query_range_parse_error", status=status))
    assert "on the time range" not in str(caught.value)


@pytest.mark.parametrize("folder", WHOLE)
def test_recorded_too_many_points_is_no_rejection_of_the_query(folder: str) -> None:
    """The limit on points is told apart from a wrong query: it is what shorter windows are made for."""
    source = replay(folder, "query_range_too_many_points", status=422)
    with pytest.raises(ResultTooLarge, match="too many points"):
        source.range("range_max(cpu_ratio)", start="2026-11-22T00:00Z", end="2026-11-22T06:00Z", step="1s")


@pytest.mark.parametrize("folder", SINGLE)
def test_recorded_lines_of_an_export_are_read_alike(folder: str) -> None:
    """Bare +Inf of the old version, "Infinity" of the new one; doubles kept once, the biggest; odd labels intact."""
    source = replay(folder, "export_lines")
    samples = source.samples('{__name__=~".+"}', start="2026-11-21T00:00Z", end="2026-11-23T00:00Z")
    by_metric = {metric: part["value"].tolist() for metric, part in samples.groupby("metric", observed=True)}
    assert by_metric["special_gauge"] == [1.5, np.inf, -np.inf, 2.5, 3.5]
    assert by_metric["dup_gauge"] == [9, 2, 3, 4, 7]
    odd = samples[samples["metric"] == "odd_labels"].iloc[0]
    assert odd["ctrl"] == "x\x01y\x00z\x02"
    assert odd["html"] == "<script>alert(1)</script>"
    assert (odd["quote"], odd["utf8"], odd["dash-and.dot"]) == ('a"b\\c', "höhe-日本", "v")
    assert odd["node"] == ""


def test_recorded_counts_say_who_asks_where_the_server_knows() -> None:
    """The old version counts series, the new one requests as well: 24 for cpu_ratio."""
    old, new = (replay(folder, "status_tsdb").cardinality().set_index(["by", "name"]) for folder in SINGLE)
    assert old.loc[("metric", "cpu_ratio"), "series"] == new.loc[("metric", "cpu_ratio"), "series"] == 4
    assert old["requests"].isna().all()
    assert new.loc[("metric", "cpu_ratio"), "requests"] == 24
    assert new.loc[("metric", "cpu_ratio"), "last_request"] == pd.Timestamp(1795423739, unit="s", tz="UTC")
    assert new.loc[("pair", "region=eu"), "series"] == 2


def test_recorded_instant_is_one_row() -> None:
    """Four series at one instant: one row, sorted by labels."""
    frame = replay("single-1.150", "query_instant").instant("cpu_ratio", at="2026-11-23T00:00Z")
    assert frame.iloc[0].tolist() == [0.475, 0.525, 0.499, 0.496]
    assert frame.columns.get_level_values("node").tolist() == ["n0", "n1", "n2", "n3"]
