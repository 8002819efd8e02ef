"""Outages: which zeros are no measurement."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.forecast import forecast
from capacity.frames import wide
from capacity.grids import Seasons
from capacity.outages import without_outages

HOURLY = Seasons(3600, 24, 168)


def left_out(column: np.ndarray) -> int:
    return int(np.isnan(without_outages(column[:, None], HOURLY)).sum())


def test_zeros_at_the_edge_of_a_busy_series_are_an_outage() -> None:
    """36 hours of 0 at the end of a series about 100 are left out, and so are they in the middle; nothing else is."""
    values = 100 + np.random.default_rng(0).normal(0, 5, 500)
    for part in (slice(464, 500), slice(200, 236)):
        broken = values.copy()
        broken[part] = 0
        found = without_outages(broken[:, None], HOURLY)[:, 0]
        assert np.isnan(found[part]).all()
        assert np.isfinite(found).sum() == 464


def test_zeros_that_belong_to_a_series_stay() -> None:
    """Idle nights, a switched-off week, a lone zero, a constant 0 and a series that has none are left as they are."""
    values = 100 + np.random.default_rng(0).normal(0, 5, 500)
    nights, off, lone = values.copy(), values.copy(), values.copy()
    nights[np.arange(500) % 24 < 6] = 0
    off[-168:] = 0
    lone[250] = 0
    assert [left_out(column) for column in (nights, off, lone, np.zeros(500), values)] == [0, 0, 0, 0, 0]


def test_a_forecast_looks_through_an_outage_at_the_cutoff_and_says_so() -> None:
    """After 36 hours of 0 the next day is forecast at about 100, not at about 0, and the note names the zeros."""
    values = 100 + np.random.default_rng(0).normal(0, 5, (500, 1))
    values[-36:] = 0
    times = pd.date_range("2026-03-02T00:00Z", periods=500, freq="1h", unit="us")
    made = forecast(wide(values, times=times, series=[{"node": "a"}], metric="load"), horizon="1d")
    assert abs(made.quantile(0.5).to_numpy().mean() - 100) < 5
    assert "36 zeros that are an outage" in made.notes.iloc[0]
