"""Explanation: components that add up, and one sentence that holds what was done."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.catalog import Event
from capacity.forecast import forecast
from capacity.frames import wide
from capacity.provenance import attach


def frame(values: np.ndarray) -> pd.DataFrame:
    times = pd.date_range("2026-03-02T01:00Z", periods=len(values), freq="1h", unit="us")
    values = np.asarray(values, dtype=float).reshape(len(values), -1)
    made = wide(values, times=times, series=[{"node": f"n{i}"} for i in range(values.shape[1])], metric="load")
    return attach(made, metric="load", unit="count")


def climbing(rows: int = 24 * 42) -> np.ndarray:
    """1 a day about 1000, a day's wave of ±50, a weekend 70 below."""
    hours = np.arange(rows)
    weekend = np.where(hours // 24 % 7 >= 5, -70.0, 0.0)
    noise = np.random.default_rng(0).normal(0, 1, rows)
    return 1000 + hours / 24 + 50 * np.sin(2 * np.pi * hours / 24) + weekend + noise


def test_components_add_up_and_are_what_was_put_in() -> None:
    """Level, day, week, events and the rest sum to the value; the wave of ±50 and the weekend's 70 are found."""
    events = [Event("launch", "x", pd.Timestamp("2026-04-20T00:00Z"), effect=100.0)]
    made = forecast(frame(climbing()), horizon="14d", events=events)
    parts = made.components(0)
    assert list(parts.columns) == ["value", "level", "day", "week", "events", "rest"]
    assert parts.drop(columns="value").sum(axis=1).to_numpy() == pytest.approx(parts["value"].to_numpy())
    assert np.ptp(parts["day"]) / 2 == pytest.approx(50, abs=3)
    assert np.ptp(parts["week"]) == pytest.approx(70, abs=12)
    assert sorted(parts["events"].unique()) == [0.0, 100.0]
    assert len(parts) == len(made.history) + len(made.index)


def test_a_sentence_names_parts_treatment_events_and_scores() -> None:
    """One sentence: level, trend, seasons, what was filled and left out, the launch, the folds."""
    values = climbing()
    values[100:105] = np.nan
    window = Event("outlier_window", "test", pd.Timestamp("2026-03-20T00:00Z"), pd.Timestamp("2026-03-20T06:00Z"))
    launch = Event("launch", "x", pd.Timestamp("2026-04-20T00:00Z"), effect=100.0)
    made = forecast(frame(values), horizon="14d", events=[window, launch])
    said = made.explain("n0")
    for part in ("n0: ", "level 1", "day ±", "week ±", "5 missing samples filled", "6 declared unfit", "launch x"):
        assert part in said
    assert "seasonal naive's" in said
    assert said.endswith(".")
    assert "\n" not in said


@pytest.mark.parametrize(
    "values", [np.full(400, 42.0), np.tile(np.arange(24.0), 21), np.r_[np.full(370, np.nan), np.arange(30.0)]]
)
def test_nothing_is_said_to_be_nan(values: np.ndarray) -> None:
    """A constant, a season that repeats exactly, a series too young for a fold: each has words of its own."""
    other = climbing(len(values))
    said = forecast(frame(np.column_stack([values, other])), horizon="2d").explain(0)
    assert "nan" not in said.lower()
    assert "–" not in said


def test_a_bounded_series_says_on_which_scale_it_was_forecast() -> None:
    """Between 0 and 1 it is a logit scale; without bounds none is named."""
    values = 0.5 + np.random.default_rng(0).normal(0, 0.02, 400)
    assert "logit scale between 0 and 1" in forecast(frame(values), horizon="1d", bounds=(0.0, 1.0)).explain(0)
    assert "logit" not in forecast(frame(values), horizon="1d").explain(0)


def test_a_forecast_is_a_line_in_a_terminal() -> None:
    """Series, models, horizon, cutoff: no frames, no mappings."""
    line = repr(forecast(frame(climbing()), horizon="14d"))
    assert line.startswith("Forecast(1 series: 1 ")
    assert "14d from 2026-04-13 00:00 UTC" in line
    assert len(line) < 120
