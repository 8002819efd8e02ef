"""Dashboards: JSON of Grafana's own model, and every query finds data on a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

import capacity
from capacity.frames import Pull
from capacity.simulate import demo
from connectors import connect
from reports.dashboards import dashboards, views
from reports.writeback import write_back
from tests.support.alerting import lines
from tests.support.checkout import told
from tests.support.command import capacity as command
from tests.support.servers import VictoriaMetrics, victoriametrics_server

CATALOG = capacity.load_catalog("dwcp")
END = demo(0).as_of
HOUR = pd.Timedelta(hours=1)
ASKED = [
    (name, view.title, query)
    for name, (_, found) in views(CATALOG).items()
    for view in found
    for query in view.queries.values()
]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetrics]:
    """Yield a server with two hours of every metric of one region, and the plan of that region written back."""
    drawn = demo(0)
    with victoriametrics_server(tmp_path_factory.mktemp("dashboards")) as server:
        for frame in drawn.raw(END - 2 * HOUR, END, regions=["ap-south"]):
            series = {}
            for column in frame.columns:
                labels = {name: value for name, value in zip(frame.columns.names, column, strict=True) if value}
                named = (("__name__", labels.pop("metric")), *sorted(labels.items()))
                series[named] = frame[column].to_numpy()
            server.import_lines(lines(series, pd.DatetimeIndex(frame.index)))
        demand = {name: _of_region(frame) for name, frame in drawn.frames.items()}
        limits = {name: _of_region(limit) for name, limit in drawn.limits.items()}
        pulled = Pull(demand=demand, limits=limits, as_of=END, window=60 * 24 * HOUR, catalog="dwcp")
        with connect(server.url) as target:
            write_back(capacity.plan(pulled, CATALOG, horizon="60d"), target)
        server.flush()
        yield server


def _of_region(frame: Any) -> Any:
    if not isinstance(frame, pd.DataFrame):
        return frame
    return frame.loc[frame.index[-60 * 24] :, frame.columns.get_level_values("region") == "ap-south"]


@pytest.mark.parametrize(("board", "title", "query"), ASKED, ids=[f"{board}: {title}" for board, title, _ in ASKED])
def test_every_query_of_every_dashboard_finds_data(full: VictoriaMetrics, board: str, title: str, query: str) -> None:
    """Over the hours around the demo's present, as Grafana would ask."""
    asked = {"query": query, "start": (END - HOUR).timestamp(), "end": (END + 3 * HOUR).timestamp(), "step": 300}
    answer = json.loads(full.post(f"/api/v1/query_range?{urlencode({**asked, 'nocache': 1})}"))
    assert answer["status"] == "success"
    found = [value for series in answer["data"]["result"] for _, value in series["values"]]
    if "order_by" not in query:  # whether anything of the region is to be ordered depends on the plan
        assert found, query


def test_the_json_is_of_grafanas_own_model() -> None:
    """Read by the SDK's model and written again, each dashboard is what it was."""
    for text in dashboards(CATALOG).values():
        again = JSONEncoder(sort_keys=True, indent=2).encode(Dashboard.from_json(json.loads(text)))
        assert json.loads(again) == json.loads(text)


def test_both_dashboards_of_the_platform_are_whole() -> None:
    """What the platform asks to see, and forecasts; every panel asks the data source that is chosen, none overlaps."""
    made = {name: json.loads(text) for name, text in dashboards(CATALOG).items()}
    assert list(made) == ["executive", "performance", "objectives", "forecasts"]
    assert len({each["uid"] for each in made.values()}) == 4
    words = " ".join(panel["title"] for panel in made["executive"]["panels"]).lower()
    for asked in ("consensus latency", "migration success, 24 h", "error budget", "bandwidth trend", "circuit breakers",
                  "accuracy", "streams by mode"):  # fmt: skip
        assert asked in words
    deep = " ".join(panel["title"] for panel in made["performance"]["panels"]).lower()
    for asked in ("consensus latency", "partitions", "cpu", "memory", "disk i/o", "byzantine", "component"):
        assert asked in deep
    for board in made.values():
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, panel["title"]
            assert place["x"] + place["w"] <= 24
            taken |= cells


def test_a_platform_of_ones_own_gets_objectives_and_forecasts(tmp_path: Path) -> None:
    """The command writes them, for the other catalogue that is built in as well."""
    done = command(tmp_path, "dashboards", "--catalog", "node_exporter", "-o", "boards")
    assert done.returncode == 0, told(done)
    assert "boards/node_exporter-forecasts.json" in done.stdout
    for path in (tmp_path / "boards").iterdir():
        assert json.loads(path.read_text())["panels"]
