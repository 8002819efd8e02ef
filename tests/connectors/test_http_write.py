"""Writing: each sample arrives once, and who is told so can rely on it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import orjson
import pandas as pd
import pytest

from capacity import frames
from capacity.errors import AuthFailed, SourceUnavailable, Unsupported, WriteUnverified
from connectors import connect
from connectors.victoriametrics import VictoriaMetrics as Source
from tests.support.badserver import Answer, BadServer, bad_server, reply, reset, silence
from tests.support.servers import VictoriaMetrics

DAY = pd.Timestamp("2024-11-22T00:00Z")
HOUR = pd.Timedelta(hours=1)
ODD = {"quote": 'a"b\\c', "break": "x\ny", "utf8": "höhe-日本", "dash-and.dot": "v", "empty": ""}


def written(metric: str, *, hours: int = 3) -> pd.DataFrame:
    """Return values 1, 2 … of one series, and of another one the same without the first."""
    times = frames.grid(DAY, DAY + hours * HOUR, HOUR)
    first = np.arange(1.0, hours + 1)
    second = np.where(first == 1, np.nan, first)
    return frames.wide(np.column_stack([first, second]), times=times, series=[ODD, {"node": "b"}], metric=metric)


@contextmanager
def flushing(server: VictoriaMetrics) -> Iterator[None]:
    """Make what arrives visible every now and then, so that a test need not wait for the server's own rhythm."""
    over = threading.Event()

    def flush() -> None:
        while not over.wait(0.2):
            server.flush()

    thread = threading.Thread(target=flush)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_verified_frame_is_there_when_write_returns(victoriametrics: VictoriaMetrics) -> None:
    """NaN is not sent; every label comes back as it was; the count is that of the samples; nothing is there twice."""
    frame = written("verified")
    with connect(victoriametrics.url) as source, flushing(victoriametrics):
        assert source.write(frame) == 5
        back = source.range("verified", start=DAY, end=DAY + 3 * HOUR)
        samples = source.samples("verified", start=DAY, end=DAY + 3 * HOUR)
    assert len(samples) == 5
    assert samples.attrs["provenance"]["metrics"]["verified"]["duplicates"] == 0
    assert sorted(map(sorted, map(dict.items, frames.series_labels(back)))) == sorted(
        map(sorted, map(dict.items, frames.series_labels(frame)))
    )
    assert sorted(back.sum().tolist()) == [5.0, 6.0]


def source_of(server: BadServer) -> Source:
    source = Source(server.url, attempts=1, timeout_s=0.3)
    source.write_patience_s = 0.5
    return source


def export(hours: list[int]) -> bytes:
    """Return an export of the series ``broken{node="a"}`` with the values of these hours."""
    stamps = [int((DAY + hour * HOUR).timestamp() * 1000) for hour in hours]
    metric = {"__name__": "broken", "node": "a"}
    return reply(200, orjson.dumps({"metric": metric, "values": hours, "timestamps": stamps}))


def broken() -> pd.DataFrame:
    times = frames.grid(DAY, DAY + 3 * HOUR, HOUR)
    return frames.wide([[1.0], [2.0], [3.0]], times=times, series=[{"node": "a"}], metric="broken")


def sent(server: BadServer) -> list[list[int]]:
    """Return the values of each body that was imported."""
    return [orjson.loads(asked.body)["values"] for asked in server.asked if asked.path == "/api/v1/import"]


@pytest.mark.parametrize("answer", [reset, silence, reply(503, "the queue is full")])
def test_what_arrived_before_the_connection_broke_is_not_sent_again(answer: Answer) -> None:
    """All three samples are there in spite of the error: one sending, no duplicate, no error."""
    with bad_server(answer, export([1, 2, 3])) as server, source_of(server) as source:
        assert source.write(broken()) == 3
    assert sent(server) == [[1.0, 2.0, 3.0]]


def test_only_what_is_missing_is_sent_again() -> None:
    """The connection broke after the first sample; time passes without the others: these two are sent, alone."""
    with bad_server(reset, *[export([1])] * 3, reply(204), export([1, 2, 3])) as server, source_of(server) as source:
        source.write_patience_s = 0.3
        assert source.write(broken()) == 3
    assert sent(server) == [[1.0, 2.0, 3.0], [2.0, 3.0]]


def test_success_that_stored_nothing_is_told_and_not_repeated() -> None:
    """204 is also the answer to what is dropped: after the time allowed, WriteUnverified, and one sending."""
    with (
        bad_server(reply(204), export([1])) as server,
        source_of(server) as source,
        pytest.raises(WriteUnverified, match="2 of 3 samples"),
    ):
        source.write(broken())
    assert sent(server) == [[1.0, 2.0, 3.0]]


def test_another_value_at_the_same_time_does_not_count() -> None:
    """An older sample stands where ours should be: ours is missing."""
    older = reply(200, export([1, 2, 3]).split(b"\r\n\r\n", 1)[1].replace(b"[1,2,3]", b"[1,2,9]"))
    with (
        bad_server(reply(204), older) as server,
        source_of(server) as source,
        pytest.raises(WriteUnverified, match="1 of 3"),
    ):
        source.write(broken())


def test_who_may_not_write_is_told_at_once() -> None:
    """A rejection needs no waiting, and no reading back."""
    with bad_server(reply(401, "no")) as server, source_of(server) as source, pytest.raises(AuthFailed):
        source.write(broken())
    assert len(server.asked) == 1


def test_unverified_writing_tells_its_errors_too() -> None:
    """Not verified: the error of the connection comes out as it is."""
    with bad_server(reset) as server, source_of(server) as source, pytest.raises(SourceUnavailable):
        source.write(broken(), verify=False)


def test_prometheus_cannot_be_written_to() -> None:
    """It has no import: said so, nothing sent."""
    with connect("prometheus+http://127.0.0.1:9") as source, pytest.raises(Unsupported, match="written"):
        source.write(broken())
