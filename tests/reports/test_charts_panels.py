"""Telemetry as it was: lines, events, heatmaps and states, judged by their specification on frames made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from capacity.frames import wide
from reports import charts, theme

HOURS = 48
TIMES = pd.date_range("2026-10-30T01:00Z", periods=HOURS, freq="1h", unit="us")


def frame(values: np.ndarray, label: str, names: list[str], metric: str = "m") -> pd.DataFrame:
    return wide(values, times=TIMES[: len(values)], series=[{label: name} for name in names], metric=metric)


def rows(chart: Any) -> list[dict[str, Any]]:
    return [row for found in chart.to_dict()["datasets"].values() for row in found]


def test_lines_draw_each_series_in_the_unit_that_reads_well() -> None:
    """Two regions in Mbit/s, a limit of 2 Gbit/s, and a gap that stays one."""
    values = np.stack([np.full(HOURS, 1e9), np.full(HOURS, 5e8)], axis=1)
    values[10, 0] = np.nan
    chart = charts.lines(frame(values, "region", ["eu", "us"]), unit="bits_per_second", title="Used", limit=2e9)
    found = rows(chart)
    drawn = {name: [row["value"] for row in found if row.get("series") == name] for name in ("eu", "us")}
    assert drawn["us"] == [0.5] * HOURS
    assert drawn["eu"][10] is None
    assert [row["limit"] for row in found if "limit" in row] == [2.0]
    assert "eu 1 Gbit/s, us 500 Mbit/s. Limit 2 Gbit/s" in chart.to_dict()["description"]


def test_long_lines_keep_their_peak_at_two_points_a_pixel() -> None:
    """Ten thousand points become at most two for each of 900 pixels, and the one spike is still there."""
    values = np.ones((10_000, 1))
    values[4321] = 7.0
    times = pd.date_range("2026-01-01T00:00Z", periods=len(values), freq="1min", unit="us")
    made = wide(values, times=times, series=[{"node": "a"}], metric="m")
    drawn = [row["value"] for row in rows(charts.lines(made, unit="count", title="Long")) if "value" in row]
    assert len(drawn) <= 1800
    assert max(drawn) == 7.0


def test_at_most_six_lines_those_that_come_highest() -> None:
    """Of nine series the three lowest are left out; more colours cannot be told apart."""
    values = np.tile(np.arange(9.0), (HOURS, 1))
    chart = charts.lines(frame(values, "node", [f"n{at}" for at in range(9)]), unit="count", title="Many")
    assert {row["series"] for row in rows(chart)} == {f"n{at}" for at in range(3, 9)}


def test_events_stand_upon_each_other_and_are_counted() -> None:
    """Two in one hour in the east, three in the west: the upper bar begins where the lower ends."""
    values = np.zeros((HOURS, 2))
    values[5] = [2.0, 3.0]
    found = rows(charts.events(frame(values, "region", ["east", "west"]), title="Faults", what="faults"))
    assert [(row["series"], row["from"], row["up to"]) for row in found] == [("east", 0.0, 2.0), ("west", 2.0, 5.0)]
    assert {(row["time"], row["to"]) for row in found} == {("2026-10-30T05:00Z", "2026-10-30T06:00Z")}


def test_a_heatmap_shows_the_share_of_each_bucket() -> None:
    """Of ten observations an hour five lie up to 1 s, four between, one above: .5, .4, .1."""
    values = np.tile([5.0, 9.0, 10.0], (HOURS, 1))
    chart = charts.heatmap(frame(values, "le", ["1", "2", "+Inf"]), unit="seconds", title="Latency")
    found = rows(chart)
    assert {(row["row"], row["share"]) for row in found} == {("≤ 1 s", 0.5), ("1 s – 2 s", 0.4), ("> 2 s", 0.1)}
    assert len(found) == 3 * HOURS
    assert "Most observations fall into ≤ 1 s" in chart.to_dict()["description"]


def test_an_hour_without_observations_is_a_hole_in_the_heatmap() -> None:
    """Nothing counted is nothing drawn, not a share of nothing."""
    values = np.tile([5.0, 10.0], (HOURS, 1))
    values[3] = 0.0
    found = rows(charts.heatmap(frame(values, "le", ["1", "+Inf"]), unit="seconds", title="Latency"))
    assert len(found) == 2 * (HOURS - 1)


@pytest.mark.parametrize(("at", "told"), [(None, "None was open."), (7, "open at some time: PBA.")])
def test_states_are_named_and_the_worst_is_told(at: int | None, told: str) -> None:
    """A strip a component, a cell an hour, the state's own word; who was in the worst is said."""
    values = np.zeros((HOURS, 2))
    if at is not None:
        values[at, 1] = 2.0
    named = {0: ("closed", theme.GREEN), 2: ("open", theme.VERMILLION)}
    chart = charts.states(frame(values, "component", ["AMST", "PBA"]), named, title="Breakers")
    assert len(rows(chart)) == 2 * HOURS
    assert [row["series"] for row in rows(chart) if row["state"] == "open"] == ["PBA"] * (at is not None)
    assert told in chart.to_dict()["description"]
