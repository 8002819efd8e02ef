"""A straight line with a little noise: whatever its length and the horizon, its future is the line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity import frames
from capacity.forecast import forecast

RATE, NOISE = 3.0, 0.6


def line(days: int, *, seed: int) -> pd.DataFrame:
    """Return an hourly line that rises by `RATE` a day from 100, with white noise."""
    rows = days * 24
    times = pd.date_range("2026-01-01T01:00Z", periods=rows, freq="1h", unit="us")
    noise = np.random.default_rng(seed).normal(0, NOISE, rows)
    return frames.wide((100 + RATE * np.arange(rows) / 24 + noise)[:, None], times=times, series=[{}], metric="disk")


@pytest.mark.parametrize("horizon", [7, 30, 60])
@pytest.mark.parametrize("days", [35, 45, 53, 58, 62, 65, 70, 73, 77, 90, 120])
def test_a_line_goes_on(days: int, horizon: int) -> None:
    """The median follows the line, and the 80 % band holds it and stays narrow: no length has an ignorant fold."""
    made = forecast(line(days, seed=days), horizon=f"{horizon}d")
    end = 100 + RATE * (days + horizon)
    low, middle, high = (float(made.quantile(level).iloc[-1, 0]) for level in (0.1, 0.5, 0.9))
    assert low - 3 * NOISE < end < high + 3 * NOISE
    assert abs(middle - end) < 0.15 * RATE * horizon + 2 * NOISE
    assert high - low < 0.5 * RATE * horizon + 6 * NOISE


def test_a_day_ahead_does_not_depend_on_how_far_one_looks() -> None:
    """The band of the seventh day is the same, whether the horizon is a week, a month or two."""
    bands = [
        forecast(line(65, seed=1), horizon=f"{horizon}d").quantile(level).iloc[167, 0]
        for level in (0.1, 0.9)
        for horizon in (7, 30, 60)
    ]
    assert max(bands[:3]) - min(bands[:3]) < NOISE
    assert max(bands[3:]) - min(bands[3:]) < NOISE
