"""The backtest: honest folds, scores that add up, decisions judged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.backtest import backtest
from capacity.catalog import Event
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


def test_chances_are_better_than_lines_where_noise_decides() -> None:
    """A limit that a week of white noise passes half of the time: a line says never, and half of that is wrong.

    The median of the highest of 168 normal values lies 2.65 deviations up: Φ(2.65)^168 is one half.
    """
    random = np.random.default_rng(8)
    history = frame(100 + 2 * random.standard_normal((24 * 60, 40)))
    done = backtest(history, horizon="7d", folds=3, limit=100 + 2 * 2.65)
    assert done.brier is not None
    assert done.against is not None
    row = done.brier.loc["7d"]
    assert row["happened"] == pytest.approx(0.5, abs=0.15)
    assert row["brier"] < 0.27
    assert row["log_loss"] < 0.75
    rule = done.against.loc[("7d", "point")]
    assert rule["brier"] == pytest.approx(row["happened"])
    assert rule["skill"] == pytest.approx(1 - row["brier"] / rule["brier"])
    assert (done.against["skill"] > 0.2).all()
    assert (done.against["date_skill"] > 0).all()


def test_a_rule_claims_what_its_line_does() -> None:
    """A climb of one a day, seen until day 30: its line passes 35 within a week, the last week repeated never does."""
    days = np.arange(24 * 40) / 24
    done = backtest(frame(np.tile(days[:, None], (1, 3))), horizon="10d", folds=1, limit=35.0)
    assert done.against is not None
    assert done.against.loc[("7d", "predict_linear"), "brier"] == 0.0
    assert done.against.loc[("7d", "seasonal naive"), "brier"] == 1.0
    assert np.isnan(done.against.loc[("7d", "predict_linear"), "skill"])


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


def test_a_fold_knows_nothing_of_what_came_after_it() -> None:
    """Samples of the last fold's horizon, changed, leave every score of the folds before as it was, to the bit."""
    values = wave(50)
    changed = values.copy()
    changed[-168:] *= 7
    first, second = (backtest(frame(v), horizon="7d", folds=3) for v in (values, changed))
    early = [done.scores[done.scores["cutoff"] < done.cutoffs[-1]] for done in (first, second)]
    pd.testing.assert_frame_equal(early[0], early[1], check_exact=True)
    late = [done.scores[done.scores["cutoff"] == done.cutoffs[-1]] for done in (first, second)]
    assert not late[0].equals(late[1])


def test_within_the_gap_nothing_is_scored_and_its_samples_are_not_seen() -> None:
    """With a day's gap the first 24 steps have no count, the horizon's 72 have one a series, and cutoffs move back."""
    history = frame(wave(50))
    done = backtest(history, horizon="3d", folds=1, gap="1d")
    assert done.coverage["count"].tolist() == [0] * 24 + [4] * 72
    assert history.index[-1] - done.cutoffs[0] == pd.Timedelta(days=4)


def test_a_sliding_fold_sees_its_window_and_no_more() -> None:
    """Samples older than three weeks before the only cutoff, changed, change no score; expanding, they do."""
    values = wave(50)
    changed = values.copy()
    changed[: 24 * 20] += np.random.default_rng(0).normal(0, 30, (24 * 20, 4))
    tables = {
        window: [backtest(frame(v), horizon="7d", folds=1, window=window).table for v in (values, changed)]
        for window in ("21d", None)
    }
    pd.testing.assert_frame_equal(*tables["21d"], check_exact=True)
    assert not tables[None][0].equals(tables[None][1])


def test_what_is_declared_unfit_is_neither_learnt_from_nor_scored() -> None:
    """An incident of ten times the load in the truth: scored, the error is many times what it is with it declared."""
    values = wave(50)
    values[-60:-40] *= 10
    history = frame(values)
    incident = Event("outlier_window", "x", history.index[-61], history.index[-41])
    plain = backtest(history, horizon="7d", folds=1).table["mase"].mean()
    told = backtest(history, horizon="7d", folds=1, events=[incident]).table["mase"].mean()
    assert told < 1 < plain / 5


def test_a_backtest_is_a_line_in_a_terminal_and_a_table_in_a_notebook() -> None:
    """One line with series, folds and scores; the table escapes labels and shows the worst series first."""
    done = backtest(frame(wave(50)), horizon="7d", folds=2)
    assert repr(done).startswith("Backtest(4 series, 2 folds of 7d: error 0.")
    assert "band)" in repr(done)
    page = done._repr_html_()
    assert page.count("<tr>") == 5
    assert "WQL" in page
    worst = done.table["skill"].idxmin()
    assert page.index(f"<td>{worst[1]}</td>") == min(page.index(f"<td>n{i}</td>") for i in range(4))


def test_widths_grow_with_coverage_and_steps_are_counted() -> None:
    """The 95 % band is wider than the 80 % one at every step ahead."""
    done = backtest(frame(wave(50)), horizon="7d", folds=2)
    assert (done.coverage["width95"] > done.coverage["width80"]).all()
    assert done.coverage["count"].tolist() == [8] * 168
