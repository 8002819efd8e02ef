"""The pull: from a real VictoriaMetrics into a frame, against curl and against two public clients.

    python tests/benchmarks/bench_pull.py                # or: make bench-pull

500 series × 7 days × 60 s on loopback. In every round each contender is asked once, curl among them; a ratio is the
median over rounds of (ours ÷ curl of the same round). The peers live in ``.bench-venv``, which is made where it is
absent. Peak memory is that of a process of its own, imports included (VmHWM). A table, and as the last line one JSON
object.

    raw       source.samples: the long frame of all samples
    range     source.range at 60 s as it is written: the wide frame, decoded from query_range while it streams
    roll-up   source.range(aggregate="last") at 60 s: the wide frame; the product chooses the way
    jitter    raw, of samples at uneven times with 15 significant digits

Ours is measured as it is installed. Where that includes the extra ``fast`` (numba), raw and jitter are pulled once more
in processes that take turns with it and without it, and the gain is printed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from connectors import Source, connect  # noqa: E402
from tests.support.servers import VictoriaMetrics, victoriametrics_server  # noqa: E402

FULL = os.environ.get("FULL") == "1"
ROUNDS = 9 if FULL else 5
PEER_ROUNDS = 3 if FULL else 2
QUERY_RUNS = 15
PEERS = ROOT / ".bench-venv"
PACKAGES = ("prometheus-api-client", "prometheus-pandas")

END = pd.Timestamp("2026-11-01T00:00Z")
DAY, HOUR = pd.Timedelta(days=1), pd.Timedelta(hours=1)
SERIES, WEEK, MONTH = 500, 7 * DAY, 30 * DAY
STEP_S = 60

LE = ("0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf")
P95 = "histogram_quantile(0.95, sum(rate(dwcp_consensus_latency_seconds_bucket[5m])) by (le))"
HEATMAP = "sum(increase(dwcp_consensus_latency_seconds_bucket[1m])) by (le)"
QUERIES = {
    "p95_1h_ms": (P95, HOUR, "1s", 30),
    "p95_24h_ms": (P95, DAY, "1s", 350),
    "bandwidth_7d_ms": ("dwcp_bandwidth_utilization_mbps", WEEK, "10s", 60),
    "heatmap_1h_ms": (HEATMAP, HOUR, "1m", 25),
}
"""Figure → query, window, step, and the bar in ms."""

PEER = """
import sys, time
from datetime import datetime, timezone
name, url, start, end = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
began = time.perf_counter()
if name == "prometheus-api-client":
    from prometheus_api_client import MetricRangeDataFrame, PrometheusConnect
    client = PrometheusConnect(url=url)
    began = time.perf_counter()
    at = [datetime.fromtimestamp(one, tz=timezone.utc) for one in (start, end)]
    frame = MetricRangeDataFrame(client.custom_query_range("bench_pull", at[0], at[1], "60", params={"nocache": "1"}))
else:
    from prometheus_pandas.query import Prometheus
    client = Prometheus(url)
    began = time.perf_counter()
    frame = client.query_range("bench_pull", start, end, "60s")
took = time.perf_counter() - began
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(took, int(peak.split()[1]) / 1024, frame.size)
"""


# Data ---------------------------------------------------------------------------------------------------------------


def load(server: VictoriaMetrics) -> None:
    """Import what is asked for: 21.6 M steady samples, 5 M jittered ones, histograms, one link's bandwidth."""
    rng = np.random.default_rng(7)
    last = int(END.timestamp() * 1000)
    month = np.arange(last - MONTH // pd.Timedelta(1, unit="ms") + STEP_S * 1000, last + 1, STEP_S * 1000)
    week = month[-(WEEK // pd.Timedelta(seconds=STEP_S)) :]
    lines: list[bytes] = []

    def add(name: str, labels: dict[str, str], stamps: np.ndarray, values: np.ndarray) -> None:
        entry = {"metric": {"__name__": name, **labels}, "values": values, "timestamps": stamps}
        lines.append(orjson.dumps(entry, option=orjson.OPT_SERIALIZE_NUMPY))
        if len(lines) == 25:
            send()

    def send() -> None:
        server.post("/api/v1/import", b"\n".join(lines))
        lines.clear()

    for number in range(SERIES):
        labels = {"node": f"node-{number}", "region": f"region-{number % 4}"}
        wave = 0.5 + 0.2 * np.sin(month / 86_400_000 * 2 * np.pi) + 0.05 * rng.standard_normal(len(month))
        add("bench_pull", labels, month, np.round(wave, 4))
        jitter = week + rng.integers(-25_000, 25_000, len(week))
        add("bench_jitter", labels, jitter, np.round(rng.uniform(0.1, 1, len(week)), 15))
    scrapes = np.arange(last - 86_400_000 - 3_600_000, last + 1, 15_000)
    for number in range(20):
        counted = np.zeros(len(scrapes))
        for le in LE:
            counted = counted + np.cumsum(rng.poisson(2, len(scrapes)))
            add("dwcp_consensus_latency_seconds_bucket", {"instance": f"i{number}", "le": le}, scrapes, counted)
    links = np.arange(last - WEEK // pd.Timedelta(1, unit="ms") + 10_000, last + 1, 10_000)
    add("dwcp_bandwidth_utilization_mbps", {"link": "a"}, links, np.round(rng.uniform(200, 900, len(links)), 2))
    send()
    server.flush()


# Contenders ---------------------------------------------------------------------------------------------------------


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def curl(url: str, path: str, **form: str) -> float:
    """Return the seconds of one download that is thrown away."""
    pairs = [part for key, value in form.items() for part in ("--data-urlencode", f"{key}={value}")]
    command = ["curl", "--silent", "--fail", "--output", os.devnull, url + path, *pairs]
    return timed(lambda: subprocess.run(command, check=True))


def curl_range(url: str, query: str) -> float:
    start, end = str(int((END - WEEK).timestamp()) + STEP_S), str(int(END.timestamp()))
    return curl(url, "/api/v1/query_range", query=query, start=start, end=end, step=str(STEP_S), nocache="1")


def curl_export(url: str, query: str) -> float:
    start, end = f"{(END - WEEK).timestamp():.0f}.001", f"{END.timestamp():.0f}"
    return curl(url, "/api/v1/export", **{"match[]": query, "start": start, "end": end})


def ours(source: Source, way: str) -> pd.DataFrame:
    """Return our frame: the way's name is that of the module's docstring."""
    window = {"start": END - (MONTH if way == "month" else WEEK), "end": END}
    if way in ("raw", "jitter", "month"):
        return source.samples("bench_jitter" if way == "jitter" else "bench_pull", **window)
    return source.range("bench_pull", step="60s", aggregate="last" if way == "roll-up" else None, **window)


def child(way: str, url: str) -> None:
    """Pull once in this process, and print its peak in MB, what it was before the pull, and the frame's own size."""
    with connect(url) as source:
        source.range("bench_pull", start=END - HOUR, end=END, step="60s")
        before = memory_mb("VmRSS")
        frame = ours(source, way)
        size = float(frame.memory_usage(index=True, deep=True).sum()) / 2**20
    print(memory_mb("VmHWM"), before, size)


def memory_mb(field: str) -> float:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def peak(way: str, url: str) -> tuple[float, float]:
    """Return our peak in MB in a process of its own, and how often the frame would fit into what the pull took."""
    command = [sys.executable, __file__, "--child", way, url]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    most, before, size = map(float, said)
    return most, (most - before) / size


def peer(name: str, url: str) -> tuple[float, float]:
    """Return a peer's seconds, without its start, and its peak in MB."""
    start, end = str(int((END - WEEK).timestamp()) + STEP_S), str(int(END.timestamp()))
    command = [str(PEERS / "bin" / "python"), "-W", "ignore", "-c", PEER, name, url, start, end]
    took, most, size = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert int(size) >= SERIES * (WEEK // pd.Timedelta(seconds=STEP_S))
    return float(took), float(most)


def pulls(way: str, url: str, numba: str) -> None:
    """Pull a few times, print the median; where ``numba`` says "without", as if it were not installed."""
    if numba == "without":
        sys.modules["numba"] = None  # type: ignore[assignment]
    with connect(url) as source:
        runs = [timed(lambda: ours(source, way)) for _ in range(6)]
    print(statistics.median(runs[1:]))


def gains(url: str) -> dict[str, float]:
    """Return how many times faster the compiled loop makes raw and jitter; nothing where it is not installed."""
    if importlib.util.find_spec("numba") is None:
        return {}
    found: dict[str, float] = {}
    for way in ("raw", "jitter"):
        took: dict[str, list[float]] = {"with": [], "without": []}
        for _ in range(3):
            for how, runs in took.items():
                command = [sys.executable, __file__, "--pulls", way, url, how]
                runs.append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        found[way] = statistics.median(took["without"]) / statistics.median(took["with"])
    return found


def prepare_peers() -> None:
    """Make the peers' environment, if it is not there."""
    python = PEERS / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
    found = subprocess.run([str(python), "-c", "import prometheus_api_client, prometheus_pandas"], capture_output=True)
    if found.returncode:
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
        subprocess.run(install, check=True)


# The run ------------------------------------------------------------------------------------------------------------


def rounds(source: Source, url: str) -> pd.DataFrame:
    """Return the seconds of every contender but the peers, a row a round; the first round warms up and is left out."""
    contenders: dict[str, Callable[[], float]] = {
        "curl range": lambda: curl_range(url, "bench_pull"),
        "raw": lambda: timed(lambda: ours(source, "raw")),
        "curl export": lambda: curl_export(url, "bench_pull"),
        "range": lambda: timed(lambda: ours(source, "range")),
        "roll-up": lambda: timed(lambda: ours(source, "roll-up")),
        "curl range, jitter": lambda: curl_range(url, "bench_jitter"),
        "jitter": lambda: timed(lambda: ours(source, "jitter")),
    }
    rows = [{name: contender() for name, contender in contenders.items()} for _ in range(ROUNDS + 1)]
    return pd.DataFrame(rows[1:])


def queries(source: Source) -> dict[str, float]:
    """Return the medians of the four queries, in ms, to the frame."""
    figures = {}
    for name, (query, window, step, _) in QUERIES.items():
        asked = {"start": END - window, "end": END, "step": step}
        runs = [timed(lambda q=query, a=asked: source.range(q, **a)) for _ in range(QUERY_RUNS + 1)]
        figures[name] = statistics.median(runs[1:]) * 1000
    return figures


def check(source: Source) -> None:
    """All ways must give the same numbers, or the figures are of nothing."""
    wide, rolled, raw = (ours(source, way) for way in ("range", "roll-up", "raw"))
    assert wide.shape == (WEEK // pd.Timedelta(seconds=STEP_S), SERIES)
    assert np.array_equal(wide.to_numpy(), rolled.to_numpy())
    assert len(raw) == wide.size
    assert np.array_equal(np.sort(raw["value"].to_numpy()), np.sort(wide.to_numpy().ravel()))


def main() -> None:
    if shutil.which("curl") is None:
        raise SystemExit("curl is needed: it is what is compared with")
    prepare_peers()
    folder = Path(tempfile.mkdtemp(prefix="bench-pull-"))
    try:
        with victoriametrics_server(folder) as server, connect(server.url) as source:
            load(server)
            check(source)
            report(rounds(source, server.url), queries(source), server.url)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def report(seconds: pd.DataFrame, by_query: dict[str, float], url: str) -> None:
    """Measure memory and peers, print the table and the figures."""
    memory = {way: peak(way, url) for way in ("raw", "range", "roll-up", "month")}
    peers = {name: [peer(name, url) for _ in range(PEER_ROUNDS)] for name in PACKAGES}
    medians = seconds.median()

    def ratio(way: str, to: str) -> float:
        return float((seconds[way] / seconds[to]).median())

    print(f"{'way':34}{'s':>9}{'÷ curl range':>14}{'peak MB':>9}")
    for way in seconds.columns:
        to = "curl range, jitter" if "jitter" in way else "curl range"
        most = f"{memory[way][0]:9.0f}" if way in memory else ""
        print(f"{way:34}{medians[way]:9.3f}{ratio(way, to):14.2f}{most}")
    for name, runs in peers.items():
        took, most = statistics.median(run[0] for run in runs), statistics.median(run[1] for run in runs)
        print(f"{name:34}{took:9.2f}{took / medians['curl range']:14.2f}{most:9.0f}")
    most, times = memory["month"]
    print(f"{'raw, 21.6 M rows':34}{'':23}{most:9.0f}   the pull took {times:.2f} × the frame (bar 3)")
    for way, times in gains(url).items():
        print(f"{f'{way}, numpy alone ÷ with numba':57}{times:9.2f}")
    for name, took in by_query.items():
        print(f"{name:34}{took:9.1f} ms (bar {QUERIES[name][3]})")
    speed = {name: statistics.median(run[0] for run in runs) / medians["raw"] for name, runs in peers.items()}
    first = statistics.median(run[1] for run in peers[PACKAGES[0]])
    figures = {
        "raw_vs_curl_range": ratio("raw", "curl range"),
        "raw_vs_curl_export": ratio("raw", "curl export"),
        "range_vs_curl": ratio("range", "curl range"),
        "speedup_prometheus_api_client": speed[PACKAGES[0]],
        "speedup_prometheus_pandas": speed[PACKAGES[1]],
        "memory_vs_prometheus_api_client": max(memory["raw"][0], memory["range"][0]) / first,
        "jitter_raw_vs_curl_range": ratio("jitter", "curl range, jitter"),
        **by_query,
    }
    print(json.dumps({name: round(float(value), 4) for name, value in figures.items()}))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    elif sys.argv[1:2] == ["--pulls"]:
        pulls(*sys.argv[2:])
    else:
        main()
