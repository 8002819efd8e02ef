"""The chance of a breach over windows of several steps: only some series' paths are drawn, and none is missed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.chances import breach_chances
from capacity.decision import Question
from capacity.forecast import Forecast, forecast
from capacity.frames import wide
from capacity.leadtime import lead_time

HOURS, WINDOW, PATHS = 24 * 21, 3, 50


def made() -> Forecast:
    """Return a forecast of ten noisy series, each at a level of its own; the last one ends with a burst."""
    random = np.random.default_rng(3)
    values = np.linspace(20, 80, 10) + random.normal(0, 3, (HOURS, 10))
    values[-1, -1] += 60
    times = pd.date_range("2026-03-02T01:00Z", periods=HOURS, freq="1h", unit="us")
    return forecast(wide(values, times=times, series=[{"node": str(n)} for n in range(10)], metric="m"), horizon="3d")


@pytest.mark.parametrize("aggregate", ["mean", "max", "p75"])
@pytest.mark.parametrize("direction", ["above", "below"])
@pytest.mark.parametrize("steady", [True, False])
def test_the_paths_share_is_that_of_all_paths_counted_one_by_one(aggregate: str, direction: str, steady: bool) -> None:
    """Also of series far from the limit, of the window that reaches into the history, and of a limit that changes."""
    given = made()
    usable = np.full((len(given.index), 10), 50.0)
    if not steady:
        usable[40:] = 65.0 if direction == "above" else 35.0
    asked = Question(
        direction=direction,  # type: ignore[arg-type]
        sustained=pd.Timedelta(WINDOW, "h"),
        aggregate=aggregate,
        reserve=None,
        buffer=0.0,
        lead=lead_time("1d"),
        risk=0.1,
        paths=PATHS,
    )
    recent = given.history.to_numpy()[-WINDOW:]
    _, drawn = breach_chances(given, asked, room=lambda where: usable[:, where], recent=recent)
    paths = given.paths(PATHS)
    pick = {"mean": np.mean, "max": np.max, "p75": lambda window, axis: np.quantile(window, 0.75, axis=axis)}[aggregate]
    for series in range(10):
        met = 0
        for path in paths[:, :, series]:
            whole = np.concatenate([recent[1:, series], path])
            seen = pick(np.lib.stride_tricks.sliding_window_view(whole, WINDOW), axis=1)
            past = seen > usable[:, series] if direction == "above" else seen < usable[:, series]
            met += past.any()
        assert drawn[series] == pytest.approx(met / PATHS)
    assert {0.0, 1.0} <= set(drawn)
