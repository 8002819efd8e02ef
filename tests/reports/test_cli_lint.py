"""`capacity lint`: on the demo, on a snapshot, and on a real server with something wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from capacity.frames import wide
from connectors import connect
from tests.support.checkout import told
from tests.support.command import capacity, data, refused
from tests.support.servers import VictoriaMetrics


def test_the_demo_is_covered(tmp_path: Path) -> None:
    """Its catalogue misses nothing but what nobody has said yet: lead times are assumed. All machines are planned."""
    found = data(tmp_path, "lint", "--source", "demo:")
    assert found["fine"] is True
    assert {each["rule"] for each in found["remarks"]} == {"lead time missing", "not planned for"}
    assert (found["coverage"]["hosts"], found["coverage"]["series"]) == (1.0, 1.0)
    assert 0 < found["coverage"]["metrics"] < 1


def test_a_table_and_the_coverage_in_words(tmp_path: Path) -> None:
    """For people: a row a remark, and as the last line the coverage; --owner narrows it."""
    done = capacity(tmp_path, "lint", "--source", "demo:", "--owner", "storage")
    assert done.returncode == 0, told(done)
    head, first, *_, last = done.stdout.splitlines()
    assert head.split() == ["rule", "about", "what", "owner"]
    assert first.split()[:5] == ["▲", "lead", "time", "missing", "disk"]
    assert last.startswith("Coverage: ")


def test_a_snapshot_is_looked_at_without_a_server(tmp_path: Path) -> None:
    """What was pulled can be linted again; what an archive does not hold is no fault of the catalogue."""
    assert capacity(tmp_path, "pull", "--source", "demo:", "--window", "14d", "--into", "pulled").returncode == 0
    found = data(tmp_path, "lint", "--source", "snapshot:pulled")
    assert found["fine"] is True
    assert found["coverage"]["series"] == 1.0


CATALOG = """name = "mine"
[resources.heap]
query = "lint_heap_bytes"
unit = "bytes"
limit_query = "lint_heap_max_bytes"
lead_time = "7d"
owner = "unassigned"
[resources.queue]
query = "lint_queue_depth"
unit = "count"
limit = 10
lead_time = "1d"
owner = "me"
driver = "lint_orders"
"""


def test_a_server_with_something_wrong_is_exit_1(victoriametrics: VictoriaMetrics, tmp_path: Path) -> None:
    """Nobody answers for the fullest heap, a driver is not there, and nobody plans for the pool of connections."""
    end = pd.Timestamp.now(tz="UTC").floor("h")
    times = pd.date_range(end=end, periods=48, freq="1h", unit="us")
    labels = [{"node": "a"}, {"node": "b"}]
    written = {
        "lint_heap_bytes": [95.0, 10.0], "lint_heap_max_bytes": [100.0, 100.0], "lint_queue_depth": [1.0, 1.0],
        "lint_pool_used": [1.0, 1.0], "lint_pool_max": [9.0, 9.0],
    }  # fmt: skip
    with connect(victoriametrics.url) as source:
        for metric, values in written.items():
            source.write(wide(np.broadcast_to(values, (48, 2)), times=times, series=labels, metric=metric))
    (tmp_path / "mine.toml").write_text(CATALOG)
    found = data(tmp_path, "lint", "--source", victoriametrics.url, "--catalog", "mine.toml", "--window", "2d", code=1)
    remarks = {(each["rule"], each["about"]): each["told"] for each in found["remarks"]}
    assert "first a: 95 B of 100 B usable" in remarks["owner missing", "heap"]
    assert remarks["query returns nothing", "queue, driver"].startswith("lint_orders: ")
    assert "lint_pool_used looks like the usage of lint_pool_max" in remarks["not planned for", "lint_pool_used"]
    assert found["fine"] is False


def test_what_cannot_be_asked_for_is_one_line(tmp_path: Path) -> None:
    """A resource that the catalogue does not have is no empty lint."""
    assert "Did you mean 'disk'?" in refused(tmp_path, "lint", "--resources", "dsk")
