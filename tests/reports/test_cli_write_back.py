"""``capacity write-back``: what a plan says, as series on a real server."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from capacity.simulate import demo
from reports.writeback import gauges
from tests.support.alerting import values
from tests.support.command import data, refused
from tests.support.plans import small_plan
from tests.support.servers import VictoriaMetrics

END = demo(0).as_of


def test_a_plan_is_written_and_can_be_asked_for(tmp_path: Path, fresh_victoriametrics: VictoriaMetrics) -> None:
    """The disk that is past its limit is so with certainty; the one that fills up has a date; forecasts lie ahead."""
    arguments = ("write-back", "--source", "demo:", "--resources", "disk", "--to", fresh_victoriametrics.url)
    told = data(tmp_path, *arguments)
    assert told["gauges"] > 100
    assert told["forecasts"] > 1000
    fresh_victoriametrics.flush()

    def now(query: str) -> list[float]:
        return values(fresh_victoriametrics, query, END + pd.Timedelta(minutes=1))

    past, fills = 'node="node-4",region="us-east"', 'node="node-2",region="ap-south"'
    assert now(f'capacity_breach_probability{{within="7d",{past}}}') == [1.0]
    assert now(f'capacity_breach_timestamp_seconds{{quantile="0.5",{past}}}') == [END.timestamp()]
    (date,) = now(f'capacity_breach_timestamp_seconds{{quantile="0.5",{fills}}}')
    assert END < pd.Timestamp(date, unit="s", tz="UTC") < END + pd.Timedelta(days=90)
    assert now('count(capacity_breach_timestamp_seconds{quantile="0.5"} == +Inf)') > [0]
    assert now("capacity_lead_time_seconds / 86400") == [14.0] * 12
    ahead = END + pd.Timedelta(hours=12)
    low, middle, high = (
        values(fresh_victoriametrics, f'capacity_disk_forecast{{quantile="{level}",{fills}}}', ahead)[0]
        for level in ("0.1", "0.5", "0.9")
    )
    assert low < middle < high


def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    """An archive takes no samples."""
    said = refused(tmp_path, "write-back", "--source", "demo:", "--resources", "disk", "--to", "demo:")
    assert "cannot be written to" in said


def test_gauges_by_hand() -> None:
    """Of the small plan: who cannot be judged says nothing of dates, and an accepted risk is marked."""
    frames = {str(frame.columns[0][0]): frame for frame in gauges(small_plan())}
    dates = frames["capacity_breach_timestamp_seconds"]
    nodes = set(dates.columns.get_level_values("node"))
    assert {"new", "nolimit"} & nodes == set()
    accepted = frames["capacity_accepted"]
    by_node = dict(zip(accepted.columns.get_level_values("node"), accepted.iloc[0], strict=True))
    assert (by_node["full"], by_node["fills"]) == (1.0, 0.0)
    lead = frames["capacity_lead_time_seconds"]
    assert set(lead.iloc[0]) == {7 * 86_400.0}
    assert set(lead.columns.get_level_values("owner")) == {"storage", "network"}
