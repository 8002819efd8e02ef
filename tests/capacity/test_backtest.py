"""The backtest: honest folds, scores that add up, decisions judged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.backtest import backtest
from capacity.errors import HistoryTooShort
from capacity.forecast import forecast
from capacity.frames import wide
from capacity.scores import mase, seasonal_scale


def frame(values: np.ndarray) -> pd.DataFrame:
    times = pd.date_range("2026-03-02T00:00Z", periods=len(values), freq="1h", unit="us")
    return wide(values, times=times, series=[{"node": f"n{i}"} for i in range(values.shape[1])], metric="load")


def wave(days: int, series: int = 4) -> np.ndarray:
    random = np.random.default_rng(5)
    rows = 24 * days
    return (100 + 20 * np.sin(2 * np.pi * np.arange(rows) / 24))[:, None] + random.normal(0, 2, (rows, series))


def test_a_fold_is_the_forecast_that_would_have_been_made() -> None:
    """The last fold's MASE is that of a forecast of the history cut at its cutoff, worked out by hand."""
    history = frame(wave(50))
    done = backtest(history, horizon="7d", folds=2)
    made = forecast(history, horizon="7d", as_of=done.cutoffs[-1])
    actual = history.iloc[-168:].to_numpy()
    expected = mase(actual, made.quantile(0.5).to_numpy(), seasonal_scale(made.history.to_numpy(), lag=168))
    last = done.scores[done.scores["cutoff"] == done.cutoffs[-1]]
    parts = last.pivot_table(index="series", columns="stretch", values="mase")
    # 48 hours to two days, 120 beyond: the whole is their weighted mean.
    assert ((48 * parts["to 2d"] + 120 * parts["2d to 7d"]) / 168).to_numpy() == pytest.approx(expected)


def test_the_last_fold_ends_with_the_history_and_cutoffs_are_a_horizon_apart() -> None:
    """With room for it, two folds of a week end one and two weeks before the end."""
    history = frame(wave(50))
    done = backtest(history, horizon="7d", folds=2)
    assert [history.index[-1] - cut for cut in done.cutoffs] == [pd.Timedelta(days=14), pd.Timedelta(days=7)]


def test_a_forecastable_fleet_beats_naive_and_is_covered() -> None:
    """A wave and noise: better than seasonal naive (whose error is √2 of the noise), 80 % bands near 80 %."""
    done = backtest(frame(wave(50)), horizon="7d", folds=3)
    assert (done.table["skill"] > 0.1).all()
    assert 0.7 < done.table["coverage80"].mean() < 0.9
    assert len(done.coverage) == 168
    assert done.pit.sum() == pytest.approx(1.0)
    assert (done.table["folds"] == 3).all()


def test_breaches_claimed_are_held_against_what_happened() -> None:
    """A limit far above is never claimed nor met; one within reach is both: the Brier score is near 0 either way."""
    history = frame(wave(60))
    far = backtest(history, horizon="7d", folds=2, limit=1000.0)
    near = backtest(history, horizon="7d", folds=2, limit=110.0)
    assert far.brier is not None
    assert near.brier is not None
    assert far.brier.loc["7d", ["brier", "happened", "claimed"]].tolist() == [0.0, 0.0, 0.0]
    assert near.brier.loc["7d", "brier"] < 0.01
    assert near.brier.loc["7d", "happened"] == 1.0


def test_without_room_for_a_fold_it_says_so() -> None:
    """Ten days of history cannot judge nine days ahead."""
    with pytest.raises(HistoryTooShort, match="no room for a fold"):
        backtest(frame(wave(10)), horizon="9d")


def test_what_comes_after_as_of_is_not_scored() -> None:
    """Changed samples after ``as_of`` change no score."""
    values = wave(40)
    as_of = frame(values).index[24 * 30 - 1]
    changed = values.copy()
    changed[24 * 30 :] *= 9
    tables = [backtest(frame(v), horizon="5d", folds=2, as_of=as_of).table for v in (values, changed)]
    pd.testing.assert_frame_equal(tables[0], tables[1])
