"""A server that answers badly: every fault is an error of its own kind, and no frame comes out of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from capacity.errors import (
    AuthFailed,
    CapacityError,
    PartialResult,
    QueryRejected,
    RateLimited,
    ResultTooLarge,
    ResultTruncated,
    SourceError,
    SourceUnavailable,
    Unsupported,
)
from connectors import Source, connect
from tests.support.badserver import (
    Answer,
    bad_server,
    chunked,
    cut,
    reply,
    reset,
    silence,
    trickle,
    until_closed,
    zipped,
)

START, END = "2024-11-22T00:00Z", "2024-11-22T03:00Z"
FIRST_S = 1732237200  # 2024-11-22T01:00Z

SERIES = {"metric": {"__name__": "m", "node": "a"}}
MATRIX = {
    "status": "success",
    "data": {"resultType": "matrix", "result": [{**SERIES, "values": [[FIRST_S, "1"], [FIRST_S + 3600, "2"]]}]},
}
VECTOR = {"status": "success", "data": {"resultType": "vector", "result": [{**SERIES, "value": [FIRST_S, "1"]}]}}
LINE = b'{"metric":{"__name__":"m","node":"a"},"values":[1,2],"timestamps":[1732237200000,1732240800000]}\n'
LIST = {"status": "success", "data": ["a", "b"]}

VERBS: dict[str, Callable[[Source], object]] = {
    "range": lambda source: source.range("m", start=START, end=END),
    "instant": lambda source: source.instant("m", at=END),
    "samples": lambda source: source.samples("m", start=START, end=END),
    "series": lambda source: source.series("m", start=START, end=END),
    "labels": lambda source: source.labels(start=START, end=END),
    "label_values": lambda source: source.label_values("node", start=START, end=END),
    "cardinality": lambda source: source.cardinality(date=END),
}

FAULTS: dict[str, tuple[Answer, type[SourceError]]] = {
    "401": (reply(401, "who are you"), AuthFailed),
    "403": (reply(403, "not you"), AuthFailed),
    "404": (reply(404, "404 page not found"), Unsupported),
    "405": (reply(405, ""), Unsupported),
    "no such path in VictoriaMetrics": (reply(400, 'unsupported path requested: "/api"'), Unsupported),
    "302": (reply(302, "", {"Location": "http://login.example/"}), Unsupported),
    "413": (reply(413, "too large"), ResultTooLarge),
    "422": (reply(422, {"status": "error", "errorType": "422", "error": "cannot parse it"}), QueryRejected),
    "400 in plain text": (reply(400, "cannot parse it"), QueryRejected),
    "400 that breaks off": (cut(reply(400, "cannot parse it, because"), missing=5), QueryRejected),
    "429": (reply(429, "slow down"), RateLimited),
    "503 in plain text": (reply(503, "the queue is full"), SourceUnavailable),
    "503 with Retry-After": (reply(503, "wait", {"Retry-After": "7"}), RateLimited),
    "500": (reply(500, "panic"), SourceUnavailable),
    "502 from a proxy": (reply(502, "<html><body>Bad <b>Gateway</b></body></html>"), SourceUnavailable),
    "reset": (reset, SourceUnavailable),
    "closed without a word": (b"", SourceUnavailable),
    "silence": (silence, SourceUnavailable),
    "trickling for ever": (trickle, SourceUnavailable),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", SourceUnavailable),
    "body cut short": (cut(reply(200, MATRIX), missing=10), ResultTruncated),
    "cut within a chunk": (cut(chunked(LINE, LINE), missing=12), ResultTruncated),
    "cut between chunks": (chunked(LINE, LINE, whole=False), ResultTruncated),
    "gzip cut short": (zipped(LINE * 50, missing=9), ResultTruncated),
    "gzip that is none": (reply(200, LINE, {"Content-Encoding": "gzip"}), ResultTruncated),
    "an encoding that nobody asked for": (reply(200, LINE, {"Content-Encoding": "br"}), ResultTruncated),
    "a web page": (reply(200, "<!doctype html><html></html>"), ResultTruncated),
    "half a document": (
        reply(200, b'{"status":"success","data":{"resultType":"matrix","result":[{"met'),
        ResultTruncated,
    ),
    "an English line at the end": (
        chunked(b'{"metric":{"__na', b"error when exporting data: timeout\n"),
        ResultTruncated,
    ),
}

DOCUMENT_FAULTS: dict[str, tuple[Answer, type[SourceError]]] = {
    "nothing": (reply(200, b""), ResultTruncated),
    "another document": (reply(200, [1, 2]), ResultTruncated),
    "isPartial": (reply(200, {**MATRIX, "isPartial": True}), PartialResult),
    "an error under status 200": (reply(200, {"status": "error", "error": "no"}), QueryRejected),
}

CASES = [(fault, verb) for fault in FAULTS for verb in VERBS] + [
    (fault, verb) for fault in DOCUMENT_FAULTS for verb in VERBS if verb != "samples"
]


def impatient(url: str, **options: object) -> Source:
    return connect(url, **{"attempts": 1, "timeout_s": 0.3, "deadline_s": 0.6, **options})


@pytest.mark.parametrize(("fault", "verb"), CASES, ids=[f"{fault}: {verb}" for fault, verb in CASES])
def test_each_fault_is_an_error_of_its_kind(fault: str, verb: str) -> None:
    """Whatever goes wrong on the way comes out as one line of the right class, and never as a frame."""
    answer, kind = {**FAULTS, **DOCUMENT_FAULTS}[fault]
    with bad_server(answer) as server, impatient(server.url) as source, pytest.raises(CapacityError) as caught:
        VERBS[verb](source)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)
    assert server.url in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([[FIRST_S + 1, "1"]], "off the grid"),
        ([[FIRST_S - 3600, "1"]], "before the first instant"),
        ([[FIRST_S + 7200 + 3600, "1"]], "after the last instant"),
        ([[FIRST_S]], "no value"),
        ([[FIRST_S, "one"]], "no number"),
        ("12", "no list"),
    ],
)
def test_values_at_other_instants_are_refused(values: object, why: str) -> None:
    """A value that is not at an instant that was asked for is an error, not a value at the next instant."""
    document = {"status": "success", "data": {"resultType": "matrix", "result": [{**SERIES, "values": values}]}}
    with (
        bad_server(reply(200, document)) as server,
        impatient(server.url) as source,
        pytest.raises(ResultTruncated, match="known form"),
    ):
        source.range("m", start=START, end=END)


def test_an_export_must_say_where_it_ends() -> None:
    """Lines that end with the connection may have been cut between two of them: refused."""
    with (
        bad_server(until_closed(LINE)) as server,
        impatient(server.url) as source,
        pytest.raises(ResultTruncated, match="whole"),
    ):
        source.samples("m", start=START, end=END)


def test_whole_answers_are_read_in_every_wrapping() -> None:
    """Length, chunks, gzip: the same frame; the faults above are not simply everything."""
    body = reply(200, MATRIX).split(b"\r\n\r\n", 1)[1]
    seen = []
    for answer in (reply(200, body), chunked(body[:50], body[50:]), zipped(body), until_closed(body)):
        with bad_server(answer) as server, impatient(server.url) as source:
            seen.append(source.range("m", start=START, end=END).to_numpy().ravel().tolist())
    assert [values[:2] for values in seen] == [[1.0, 2.0]] * 4
    with bad_server(chunked(LINE[:30], LINE[30:] + LINE[:10], LINE[10:])) as server, impatient(server.url) as source:
        samples = source.samples("m", start=START, end=END)
    assert samples["value"].tolist() == [1.0, 2.0]
    assert samples.attrs["provenance"]["metrics"]["m"]["duplicates"] == 2


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1", "connection refused"),
        ("http://no-such-host.invalid:8428", "host name is not known"),
    ],
)
def test_a_server_that_is_not_there_is_said_in_one_line(url: str, said: str) -> None:
    """Wrong port and wrong name: one line that says which, and what to check."""
    with impatient(url) as source, pytest.raises(SourceUnavailable, match=f"{said}.*Check") as caught:
        source.range("m", start=START, end=END)
    assert "\n" not in str(caught.value)


def test_https_to_a_plain_port_is_told_as_tls() -> None:
    """A TLS failure names TLS, and says to check https against http."""
    with (
        bad_server(b"HTTP/1.1 400 Bad\r\n\r\n") as server,
        impatient(server.url.replace("http:", "https:")) as source,
        pytest.raises(SourceUnavailable, match="TLS failed"),
    ):
        source.range("m", start=START, end=END)


def test_what_is_retryable_is_tried_again() -> None:
    """Two bad answers and a good one give the frame; each attempt asks the same."""
    with (
        bad_server(reply(503, "later"), reset, reply(200, MATRIX)) as server,
        connect(server.url, backoff_s=0.01) as source,
    ):
        frame = source.range("m", start=START, end=END)
    assert frame.iloc[:2, 0].tolist() == [1.0, 2.0]
    assert len({(asked.method, asked.path, asked.body) for asked in server.asked}) == 1
    assert len(server.asked) == 3


def test_a_connection_that_the_server_closed_meanwhile_is_replaced() -> None:
    """Kept open by agreement, closed by a restart: the next request goes through on a new one, without a word."""
    kept = reply(200, MATRIX, {"Connection": "keep-alive"})
    with bad_server(kept) as server, connect(server.url, attempts=2, backoff_s=0.01) as source:
        frames = [source.range("m", start=START, end=END) for _ in range(3)]
    assert [frame.iloc[0, 0] for frame in frames] == [1.0] * 3
    assert len(server.asked) == 3


def test_what_cannot_succeed_is_asked_once() -> None:
    """A rejected query, wrong credentials and a cut body are not repeated."""
    for answer in (reply(422, "no"), reply(401, "no"), cut(reply(200, MATRIX), missing=3)):
        with bad_server(answer) as server, connect(server.url, backoff_s=0.01) as source, pytest.raises(SourceError):
            source.range("m", start=START, end=END)
        assert len(server.asked) == 1


def test_retry_after_is_honoured_within_the_deadline() -> None:
    """A wish of 0 s is granted; one that goes past the deadline is told at once instead of waited for."""
    with (
        bad_server(reply(429, "", {"Retry-After": "0"}), reply(200, MATRIX)) as server,
        connect(server.url, backoff_s=0.01) as source,
    ):
        assert len(source.range("m", start=START, end=END)) == 3
    with (
        bad_server(reply(429, "", {"Retry-After": "3600"})) as server,
        connect(server.url, deadline_s=5) as source,
        pytest.raises(RateLimited) as caught,
    ):
        source.range("m", start=START, end=END)
    assert len(server.asked) == 1
    assert caught.value.retry_after_s == 3600


def test_an_answer_that_is_too_large_is_asked_for_in_halves() -> None:
    """A server with lower limits than usual gets shorter windows: 3 instants, refused, become 1 and 2."""
    halves = [
        {"status": "success", "data": {"resultType": "matrix", "result": [{**SERIES, "values": values}]}}
        for values in ([[FIRST_S, "1"]], [[FIRST_S + 3600, "2"], [FIRST_S + 7200, "3"]])
    ]
    refused = reply(422, {"status": "error", "error": "too many points for the given step"})
    with bad_server(refused, *(reply(200, half) for half in halves)) as server, impatient(server.url) as source:
        frame = source.range("m", start=START, end=END)
    assert frame.iloc[:, 0].tolist() == [1.0, 2.0, 3.0]
    assert [(asked.params["start"], asked.params["end"]) for asked in server.asked] == [
        ("1732237200.000", "1732244400.000"),
        ("1732237200.000", "1732237200.000"),
        ("1732240800.000", "1732244400.000"),
    ]


def test_requests_say_what_the_server_needs() -> None:
    """A POST form with seconds with decimals and nocache=1, below the URL's own path and with its parameters."""
    with bad_server(reply(200, MATRIX)) as server, impatient(f"{server.url}/tenant/?extra_label=team=x") as source:
        source.range("m", start=START, end=END, aggregate="max")
    asked = server.asked[0]
    assert (asked.method, asked.path) == ("POST", "/tenant/api/v1/query_range")
    assert asked.params == {
        "extra_label": "team=x",
        "query": "max_over_time(m[1h])",
        "start": "1732237200.000",
        "end": "1732244400.000",
        "step": "3600.000",
        "nocache": "1",
    }


def test_a_server_whose_clock_is_behind_is_not_asked_for_its_future() -> None:
    """Which step is finished is told by the server's clock: what it has not finished is left out, and told."""
    date = {"Date": "Fri, 22 Nov 2024 02:10:00 GMT"}
    with bad_server(reply(200, VECTOR, date), reply(200, MATRIX)) as server, impatient(server.url) as source:
        source.instant("m", at=END)
        frame = source.range("m", start=START, end=END)
    assert frame.index[-1].isoformat() == "2024-11-22T02:00:00+00:00"
    notes = frame.attrs["provenance"]["metrics"]["m"]["notes"]
    assert any("not finished" in note for note in notes)
    assert any("clock differs" in note for note in notes)
