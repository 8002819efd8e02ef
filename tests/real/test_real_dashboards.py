"""The dashboards' notebooks against a real VictoriaMetrics that keeps the platform's raw telemetry."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from capacity.panels import PANELS
from capacity.simulate import AS_OF
from connectors import connect
from connectors.demo import write_demo
from reports import render
from tests.support.browser import chromium, opened
from tests.support.servers import VictoriaMetrics

DAY = pd.Timedelta(days=1)
METRIC = re.compile(r"dwcp_\w+?(?=_bucket\b|\W|$)")


@pytest.mark.parametrize(("name", "charts"), [("executive_overview", 7), ("performance_deep_dive", 11)])
def test_a_dashboard_of_a_real_server(
    fresh_victoriametrics: VictoriaMetrics, tmp_path: Path, name: str, charts: int
) -> None:
    """Every panel has its series there, every chart is drawn offline, and key figures are judged."""
    metrics = sorted({METRIC.findall(panel.query)[0] for panel in PANELS.values()})
    write_demo(
        connect(fresh_victoriametrics.url), AS_OF - 2 * DAY, AS_OF, nodes=["node-1"], metrics=metrics, verify=False
    )
    fresh_victoriametrics.flush()
    given = {"source": fresh_victoriametrics.url, "as_of": AS_OF.isoformat(), "window": "36h"}
    made = render(name, given, out=tmp_path / "out.html")
    assert made.summary["missing"] == {}
    assert len(made.summary["figures"]) == 5
    with chromium() as browser, opened(browser, made.path) as seen:
        marks = seen.drawn()
        assert (len(marks), min(marks) > 0) == (charts, True)
        assert (seen.requests, seen.errors) == ([], [])
