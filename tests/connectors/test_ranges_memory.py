"""Memory: a pull above its budget comes in shards, and takes at its peak no more than three times its result."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import orjson
import pandas as pd
import pytest

from tests.support.checkout import ROOT
from tests.support.servers import VictoriaMetrics

START = pd.Timestamp("2024-09-01T00:00Z")
SERIES, MINUTES = 300, 10_000

CHILD = """
import sys
from connectors import connect

def memory(field):
    line = next(line for line in open("/proc/self/status") if line.startswith(field))
    return int(line.split()[1]) * 1024

url, aggregate, budget = sys.argv[1], sys.argv[2] or None, int(sys.argv[3])
asked = {"start": "2024-09-01T00:00Z", "step": "1m", "aggregate": aggregate}
told = []
with connect(url, max_bytes=budget) as source:
    source.range("budget", end="2024-09-01T20:00Z", **asked)
    before = memory("VmRSS")
    frame = source.range("budget", end="2024-09-07T22:40Z", progress=lambda *at: told.append(at), **asked)
print((memory("VmHWM") - before) / frame.to_numpy().nbytes, frame.shape[0] * frame.shape[1], len(told))
"""


@pytest.fixture(scope="module")
def server(victoriametrics: VictoriaMetrics) -> VictoriaMetrics:
    """Load 300 series of 10,000 samples each: 24 MB as numbers."""
    rng = np.random.default_rng(8)
    stamps = int(START.timestamp() * 1000) + 60_000 * np.arange(1, MINUTES + 1)
    lines = [
        orjson.dumps(
            {
                "metric": {"__name__": "budget", "n": str(number)},
                "values": np.round(rng.normal(size=MINUTES), 6),
                "timestamps": stamps,
            },
            option=orjson.OPT_SERIALIZE_NUMPY,
        )
        for number in range(SERIES)
    ]
    victoriametrics.import_lines(b"\n".join(lines))
    return victoriametrics


@pytest.mark.parametrize("aggregate", ["", "last", "p95"])
def test_a_pull_above_its_budget_takes_at_most_three_times_its_result(server: VictoriaMetrics, aggregate: str) -> None:
    """Asked for in shards of 4 MB, or rolled up here from raw samples in as many: 24 MB take no more than 72."""
    command = [sys.executable, "-c", CHILD, server.url, aggregate, str(4 << 20)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    times, values, shards = done.stdout.split()
    assert int(values) == SERIES * MINUTES
    assert float(times) <= 3
    assert (int(shards) >= 5) is (aggregate != "last")
