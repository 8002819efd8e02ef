"""The servers that other tests stand on: they start, answer, keep old samples, and leave nothing behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError

from tests.support.outer import NOWHERE, outer_environment
from tests.support.servers import Server, VictoriaMetrics, running
from tests.support.tools import PACKAGES, find_chromium, find_tool

LONG_AGO_MS = 1_396_310_400_000
"""2014-04-01T00:00Z: older than any usual retention."""


def values(answer: bytes) -> list[str]:
    """Return the values of an instant query's answer."""
    return [series["value"][1] for series in json.loads(answer)["data"]["result"]]


@pytest.mark.parametrize("name", PACKAGES)
def test_every_program_is_found(name: str) -> None:
    """Each program that tests drive is there to run, on PATH or unpacked."""
    assert os.access(find_tool(name), os.X_OK)


def test_chromium_is_found() -> None:
    """A Chromium is there to run."""
    assert os.access(find_chromium(), os.X_OK)


def test_victoriametrics_keeps_old_samples(fresh_victoriametrics: VictoriaMetrics) -> None:
    """A sample of 2014 is imported and read back at once."""
    line = {"metric": {"__name__": "old", "node": "a"}, "values": [42], "timestamps": [LONG_AGO_MS]}
    fresh_victoriametrics.import_lines(json.dumps(line).encode())
    answer = fresh_victoriametrics.post(f"/api/v1/query?query=old&time={LONG_AGO_MS // 1000 + 30}&nocache=1")
    assert values(answer) == ["42"]


def test_a_fresh_victoriametrics_is_empty(fresh_victoriametrics: VictoriaMetrics) -> None:
    """What another test imported is not there."""
    answer = json.loads(fresh_victoriametrics.post("/api/v1/label/__name__/values?start=0"))
    assert answer["data"] == []


def test_victoriametrics_takes_further_flags(start_victoriametrics: Callable[..., VictoriaMetrics]) -> None:
    """A flag that is handed over is obeyed: three points a series are allowed, ten are not."""
    server = start_victoriametrics("-search.maxPointsPerTimeseries=3")
    with pytest.raises(AssertionError, match="maxPointsPerTimeseries"):
        server.post("/api/v1/query_range?query=1&start=0&end=600&step=60")


def test_vmauth_asks_for_the_password(vmauth: Callable[[str], Server], fresh_victoriametrics: VictoriaMetrics) -> None:
    """A proxy by vmauth turns away who brings no password."""
    config = f"users: [{{username: u, password: p, url_prefix: '{fresh_victoriametrics.url}'}}]"
    with pytest.raises(AssertionError, match="401"):
        vmauth(config).post("/api/v1/query?query=1")


def test_prometheus_serves_old_samples(prometheus: Callable[..., Server]) -> None:
    """Prometheus answers from blocks that were made of samples from 2014."""
    seconds = LONG_AGO_MS // 1000
    server = prometheus(f'# TYPE old gauge\nold{{node="a"}} 42 {seconds}\n# EOF\n')
    assert values(server.post(f"/api/v1/query?query=old&time={seconds}")) == ["42"]


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    """The failure quotes the log of the server that did not start."""
    wrong = [str(find_tool("victoria-metrics")), "-retentionPeriod=nonsense"]
    with pytest.raises(AssertionError, match="nonsense"), running(lambda _: wrong, ready="/", folder=tmp_path):
        pass


def test_a_server_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    """Nothing is left behind by a test process that was killed."""
    code = (
        "import os, pathlib, signal, sys\n"
        "from tests.support.servers import victoriametrics_server\n"
        "with victoriametrics_server(pathlib.Path(sys.argv[1])) as server:\n"
        "    print(server.process.pid, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(__file__).parents[2]
    started = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=root, capture_output=True, check=False)
    server_pid = int(started.stdout)
    until = time.monotonic() + 5
    while alive(server_pid) and time.monotonic() < until:
        time.sleep(0.02)
    assert not alive(server_pid)


def alive(pid: int) -> bool:
    """Return whether the process runs; one that has ended and is only not yet waited for does not."""
    status = Path(f"/proc/{pid}/stat")
    try:
        return status.read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_tests_reach_no_further_than_loopback() -> None:
    """A connection to anywhere else is refused before it is tried."""
    refused = (SocketConnectBlockedError, UserWarning)  # the plug-in warns first, and warnings are errors here
    with pytest.raises(refused, match=r"192\.0\.2\.1"), socket.socket() as outside:
        outside.connect(("192.0.2.1", 80))


def test_children_get_a_proxy_that_leads_nowhere() -> None:
    """A child that asks for the outside is sent to a port where nobody listens; loopback goes straight."""
    assert os.environ["https_proxy"] == NOWHERE
    assert "127.0.0.1" in os.environ["no_proxy"]
    assert outer_environment().get("https_proxy") != NOWHERE
