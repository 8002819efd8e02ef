"""Histories of about a day: whatever little there is, there is an answer with a reason, and no traceback."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity import frames
from capacity.forecast import forecast
from capacity.outlook import outlook


@pytest.mark.parametrize("horizon", ["1h", "7d"])
@pytest.mark.parametrize("rows", [24, 25, 26, 40])
def test_a_day_of_history_has_an_answer(rows: int, horizon: str) -> None:
    """Too short for two folds is "cannot judge", by that name."""
    times = pd.date_range("2026-01-01T01:00Z", periods=rows, freq="1h", unit="us")
    values = np.random.default_rng(1).normal(10, 1, (rows, 2))
    history = frames.wide(values, times=times, series=[{"a": "1"}, {"a": "2"}], metric="x")
    made = forecast(history, horizon=horizon)
    table = outlook(made, limit=20.0, lead_time="1d").table
    assert np.isfinite(made.quantile(0.5).to_numpy()).all()
    if made.scores["folds"].iloc[0] < 2:
        assert (table["verdict"] == "cannot judge").all()
        assert table["reason"].str.contains("fewer than 2 folds").all()


@pytest.mark.parametrize("rows", [28, 30, 33])
def test_a_day_of_history_is_not_judged_a_week_ahead(rows: int) -> None:
    """Folds of a day or so have looked a few hours ahead: with a lead time of a day nothing can be cleared."""
    times = pd.date_range("2026-01-01T01:00Z", periods=rows, freq="1h", unit="us")
    values = np.random.default_rng(2).normal(10, 1, (rows, 3))
    history = frames.wide(values, times=times, series=[{"a": name} for name in "123"], metric="x")
    found = outlook(forecast(history, horizon="7d"), limit=20.0, lead_time="1d")
    assert (found.forecast.carried <= 2 * pd.Timedelta(rows - 24, "h")).all()
    assert set(found.table["verdict"]) == {"cannot judge"}
