"""Our own runs traced: a real collector's endpoint receives a span a report, and none where nobody asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from reports.schedule.tick import tick
from tests.support.unwatched import Clock, at, daily

AWAY = "http://127.0.0.1:9"


@contextmanager
def collector() -> Iterator[tuple[str, list[Any]]]:
    """Take in spans as a collector does; yields its URL and what came."""
    came: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                import gzip

                body = gzip.decompress(body)
            for part in ExportTraceServiceRequest.FromString(body).resource_spans:
                came.extend((part.resource, span) for scope in part.scope_spans for span in scope.spans)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", came
        server.shutdown()


def test_each_report_is_a_span(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A good one, then one that failed, each with its schedule and its instant; a tick with nothing due sends none."""
    schedules, clock = daily(tmp_path), Clock(at("2026-11-20T06:10"))
    with collector() as (url, came):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        tick(schedules.config, clock=clock)
        tick(schedules.config, clock=clock)
        assert len(came) == 1
        Path(schedules.schedules["daily"].notebook).unlink()
        clock.later("1D")
        tick(schedules.config, clock=clock)
    (resource, good), (_, failed) = came
    named = {each.key: each.value.string_value for each in resource.attributes}
    about = {each.key: each.value.string_value for each in good.attributes}
    assert named["service.name"] == "capacity-workbench"
    assert about == {"capacity.schedule": "daily", "capacity.as_of": "2026-11-20T06:00:00Z"}
    assert good.name == "capacity report"
    assert good.end_time_unix_nano > good.start_time_unix_nano
    assert (good.status.code, failed.status.code) == (0, 2)
    assert "There is no notebook" in failed.status.message


def test_a_collector_that_is_away_stops_no_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report is made all the same."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", AWAY)
    done = tick(daily(tmp_path).config, clock=Clock(at("2026-11-20T06:10")))
    assert done is not None
    assert [each.failure for each in done] == [""]
