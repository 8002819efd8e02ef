"""Bursts: what a history did once or often is counted, said, and not mistaken for growth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity import frames
from capacity.forecast import forecast
from capacity.outlook import outlook


def noisy(days: int, *, spikes: np.ndarray) -> pd.DataFrame:
    """Return an hourly series about 10 that stands at 95 in the given hours."""
    rows = days * 24
    values = np.random.default_rng(3).normal(10, 1, rows)
    values[spikes] = 95.0
    times = pd.date_range("2026-01-01T01:00Z", periods=rows, freq="1h", unit="us")
    return frames.wide(values[:, None], times=times, series=[{"queue": "orders"}], metric="depth")


def test_an_incident_is_watched_and_not_ordered_for() -> None:
    """Once past the limit in 120 days, and flat since: it is said, it is not fine, and no order is due."""
    history = noisy(120, spikes=np.array([87 * 24]))
    row = outlook(forecast(history, horizon="60d"), limit=90.0, lead_time="21d").table.iloc[0]
    assert row["verdict"] == "watch"
    assert pd.isna(row["order_by"])
    assert "it passed once in 120d, last on 29 Mar 2026" in row["reason"]


def test_bursts_that_keep_coming_are_likely_to_come() -> None:
    """In one hour of a hundred at random: within a month another is all but certain, whatever the median says."""
    often = np.flatnonzero(np.random.default_rng(5).random(80 * 24) < 0.01)
    table = outlook(forecast(noisy(80, spikes=often), horizon="30d"), limit=90.0, lead_time="7d").table
    assert table["probability"].iloc[0] > 0.5
    assert table["verdict"].iloc[0] in ("breach", "order now")
