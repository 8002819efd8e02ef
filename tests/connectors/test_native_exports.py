"""Raw samples by the native stream and as JSON lines: the same, bit for bit, and each where it is the faster one."""

from __future__ import annotations

import json
import lzma
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity.errors import ResultTruncated, SourceUnavailable
from capacity.frames import EPOCH
from connectors import connect
from connectors.decode import export_line
from connectors.exports import Exports
from connectors.native import read as read_native
from connectors.planner import Way
from connectors.samples import Raw, gathered
from connectors.victoriametrics import VictoriaMetrics as Source
from connectors.wire import Request, Response, over_the_network
from tests.support import native_stream as wire
from tests.support import servers
from tests.support.badserver import bad_server, chunked, cut, reply

RECORDINGS = Path(__file__).parents[1] / "data" / "recordings"
DAY = pd.Timestamp("2024-11-22T00:00Z")
DAY_MS = int(DAY.timestamp() * 1000)
MINUTE_MS = 60_000
ROWS = 9_000
"""More than one block has."""

CPU = {"__name__": "cpu", "node": "a"}
LINE = json.dumps({"metric": CPU, "values": [1, 2], "timestamps": [DAY_MS + 1000, DAY_MS + 2000]}).encode()
STREAM = wire.stream([(CPU, wire.Block([DAY_MS + 1000, DAY_MS + 2000], [1, 2]))])
WINDOW = {"start": DAY, "end": DAY + pd.Timedelta(hours=1)}


def entry(name: str, values: Sequence[float], times: Sequence[int], **labels: str) -> bytes:
    """Return a line to import."""
    return json.dumps({"metric": {"__name__": name, **labels}, "values": values, "timestamps": times}).encode()


def awkward(job: str) -> bytes:
    """Return series that have whatever a sample, a time or a label can have, as lines to import."""
    draw = np.random.default_rng(7)
    grid = [DAY_MS + MINUTE_MS * i for i in range(ROWS)]
    dense = [DAY_MS + 1000 * i for i in range(ROWS)]
    jittered = [int(time + late) for time, late in zip(grid, draw.integers(0, 900, ROWS), strict=True)]
    rows = [
        ("level", np.round(50 + draw.normal(size=ROWS), 2).tolist(), grid),
        ("steps", draw.integers(0, 1000, ROWS).cumsum().tolist(), grid),
        ("digits", draw.normal(size=ROWS).tolist(), jittered),
        ("dense", np.round(draw.normal(size=ROWS), 3).tolist(), dense),
        ("constant", [42.5] * ROWS, grid),
        ("line", [0.25 * i for i in range(ROWS)], grid),
        ("tiny", (draw.normal(size=500) * 1e-300).tolist(), grid[:500]),
        ("huge", (draw.normal(size=500) * 1e300).tolist(), grid[:500]),
        ("mixed", [1e-20, 1e20, 0, -0.0, 3] * 100, grid[:500]),
        ("one", [3.25], grid[:1]),
    ]
    lines = [entry(f"raw_{name}", values, times, job=job) for name, values, times in rows]
    odd = {"ctrl": "x\x01y\x00z\x02", "quote": 'a"b\\c', "html": "<b>&amp;</b>", "utf8": "höhe-日本", "job": job}
    infinite = f'{{"metric":{{"__name__":"raw_infinite","job":"{job}"}},"values":[1,1e999,-1e999,2],'
    infinite += f'"timestamps":{json.dumps(grid[:4])}}}'
    return b"\n".join([*lines, entry("raw_odd", [1, 2], grid[:2], **odd), infinite.encode()])


def marked(job: str) -> bytes:
    """Return series with stale markers and doubles, as a native stream: older versions take no markers as lines."""
    rows = [
        ("stale", [1, wire.STALE, 2, wire.STALE, wire.STALE, 3], range(6)),
        ("doubles", [9, 1, 2, 2, wire.STALE, 5, 7], (0, 0, 1, 1, 2, 2, 3)),
    ]
    blocks = [(name, wire.Block([DAY_MS + MINUTE_MS * at for at in minutes], values)) for name, values, minutes in rows]
    return wire.stream([({"__name__": f"raw_{name}", "job": job}, block) for name, block in blocks], new=False)


def load(server: servers.VictoriaMetrics, job: str) -> None:
    """Store everything awkward, visible on return."""
    server.post("/api/v1/import/native", marked(job))
    server.import_lines(awkward(job))


def both(source: Source, selector: str, first: int, last: int, *, stale: bool) -> tuple[Raw, Raw]:
    """Ask for the samples between two times in ms in both ways."""
    exports = Exports(source.client, name=source.name)
    between = [EPOCH + pd.Timedelta(time, unit="ms") for time in (first, last)]
    one, other = (exports.raw(selector, *between, stale=stale, way=way) for way in (Way.NATIVE, Way.LINES))
    assert exports.native
    return one, other


def assert_same(one: Raw, other: Raw) -> None:
    assert one.keys == other.keys
    assert one.doubles == other.doubles
    for (_, times, values), (_, their_times, their_values) in zip(one, other, strict=True):
        np.testing.assert_array_equal(times, their_times)
        np.testing.assert_array_equal(values.view(np.int64), their_values.view(np.int64))


@pytest.mark.parametrize("folder", ["single-1.79.5", "single-1.150", "cluster-1.150"])
def test_recorded_streams_are_the_recorded_lines(folder: str) -> None:
    """31,449 samples of 15 series, in the layouts before and since 1.82: five doubles in each."""
    lines = lzma.decompress((RECORDINGS / "single-1.150" / "export_jsonl.body.xz").read_bytes()).splitlines()
    as_lines = gathered((export_line(line, source="", query="") for line in lines), stale=True)
    native = read_native([(RECORDINGS / folder / "export_native.body").read_bytes()], stale=True)
    assert_same(native, as_lines)
    assert (len(native.keys), len(native.values), native.doubles) == (15, 31_449, 5)


def test_a_real_server_gives_the_same_in_both_ways(victoriametrics: servers.VictoriaMetrics) -> None:
    """Blocks of every kind, markers, infinities, doubles, odd labels."""
    load(victoriametrics, "both")
    with Source(victoriametrics.url) as source:
        for stale in (True, False):
            one, other = both(source, '{job="both"}', DAY_MS, DAY_MS + MINUTE_MS * ROWS, stale=stale)
            assert_same(one, other)
    assert len(one.keys) == 14
    assert one.doubles == 3


def test_a_server_that_drops_digits_gives_the_same(
    start_victoriametrics: Callable[..., servers.VictoriaMetrics],
) -> None:
    """With 8 bits of precision times are restored from what up to 1.81 only lines have: these are asked for then."""
    server = start_victoriametrics("-precisionBits=8")
    load(server, "lossy")
    window = {"start": DAY - pd.Timedelta(minutes=1), "end": DAY + pd.Timedelta(days=10)}
    with Source(server.url) as source:
        frame = source.samples('raw_digits{job="lossy"}', **window)
        _, lines = both(source, 'raw_digits{job="lossy"}', DAY_MS, DAY_MS + MINUTE_MS * ROWS, stale=False)
    assert ((frame["time"] - EPOCH) // pd.Timedelta(1, unit="ms")).tolist() == lines.times[0].tolist()
    assert frame["value"].tolist() == lines.values.tolist()


def test_what_is_kept_of_an_instant_and_of_markers(victoriametrics: servers.VictoriaMetrics) -> None:
    """Of 9 and 1 the 9, of 2 and 2 one, of a marker and 5 the 5; markers are left out, or NaN where asked for."""
    load(victoriametrics, "kept")
    with connect(victoriametrics.url) as source:
        window = {"start": DAY - pd.Timedelta(minutes=1), "end": DAY + pd.Timedelta(minutes=6)}
        frame = source.samples('raw_doubles{job="kept"}', **window)
        assert frame["value"].tolist() == [9, 2, 5, 7]
        assert frame.attrs["provenance"]["metrics"]["raw_doubles"]["duplicates"] == 3
        assert source.samples('raw_stale{job="kept"}', **window)["value"].tolist() == [1, 2, 3]
        kept = source.samples('raw_stale{job="kept"}', stale=True, **window)["value"].tolist()
        assert np.array_equal(kept, [1, np.nan, 2, np.nan, np.nan, 3], equal_nan=True)
        assert source.samples('raw_infinite{job="kept"}', **window)["value"].tolist() == [1, np.inf, -np.inf, 2]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(-10, ROWS * MINUTE_MS), st.integers(0, ROWS * MINUTE_MS), st.booleans())
def test_any_window_is_the_same_in_both_ways(
    victoriametrics: servers.VictoriaMetrics, begin: int, span: int, stale: bool
) -> None:
    """Wherever it begins and ends, inside of blocks too."""
    with Source(victoriametrics.url) as source:
        selector = '{job="windows"}'
        if not source.series(selector):
            load(victoriametrics, "windows")
        assert_same(*both(source, selector, DAY_MS + begin, DAY_MS + begin + span, stale=stale))


@pytest.mark.parametrize(
    ("windows", "ways"),
    [
        # 10 points of a block of 8,192 rows: lines, at once; from then on it is known, also for shorter windows
        ([("level", 10), ("level", 10), ("level", 5)], [["export"]] * 3),
        # longer than what is taken for short: the first blocks tell
        ([("many", 100), ("many", 100), ("many", 50)], [["native", "export"], ["export"], ["export"]]),
        # so few that they are all there after the look: what it showed holds for the next time
        ([("level", 100), ("level", 100)], [["native"], ["export"]]),
        ([("level", 2500), ("level", 2500), ("level", 3000), ("level", 1)], [["native"]] * 4),
        # a sample a second: 840 points in 14 minutes are too many for lines, which their first one shows
        ([("dense", 14), ("dense", 14), ("dense", 15)], [["export", "native"], ["native"], ["native"]]),
        # 120 points: the lines are gone on with, and the next time the blocks are looked at
        ([("dense", 2), ("dense", 2)], [["export"], ["native"]]),
    ],
)
def test_each_window_comes_in_the_way_that_is_faster(
    victoriametrics: servers.VictoriaMetrics, windows: list[tuple[str, int]], ways: list[list[str]]
) -> None:
    """An unknown short window begins as lines, a longer one natively; what the beginning shows is remembered."""
    minutes = [DAY_MS + MINUTE_MS * at for at in range(ROWS)]
    many = [entry("raw_many", list(range(ROWS)), minutes, job="ways", number=str(number)) for number in range(30)]
    with Source(victoriametrics.url) as source:
        if not source.series('{job="ways"}'):
            load(victoriametrics, "ways")
            victoriametrics.import_lines(b"\n".join(many))
    send = over_the_network(urllib3.PoolManager())
    asked: list[str] = []

    def noted(request: Request) -> Response:
        asked.append(urlsplit(request.url).path)
        return send(request)

    def way(name: str, minutes: int) -> list[str]:
        asked.clear()
        end = DAY + pd.Timedelta(minutes=20 if name == "dense" else 3000)
        frame = source.samples(f'raw_{name}{{job="ways"}}', start=end - pd.Timedelta(minutes=minutes), end=end)
        assert len(frame) == minutes * {"level": 1, "dense": 60, "many": 30}[name]
        return [path.rpartition("/")[2] for path in asked if "export" in path]

    with Source(victoriametrics.url, send=noted) as source:
        assert [way(*window) for window in windows] == ways


@pytest.mark.parametrize(
    "answer",
    [reply(404, "404 page not found"), reply(400, "unsupported path requested"), reply(200, STREAM[:-3] + b"\x7f" * 3)],
)
def test_what_cannot_be_read_natively_is_asked_for_as_lines(answer: bytes) -> None:
    """No such path, or a layout that is not known: lines, at once and from then on."""
    with bad_server(answer, reply(200, LINE)) as server, connect(server.url, attempts=1) as source:
        for _ in range(2):
            assert source.samples("cpu", **WINDOW)["value"].tolist() == [1, 2]
    paths = [asked.path.rpartition("/")[2] for asked in server.asked]
    assert paths == ["native", "export", "export"]


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (chunked(STREAM, whole=False), ResultTruncated, "too early"),
        (chunked(STREAM[:-1]), ResultTruncated, "in the middle of a block"),
        (chunked(STREAM, b"remoteAddr: 1.2.3.4; timeout exceeded\n"), ResultTruncated, "timeout exceeded"),
        (cut(reply(200, STREAM), missing=5), ResultTruncated, "too early"),
        (chunked(), ResultTruncated, "ended"),
        (reply(503, "cannot open the index"), SourceUnavailable, "cannot open the index"),
    ],
)
def test_a_native_stream_that_is_not_whole_gives_no_frame(answer: bytes, error: type[Exception], said: str) -> None:
    """Cut by the connection, behind a block or in one, ended in words, empty, refused: an error, and no second try."""
    with (
        bad_server(answer) as server,
        connect(server.url, attempts=1) as source,
        pytest.raises(error, match=said),
    ):
        source.samples("cpu", **WINDOW)
    assert len(server.asked) == 1


def test_a_whole_native_stream_is_a_frame() -> None:
    """The faults above are not simply everything; with 300 samples no lines are asked for."""
    values = list(range(300))
    body = wire.stream([(CPU, wire.Block([DAY_MS + 1000 * (1 + value) for value in values], values))])
    with bad_server(chunked(body[:20], body[20:])) as server, connect(server.url, attempts=1) as source:
        assert source.samples("cpu", **WINDOW)["value"].tolist() == values
    assert len(server.asked) == 1
    assert server.asked[0].params == {
        "match[]": "cpu",
        "start": f"{DAY_MS // 1000}.001",
        "end": f"{DAY_MS // 1000 + 3600}.000",
    }
