"""Faults that need a real server, or time: killed, restarted, backfilled, late; a deadline, and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import urllib3

from capacity.errors import QueryRejected, ResultTruncated, SourceUnavailable, Unsupported
from capacity.provenance import read
from connectors import connect
from connectors.servers import Met, seams
from connectors.victoriametrics import VictoriaMetrics as Source
from connectors.wire import Request, Response, over_the_network
from tests.support.badserver import bad_server, chunked, reply, silence, trickle
from tests.support.checkout import BIN, ROOT
from tests.support.servers import VictoriaMetrics, victoriametrics_server
from tests.support.tools import find_tool

START = pd.Timestamp("2024-11-20T00:00Z")
HOUR, DAY = pd.Timedelta(hours=1), pd.Timedelta(days=1)


def lines(metric: str, *, series: int, minutes: int, start: pd.Timestamp = START) -> bytes:
    """Return noisy series, a sample a minute, as lines to import."""
    rng = np.random.default_rng(0)
    stamps = (int(start.timestamp() * 1000) + 60_000 * np.arange(minutes)).tolist()
    rows = [
        {
            "metric": {"__name__": metric, "n": str(n)},
            "values": rng.normal(0, 1, minutes).tolist(),
            "timestamps": stamps,
        }
        for n in range(series)
    ]
    return "\n".join(json.dumps(row) for row in rows).encode()


# Killed and restarted ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["samples", "range"])
def test_a_server_killed_in_mid_stream_gives_no_frame(fresh_victoriametrics: VictoriaMetrics, verb: str) -> None:
    """SIGKILL after the first piece of a long answer: an error, not the series that had come by then."""
    fresh_victoriametrics.import_lines(lines("killed", series=150, minutes=10_000))
    pool = urllib3.PoolManager(retries=False)
    through = over_the_network(pool)

    def send(request: Request) -> Response:
        answer = through(request)
        data = "export" in request.url or "query" in request.url
        return Response(
            answer.status, answer.headers, _then_kill(answer.pieces) if data else answer.pieces, answer.framed
        )

    def _then_kill(pieces: Iterator[bytes]) -> Iterator[bytes]:
        for number, piece in enumerate(pieces):
            if number == 0:
                fresh_victoriametrics.process.kill()
                fresh_victoriametrics.process.wait()
            yield piece

    asked = {"start": START - HOUR, "end": START + 7 * DAY}
    with Source(fresh_victoriametrics.url, send=send, attempts=2, backoff_s=0.01) as source:
        ask: dict[str, Callable[[], object]] = {
            "samples": lambda: source.samples("killed", **asked),  # type: ignore[arg-type]
            "range": lambda: source.range("killed", **asked, step="1m", aggregate="max"),  # type: ignore[arg-type]
        }
        with pytest.raises((ResultTruncated, SourceUnavailable)):
            ask[verb]()
    pool.clear()


def test_a_server_restarted_between_windows_is_not_noticed(tmp_path: Path) -> None:
    """Stopped after the first of four windows, and started again on its port: the frame is that of a steady server."""
    with victoriametrics_server(tmp_path) as first:
        first.import_lines(lines("restarted", series=3, minutes=400))
        port = first.url.rpartition(":")[2]
        asked = {"start": START - HOUR, "end": START + 7 * HOUR, "step": "1m", "aggregate": "max"}
        with connect(first.url) as steady:
            expected = steady.range("restarted", **asked)
        binary = str(find_tool("victoria-metrics"))
        flags = [f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={tmp_path / 'data'}", "-retentionPeriod=100y"]
        again: list[subprocess.Popen[bytes]] = []

        def restart(done: int, _total: int, _what: str) -> None:
            if done == 1 and not again:
                first.process.terminate()
                first.process.wait(20)
                quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                again.append(subprocess.Popen([binary, *flags], **quiet))  # type: ignore[call-overload]

        try:
            with connect(first.url, max_points=120, attempts=12, backoff_s=0.05) as source:
                frame = source.range("restarted", **asked, progress=restart)
        finally:
            for process in again:
                process.kill()
                process.wait()
    assert again
    pd.testing.assert_frame_equal(frame, expected)


# Late and stale ------------------------------------------------------------------------------------------------------


def test_a_backfill_is_in_the_next_answer(fresh_victoriametrics: VictoriaMetrics) -> None:
    """Asked, backfilled, asked again: no result cache of the server stands in between."""
    end = START + 6 * HOUR
    fresh_victoriametrics.import_lines(lines("backfilled", series=1, minutes=180))
    with connect(fresh_victoriametrics.url) as source:
        before = source.range("backfilled", start=START, end=end, step="1m", aggregate="last")
        late = lines("backfilled", series=1, minutes=180, start=START + 3 * HOUR)
        fresh_victoriametrics.post("/api/v1/import", late)
        fresh_victoriametrics.post("/internal/force_flush")
        after = source.range("backfilled", start=START, end=end, step="1m", aggregate="last")
    assert before.notna().sum().tolist() == [179]
    assert after.notna().sum().tolist() == [359]


def test_late_samples_of_the_last_step_are_not_missed(fresh_victoriametrics: VictoriaMetrics) -> None:
    """A step that was over less than 30 s ago is left out and told: what comes late is in the next answer."""
    with connect(fresh_victoriametrics.url) as source:
        now = source.now()
        stamps = [int((now - n * pd.Timedelta(seconds=10)).timestamp() * 1000) for n in range(60, -1, -1)]
        row = {"metric": {"__name__": "late"}, "values": [1] * len(stamps), "timestamps": stamps}
        fresh_victoriametrics.import_lines(json.dumps(row).encode())
        frame = source.range("late", start=now - 10 * HOUR / 60, end=now + HOUR, step="1m", aggregate="count")
        assert frame.index[-1] <= source.now() - pd.Timedelta(seconds=30)
        assert frame.iloc[-1, 0] == 6
        assert any("not finished" in note for note in read(frame)["late"].notes)


@pytest.mark.parametrize("offset", [1, -1])
def test_a_clock_that_is_off_is_told_and_followed(offset: int) -> None:
    """An hour ahead or behind: what is finished is told by the server's clock, and provenance says so."""
    now = pd.Timestamp.now(tz="UTC")
    theirs = now + offset * HOUR
    at = theirs.floor("h")
    values = [[int((at - 2 * HOUR).timestamp()), "1"]]
    series = {"metric": {"__name__": "m"}, "values": values}
    answer = {"status": "success", "data": {"resultType": "matrix", "result": [series]}}
    vector = {"status": "success", "data": {"resultType": "vector", "result": []}}
    date = {"Date": theirs.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    with bad_server(reply(200, vector, date), reply(200, answer, date)) as server, connect(server.url) as source:
        with pytest.raises(Exception, match="no series"):
            source.instant("m", at=at)
        frame = source.range("m", start=at - 4 * HOUR, end=at + 10 * HOUR)
    assert at - HOUR <= frame.index[-1] <= at
    assert any("clock differs" in note for note in read(frame)["m"].notes)


def test_doubles_at_a_seam_are_one_and_counted(fresh_victoriametrics: VictoriaMetrics) -> None:
    """A replica wrote a window's last sample again, with a bigger value: one sample, the biggest, one double."""
    fresh_victoriametrics.import_lines(lines("doubled", series=1, minutes=120))
    at = int((START + HOUR).timestamp() * 1000)
    row = {"metric": {"__name__": "doubled", "n": "0"}, "values": [99], "timestamps": [at]}
    fresh_victoriametrics.import_lines(json.dumps(row).encode())
    with connect(fresh_victoriametrics.url) as source:
        frame = source.samples("doubled", start=START - HOUR, end=START + 2 * HOUR)
        assert frame.loc[frame["time"] == START + HOUR, "value"].tolist() == [99.0]
        assert (len(frame), read_duplicates(frame)) == (120, 1)
        split = connect(fresh_victoriametrics.url, max_points=60)
        asked = {"start": START, "end": START + 2 * HOUR, "step": "1m", "aggregate": "max"}
        with split:
            pd.testing.assert_frame_equal(split.range("doubled", **asked), source.range("doubled", **asked))


def read_duplicates(frame: pd.DataFrame) -> int:
    return int(frame.attrs["provenance"]["metrics"]["doubled"]["duplicates"])


def test_an_english_line_after_whole_lines_is_an_error() -> None:
    """The old server's time-out: whole lines, then a sentence, and a clean end with status 200."""
    whole = b'{"metric":{"__name__":"m"},"values":[1],"timestamps":[1732237200000]}\n'
    sentence = b"error when exporting data on the time range: timeout exceeded\n"
    with (
        bad_server(chunked(whole * 3, sentence)) as server,
        connect(server.url, attempts=1) as source,
        pytest.raises(ResultTruncated, match="timeout exceeded"),
    ):
        source.samples("m", start="2024-11-22", end="2024-11-23")


def test_a_servers_own_downsampling_is_a_seam() -> None:
    """-downsampling.period=30d:5m,180d:1h: two instants before which peaks are lost; in a short window none."""
    now = pd.Timestamp("2026-11-01T00:00Z")
    met = Met("VictoriaMetrics", limits={"downsampling.period": "30d:5m,180d:1h"})
    assert seams(met, start=now - 365 * DAY, end=now, now=now) == (
        "2026-10-02T00:00:00+00:00: before it the server keeps the last sample of every 5m alone",
        "2026-05-05T00:00:00+00:00: before it the server keeps the last sample of every 1h alone",
    )
    assert seams(met, start=now - 7 * DAY, end=now, now=now) == ()
    assert seams(Met("VictoriaMetrics"), start=now - 365 * DAY, end=now, now=now) == ()


# Time ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [silence, trickle, reply(503, "later")])
def test_a_whole_pull_has_a_deadline(answer: object, tmp_path: Path) -> None:
    """Six resources, each of which could take a minute: after half a second the pull fails, and nothing is kept."""
    begun = time.monotonic()
    with (
        bad_server(answer) as server,  # type: ignore[arg-type]
        connect(server.url, timeout_s=60, attempts=1000) as source,
        pytest.raises(SourceUnavailable),
    ):
        source.pull("dwcp", as_of="2024-11-20", into=tmp_path, deadline="0.5s")
    assert time.monotonic() - begun < 5
    assert list(tmp_path.glob("*.parquet")) == []
    assert not (tmp_path / "manifest.json").exists()


def test_ctrl_c_leaves_no_thread_and_no_half_snapshot(tmp_path: Path) -> None:
    """SIGINT in the middle of a pull: exit 130 at once, in one line; the snapshot that was there is as it was."""
    connect("demo:").pull("dwcp", resources="cpu", window="2d", into=tmp_path / "kept")
    before = {file.name: file.read_bytes() for file in (tmp_path / "kept").iterdir()}
    asked = threading.Event()

    def wait(connection: object) -> None:
        asked.set()
        silence(connection)  # type: ignore[arg-type]

    with bad_server(wait) as server:
        child = subprocess.Popen(
            [BIN / "capacity", "pull", "--source", server.url, "--into", tmp_path / "kept"],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert asked.wait(30)
        child.send_signal(signal.SIGINT)
        out, said = child.communicate(timeout=10)
    assert (child.returncode, out, said) == (130, "", "capacity: interrupted\n")
    assert {file.name: file.read_bytes() for file in (tmp_path / "kept").iterdir()} == before


INTERRUPTED = """
import os, signal, sys, threading
from connectors import connect
source = connect(sys.argv[1])
threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    source.range("m", start="2024-11-20", end="2024-11-27", step="1s")
except KeyboardInterrupt:
    source.close()
    print([thread.name for thread in threading.enumerate() if thread is not threading.main_thread()])
"""


def test_ctrl_c_in_a_notebook_leaves_no_thread() -> None:
    """KeyboardInterrupt in a range that is asked for in many windows: nothing runs on behind it."""
    with bad_server(silence) as server:
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED, server.url],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert done.stdout.strip() == "[]"


# What is known -------------------------------------------------------------------------------------------------------


def test_how_far_back_samples_go_and_which_season_is_knowable(fresh_victoriametrics: VictoriaMetrics) -> None:
    """One series of three years by the week, one of ten days: yearly season for one, weekly at most for the other."""
    now = pd.Timestamp.now(tz="UTC")
    rows = []
    for name, ages in (("long", range(1100, -1, -1)), ("short", range(10, -1, -1))):
        stamps = [int((now - age * DAY).timestamp() * 1000) for age in ages]
        rows.append({"metric": {"__name__": name}, "values": [1] * len(stamps), "timestamps": stamps})
    fresh_victoriametrics.import_lines("\n".join(json.dumps(row) for row in rows).encode())
    with connect(fresh_victoriametrics.url) as source:
        whole, short = source.retention(), source.retention("short")
        info = source.info()
        with pytest.raises(QueryRejected, match="no selector of series"):
            source.retention("sum(short)")
    assert (whole.yearly, whole.weekly, short.yearly, short.weekly) == (True, True, False, False)
    assert whole.oldest == (now - 1100 * DAY).floor("D")
    assert short.oldest == (now - 10 * DAY).floor("D")
    assert "no yearly season can be known" in str(short)
    assert info.limits["search.maxPointsPerTimeseries"] == "30000"
    assert info.limits["search.latencyOffset"] == "30s"


def test_a_month_of_retention_can_never_show_a_year(start_victoriametrics: Callable[..., VictoriaMetrics]) -> None:
    """An empty server that keeps a month: no yearly season, without any sample; the demo knows no selectors."""
    with connect(start_victoriametrics("-retentionPeriod=1").url) as source:
        told = source.retention()
    assert (told.yearly, told.weekly, told.oldest) == (False, None, None)
    with pytest.raises(Unsupported):
        connect("demo:").retention("m")
