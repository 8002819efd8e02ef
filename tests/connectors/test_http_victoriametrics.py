"""Every verb against a real VictoriaMetrics."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from capacity import frames
from capacity.errors import NoData, ParameterError, QueryRejected
from capacity.provenance import read
from connectors import Source, connect
from tests.support.servers import VictoriaMetrics

DAY = pd.Timestamp("2024-11-22T00:00Z")
MINUTE = pd.Timedelta(minutes=1)


def line(
    name: str, values: Sequence[float], *, first: pd.Timestamp = DAY, step: pd.Timedelta = MINUTE, **labels: str
) -> str:
    """Return one series as a line to import: values at ``first``, ``first + step`` …"""
    stamps = [int((first + i * step).timestamp() * 1000) for i in range(len(values))]
    return json.dumps({"metric": {"__name__": name, **labels}, "values": list(values), "timestamps": stamps})


def load(server: VictoriaMetrics, *lines: str) -> Source:
    server.import_lines("\n".join(lines).encode())
    return connect(server.url)


def test_a_step_speaks_for_the_time_that_ends_there(victoriametrics: VictoriaMetrics) -> None:
    """Values 0, 1, 2 … every minute from 00:00: the maximum of (00:00, 01:00] is 60, of the next hour 120."""
    with load(victoriametrics, line("ends_there", range(181))) as source:
        window = {"start": DAY, "end": DAY + pd.Timedelta(hours=3)}
        for aggregate, wanted in {
            "max": [60, 120, 180],
            "min": [1, 61, 121],
            "mean": [30.5, 90.5, 150.5],
            "sum": [1830, 5430, 9030],
            "count": [60, 60, 60],
            "last": [60, 120, 180],
        }.items():
            frame = source.range("ends_there", aggregate=aggregate, **window)
            assert frame.iloc[:, 0].tolist() == wanted, aggregate
        assert source.range("sum(ends_there)", aggregate="max", **window).iloc[:, 0].tolist() == [60, 120, 180]
        assert source.range("ends_there", aggregate="p50", **window).iloc[:, 0].tolist() == [30.5, 90.5, 150.5]
        assert source.range("ends_there", **window).iloc[:, 0].tolist() == [60, 120, 180]


def test_a_frame_keeps_the_contract(victoriametrics: VictoriaMetrics) -> None:
    """UTC, microseconds, every instant of the grid; labels a series lacks are ''; columns sorted; provenance whole."""
    source = load(
        victoriametrics,
        line("contract", [1.5] * 121, region="us", node="b"),
        line("contract", [2.5] * 61, region="eu"),
        line("contract", [3.5, 3.5], metric="x", source="y", time="z"),
    )
    with source:
        frame = source.range("contract", start=DAY, end=DAY + pd.Timedelta(hours=3), aggregate="max")
    assert str(frame.index.dtype) == "datetime64[us, UTC]"
    assert [time.hour for time in frame.index] == [1, 2, 3]
    assert list(frame.columns.names) == [
        "metric",
        "exported_metric",
        "exported_source",
        "exported_time",
        "node",
        "region",
    ]
    assert frame.columns.tolist() == [
        ("contract", "", "", "", "", "eu"),
        ("contract", "", "", "", "b", "us"),
        ("contract", "x", "y", "z", "", ""),
    ]
    none = np.nan
    assert np.array_equal(frame.to_numpy(), [[2.5, 1.5, 3.5], [none, 1.5, none], [none, none, none]], equal_nan=True)
    frames.check(frame)
    told = read(frame)["contract"]
    assert (told.query, told.step, told.aggregate, told.source) == ("contract", "1h", "max", source.name)
    assert (told.start, told.end) == ("2024-11-22T00:00:00+00:00", "2024-11-22T03:00:00+00:00")
    assert (told.series, told.gaps) == (3, 5)
    assert told.server.startswith("VictoriaMetrics")


def test_the_first_level_is_the_name_given_else_the_metric_else_the_query(victoriametrics: VictoriaMetrics) -> None:
    """As the contract says; two metrics that would share a column are refused with what to do."""
    source = load(victoriametrics, line("level_a", [1] * 61), line("level_b", [2] * 61))
    window = {"start": DAY, "end": DAY + pd.Timedelta(hours=1)}

    def levels(query: str, **options: str) -> list[str]:
        return source.range(query, **window, **options).columns.get_level_values("metric").tolist()

    with source:
        assert levels("level_a", name="load") == ["load"]
        assert levels("level_a") == levels("level_a", aggregate="max") == ["level_a"]
        assert levels("sum(level_a)") == ["sum(level_a)"]
        assert levels('{__name__=~"level_.*"}') == ["level_a", "level_b"]
        with pytest.raises(QueryRejected, match="same column"):
            levels('{__name__=~"level_.*"}', name="load")


def test_infinities_come_through(victoriametrics: VictoriaMetrics) -> None:
    """+Inf and -Inf stay what they are, in a range and in raw samples; a frame with them can be written."""
    with connect(victoriametrics.url) as source:
        times = frames.grid(DAY, DAY + 3 * MINUTE, MINUTE)
        written = frames.wide([[np.inf], [-np.inf], [1.0]], times=times, series=[{"a": "b"}], metric="infinite")
        assert source.write(written, verify=False) == 3
        victoriametrics.flush()
        back = source.range("infinite", start=DAY, end=DAY + 3 * MINUTE, step="1m")
        assert back.iloc[:, 0].tolist() == [np.inf, -np.inf, 1.0]
        assert source.samples("infinite", start=DAY, end=DAY + 3 * MINUTE)["value"].tolist() == [np.inf, -np.inf, 1.0]


def test_the_unfinished_step_is_left_out_and_told(victoriametrics: VictoriaMetrics) -> None:
    """Up to tomorrow is up to the last hour that is over; a window that lies in the future altogether is refused."""
    now = pd.Timestamp.now(tz="UTC")
    with load(victoriametrics, line("until_now", [1.0] * 300, first=now - 299 * MINUTE)) as source:
        frame = source.range("until_now", start=now - pd.Timedelta(hours=4), end=now + pd.Timedelta(days=1), step="1h")
        assert now - pd.Timedelta(hours=1, minutes=1) <= frame.index[-1] <= now
        assert any("not finished" in note for note in read(frame)["until_now"].notes)
        with pytest.raises(ParameterError, match="finished"):
            source.range("until_now", start=now + pd.Timedelta(days=1), end=now + pd.Timedelta(days=2))


@pytest.mark.parametrize(
    ("query", "error", "said"),
    [
        ("sum(", QueryRejected, "unexpected token"),
        ("no_such_metric", NoData, "no series"),
        ("max_over_time(m[1h]", QueryRejected, "rejects"),
    ],
)
def test_what_the_server_does_not_answer_is_told(
    victoriametrics: VictoriaMetrics, query: str, error: type[Exception], said: str
) -> None:
    """A query that does not parse comes with the server's words, one without series as NoData."""
    with connect(victoriametrics.url) as source, pytest.raises(error, match=said):
        source.range(query, start=DAY, end=DAY + pd.Timedelta(hours=3))


def test_a_window_above_the_servers_limit_is_split(victoriametrics: VictoriaMetrics) -> None:
    """60,000 instants are twice what one request may ask for; what may not be split is refused with a step that may."""
    with load(
        victoriametrics, line("long_window", np.arange(1001.0).tolist(), step=pd.Timedelta(seconds=60))
    ) as source:
        seen: list[tuple[int, int]] = []
        frame = source.range(
            "long_window",
            start=DAY,
            end=DAY + pd.Timedelta(seconds=60_000),
            step="1s",
            progress=lambda done, total, _: seen.append((done, total)),
        )
        assert seen == [(1, 2), (2, 2)]
        assert len(frame) == 60_000
        assert frame.iloc[59::60, 0].tolist() == list(range(1, 1001))
        with pytest.raises(QueryRejected, match=r"running_max\(…\).*step of 2m"):
            source.range("running_max(long_window)", start=DAY, end=DAY + pd.Timedelta(days=25), step="1s")


def test_lower_limits_of_a_server_are_learnt(start_victoriametrics: Callable[..., VictoriaMetrics]) -> None:
    """A server that allows 100 points is asked for shorter windows, and gives the same frame; what may not is told."""
    server = start_victoriametrics("-search.maxPointsPerTimeseries=100")
    with load(server, line("few_points", range(301))) as source:
        frame = source.range("few_points", start=DAY, end=DAY + 300 * MINUTE, step="1m", aggregate="max")
        assert frame.iloc[:, 0].tolist() == list(range(1, 301))
        with pytest.raises(QueryRejected, match=r"more than the 100.*range_max\(…\).*step of 3m"):
            source.range("range_max(few_points)", start=DAY, end=DAY + 300 * MINUTE, step="1m")


def test_raw_samples_are_a_long_frame(victoriametrics: VictoriaMetrics) -> None:
    """After the start, up to the end, at their own times; sorted; labels as columns."""
    source = load(
        victoriametrics,
        line("raw", [0, 1, 2, 3], node="b", step=pd.Timedelta(milliseconds=1500)),
        line("raw", [7], region="eu"),
    )
    with source:
        samples = source.samples("raw", start=DAY, end=DAY + pd.Timedelta(seconds=3))
        assert list(samples.columns) == ["time", "metric", "node", "value"]
        assert samples["value"].tolist() == [1, 2]
        assert [(time - DAY).total_seconds() for time in samples["time"]] == [1.5, 3.0]
        assert str(samples["time"].dtype) == "datetime64[us, UTC]"
        with pytest.raises(NoData):
            source.samples("raw", start=DAY + pd.Timedelta(days=3), end=DAY + pd.Timedelta(days=4))


def test_what_there_is_can_be_listed(fresh_victoriametrics: VictoriaMetrics) -> None:
    """Series, labels and values of all times, old data included; counts of a day; no metadata is an empty table."""
    source = load(
        fresh_victoriametrics,
        line("listed", [1.0], node="a", region="eu"),
        line("listed", [1.0], node="b"),
        line("other", [1.0]),
    )
    with source:
        assert source.series("listed") == [
            {"__name__": "listed", "node": "a", "region": "eu"},
            {"__name__": "listed", "node": "b"},
        ]
        assert source.series(['listed{node="b"}', "other"]) == [
            {"__name__": "listed", "node": "b"},
            {"__name__": "other"},
        ]
        assert source.labels() == ["__name__", "node", "region"]
        assert source.label_values("node") == ["a", "b"]
        assert source.label_values("__name__") == ["listed", "other"]
        counts = source.cardinality(date=DAY).set_index(["by", "name"])["series"]
        assert counts[("metric", "listed")] == 2
        assert counts[("pair", "node=a")] == 1
        assert list(source.metadata().columns) == ["metric", "type", "help", "unit"]
        assert source.instant("sum(listed)", at=DAY + MINUTE).to_numpy().tolist() == [[2.0]]
        with pytest.raises(NoData):
            source.instant("no_such_metric", at=DAY)


def test_a_server_says_what_it_is_and_since_when_it_has_samples(fresh_victoriametrics: VictoriaMetrics) -> None:
    """Retention is read off its flags; the oldest and the newest day are found by asking: 400 days and 1 day back."""
    today = pd.Timestamp.now(tz="UTC").floor("D")
    days = pd.Timedelta(days=1)
    with load(fresh_victoriametrics, line("daily", [1.0] * 400, first=today - 400 * days, step=days)) as source:
        told = source.info()
    assert told.kind == "VictoriaMetrics"
    assert told.retention == 100 * 365 * days
    assert told.oldest == today - 400 * days
    assert told.newest == today - 1 * days


def test_an_empty_server_has_no_oldest_sample(fresh_victoriametrics: VictoriaMetrics) -> None:
    """No samples: None, not a date."""
    with connect(fresh_victoriametrics.url) as source:
        told = source.info()
    assert (told.oldest, told.newest) == (None, None)
