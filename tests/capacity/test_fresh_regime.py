"""A level that has only just changed: said to be so, and judged again once folds have seen it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.catalog import Event
from capacity.forecast import forecast
from capacity.frames import wide
from capacity.outlook import outlook

ROWS = 24 * 60


def history(days: float) -> pd.DataFrame:
    """A day's wave about 100 that jumped to 150 so many days before the end."""
    times = pd.date_range("2026-03-02T01:00Z", periods=ROWS, freq="1h", unit="us")
    wave = 100 + 10 * np.sin(2 * np.pi * np.arange(ROWS) / 24) + np.random.default_rng(3).normal(0, 1, ROWS)
    wave[ROWS - round(24 * days) :] += 50
    return wide(wave[:, None], times=times, series=[{"node": "n0"}], metric="load")


@pytest.mark.parametrize(("days", "declared"), [(2, False), (1, True), (2, True)])
def test_a_jump_younger_than_three_days_cannot_be_judged(days: float, declared: bool) -> None:
    """Found or declared: "cannot judge", because the regime just changed, and since when."""
    demand = history(days)
    events = [Event("level_shift", "move", demand.index[-1 - 24 * int(days)])] if declared else None
    found = outlook(forecast(demand, horizon="28d", events=events), limit=300.0)
    assert found.table["verdict"].tolist() == ["cannot judge"]
    assert found.table["reason"].iloc[0].startswith("regime just changed")
    assert [one.reason for one in found.skipped] == ["regime just changed"]


def test_a_jump_past_the_limit_is_past_whatever_its_age() -> None:
    """Bad news waits for no fold: 150 is past 120 today."""
    assert outlook(forecast(history(2), horizon="28d"), limit=120.0).table["verdict"].tolist() == ["past"]


def test_a_jump_of_last_week_is_judged() -> None:
    """Eight days on, the level is known: far below 500 it is fine."""
    found = outlook(forecast(history(8), horizon="28d"), limit=500.0)
    assert found.table["verdict"].tolist() == ["fine"]


def test_when_it_jumped_is_told() -> None:
    """``since`` is the first instant of the new level, within a day; NaT where there was no jump."""
    made = forecast(history(5), horizon="7d")
    assert made.since is not None
    assert abs(made.since.iloc[0] - made.history.index[-24 * 5]) <= pd.Timedelta(days=1)
    calm = forecast(history(0), horizon="7d").since
    assert calm is not None
    assert calm.isna().all()
