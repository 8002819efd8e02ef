"""Real servers for tests, each on a free loopback port with storage of its own, gone when the test process is.

Fixtures: `victoriametrics` (one for the session, shared: give your series a label of your own), `fresh_victoriametrics`
(empty, one for the test), `start_victoriametrics(*flags)`, `vmauth(config)`, `prometheus(openmetrics)`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.tools import find_tool

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 10.0
PORT_TRIES = 3

DIE_WITH_PARENT = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Runs a program that the kernel kills when its parent ends (PR_SET_PDEATHSIG is 1), however the parent ended.

A program in between, since `preexec_fn` is unsafe in a process that has threads, and the tests' workers have some.
"""


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, and what it has said so far."""

    url: str
    process: subprocess.Popen[bytes]
    log_path: Path

    def log(self) -> str:
        """Return everything that the server has logged."""
        return self.log_path.read_text(errors="replace")

    def post(self, path: str, body: bytes = b"") -> bytes:
        """Return the body of the answer to a POST; an answer of 4xx or 5xx raises with the log's end."""
        request = urllib.request.Request(self.url + path, data=body, method="POST")
        try:
            with _direct().open(request, timeout=60) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            raise AssertionError(f"POST {path}: {error.code} {said}\n{_tail(self.log_path)}") from error


class VictoriaMetrics(Server):
    """A single-node VictoriaMetrics."""

    def flush(self) -> None:
        """Make what was imported visible to queries now, and forget cached answers."""
        self.post("/internal/force_flush")
        self.post("/internal/resetRollupResultCache")

    def import_lines(self, lines: bytes) -> None:
        """Import JSON lines ({"metric": {…}, "values": […], "timestamps": [ms …]}), visible on return."""
        self.post("/api/v1/import", lines)
        self.flush()

    def import_text(self, text: str) -> None:
        """Import lines of the Prometheus text format, timestamps in ms, visible on return."""
        self.post("/api/v1/import/prometheus", text.encode())
        self.flush()


@contextmanager
def running(
    command: Callable[[int], list[str]], *, ready: str, folder: Path
) -> Iterator[tuple[str, subprocess.Popen[bytes], Path]]:
    """Run the server that ``command`` gives for a port until the block ends; yields (url, process, log).

    Raises
    ------
    AssertionError
        When it ends or does not answer ``ready`` in time; its log's end is quoted.
    """
    log_path = folder / "server.log"
    for attempt in range(PORT_TRIES):
        port = _free_port()
        url = f"http://127.0.0.1:{port}"
        with _process(command(port), log_path) as process:
            if _answers(url + ready, process):
                yield url, process, log_path
                return
        if "address already in use" not in log_path.read_text(errors="replace") or attempt == PORT_TRIES - 1:
            raise AssertionError(f"{command(port)[0]} did not start\n{_tail(log_path)}")


@contextmanager
def victoriametrics_server(folder: Path, *flags: str) -> Iterator[VictoriaMetrics]:
    """Run VictoriaMetrics with its storage below ``folder``; it keeps samples of the last 100 years."""
    binary = str(find_tool("victoria-metrics"))

    def command(port: int) -> list[str]:
        fixed = [f"-httpListenAddr=127.0.0.1:{port}", f"-storageDataPath={folder / 'data'}", "-retentionPeriod=100y"]
        return [binary, *fixed, *flags]

    with running(command, ready="/health", folder=folder) as (url, process, log_path):
        yield VictoriaMetrics(url, process, log_path)


@contextmanager
def vmauth_server(folder: Path, config: str) -> Iterator[Server]:
    """Run vmauth with ``config`` (YAML) as its users' file."""
    binary = str(find_tool("vmauth"))
    (folder / "auth.yml").write_text(config)

    def command(port: int) -> list[str]:
        return [binary, f"-httpListenAddr=127.0.0.1:{port}", f"-auth.config={folder / 'auth.yml'}"]

    with running(command, ready="/health", folder=folder) as (url, process, log_path):
        yield Server(url, process, log_path)


@contextmanager
def prometheus_server(folder: Path, openmetrics: str | None = None) -> Iterator[Server]:
    """Run Prometheus over blocks that were made from ``openmetrics`` (text with timestamps in s, ending in # EOF)."""
    binary = str(find_tool("prometheus"))
    data = folder / "data"
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 1m}\n")
    if openmetrics is not None:
        (folder / "samples.txt").write_text(openmetrics)
        command = [str(find_tool("promtool")), "tsdb", "create-blocks-from", "openmetrics"]
        subprocess.run([*command, str(folder / "samples.txt"), str(data)], check=True, capture_output=True)

    def start(port: int) -> list[str]:
        storage = [f"--storage.tsdb.path={data}", "--storage.tsdb.retention.time=100y"]
        web = [f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver"]
        return [binary, f"--config.file={folder / 'prometheus.yml'}", *storage, *web]

    with running(start, ready="/-/ready", folder=folder) as (url, process, log_path):
        yield Server(url, process, log_path)


@pytest.fixture(scope="session")
def victoriametrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetrics]:
    """Yield the VictoriaMetrics of this session: shared, so tests keep apart by labels of their own."""
    with victoriametrics_server(tmp_path_factory.mktemp("victoriametrics")) as server:
        yield server


@pytest.fixture
def fresh_victoriametrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetrics]:
    """Yield an empty VictoriaMetrics for this test alone."""
    with victoriametrics_server(tmp_path_factory.mktemp("victoriametrics")) as server:
        yield server


@pytest.fixture
def start_victoriametrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., VictoriaMetrics]]:
    """Yield a function that starts an empty VictoriaMetrics with further flags."""
    with ExitStack() as stack:
        yield lambda *flags: stack.enter_context(
            victoriametrics_server(tmp_path_factory.mktemp("victoriametrics"), *flags)
        )


@pytest.fixture
def vmauth(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Server]]:
    """Yield a function that starts vmauth with the users' file that it is given."""
    with ExitStack() as stack:
        yield lambda config: stack.enter_context(vmauth_server(tmp_path_factory.mktemp("vmauth"), config))


@pytest.fixture
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """Yield a function that starts Prometheus, over the OpenMetrics text that it is given, if any."""
    with ExitStack() as stack:
        yield lambda openmetrics=None: stack.enter_context(
            prometheus_server(tmp_path_factory.mktemp("prometheus"), openmetrics)
        )


@contextmanager
def _process(command: list[str], log_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``command`` until the block ends, its output in ``log_path``; ended politely, then killed."""
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", DIE_WITH_PARENT, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    with process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    """Return whether ``url`` answers before the process ends and before time is up."""
    until = time.monotonic() + START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < until:
        try:
            with _direct().open(url, timeout=5):
                return True
        except OSError:
            time.sleep(0.02)
    return False


def _direct() -> urllib.request.OpenerDirector:
    """Return an opener that uses no proxy, whatever the environment says."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tail(log_path: Path, lines: int = 15) -> str:
    return "\n".join(["the server's log ends:", *log_path.read_text(errors="replace").splitlines()[-lines:]])
