"""The forecast as its callers see it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.errors import HistoryTooShort, ParameterError
from capacity.forecast import LEVELS, Forecast, forecast
from capacity.frames import wide
from capacity.provenance import attach


def frame(values: np.ndarray, step: str = "1h", metric: str = "load") -> pd.DataFrame:
    values = np.asarray(values, dtype=float).reshape(len(values), -1)
    times = pd.date_range("2026-03-02T00:00Z", periods=len(values), freq=step, unit="us")
    series = [{"region": "eu", "node": f"n{place}"} for place in range(values.shape[1])]
    return wide(values, times=times, series=series, metric=metric)


def wave(rows: int, series: int = 1, noise: float = 2.0) -> np.ndarray:
    random = np.random.default_rng(11)
    return (100 + 20 * np.sin(2 * np.pi * np.arange(rows) / 24))[:, None] + random.normal(0, noise, (rows, series))


def chance_of_passing(made: Forecast, level: float) -> float:
    return float((made.paths(1000)[:, :, 0].max(axis=1) > level).mean())


@pytest.mark.parametrize(("horizon", "word"), [("0d", "not positive"), ("-3d", "not a duration"), ("soon", "90d")])
def test_a_horizon_that_cannot_be_used_says_what_to_type(horizon: str, word: str) -> None:
    """Zero, negative and unreadable horizons are parameter errors that show how to write one."""
    with pytest.raises(ParameterError, match=word):
        forecast(frame(wave(400)), horizon=horizon)


def test_a_horizon_below_one_step_is_refused() -> None:
    """Half an hour ahead of an hourly history is no step."""
    with pytest.raises(ParameterError, match="shorter than one step"):
        forecast(frame(wave(400)), horizon="30m")


def test_a_mistyped_model_is_told_the_nearest() -> None:
    """``prohpet`` is asked about ``prophet``, and all names are listed."""
    with pytest.raises(ParameterError, match=r"'prophet'.*auto, fleet, naive"):
        forecast(frame(wave(400)), model="prohpet")


@pytest.mark.parametrize("bounds", [(1.0, 0.0), (5.0, 5.0)])
def test_bounds_without_room_are_refused(bounds: tuple[float, float]) -> None:
    """The lower bound must be below the upper one."""
    with pytest.raises(ParameterError, match="leave no room"):
        forecast(frame(wave(400)), bounds=bounds)


def test_a_level_outside_the_stored_ones_is_refused_and_one_between_is_interpolated() -> None:
    """0.85 lies between 0.8 and 0.9; 0.99 was not asked for."""
    made = forecast(frame(wave(400)), horizon="1d")
    middle = made.quantile(0.85).to_numpy()
    assert (made.quantile(0.8).to_numpy() < middle).all()
    assert (middle < made.quantile(0.9).to_numpy()).all()
    with pytest.raises(ParameterError, match="outside"):
        made.quantile(0.99)
    wide_levels = forecast(frame(wave(400)), horizon="1d", quantiles=(0.01, 0.5, 0.99))
    assert (wide_levels.quantile(0.99).to_numpy() > made.quantile(0.975).to_numpy()).all()


def test_no_series_at_all_is_an_error_with_the_reasons() -> None:
    """Where every series is skipped there is no forecast, and the message says why."""
    with pytest.raises(HistoryTooShort, match="too short"):
        forecast(frame(wave(5)))
    with pytest.raises(HistoryTooShort, match="every sample is missing"):
        forecast(frame(np.full((100, 2), np.nan)))


def test_a_result_says_where_it_comes_from() -> None:
    """Units, provenance, seed, cutoff, step and skipped series travel with the forecast."""
    values = wave(400, series=2)
    values[:, 1] = np.nan
    history = attach(frame(values), "load", query="sum(load)", unit="bytes")
    made = forecast(history, horizon="1d", seed=5)
    assert dict(made.units) == {"load": "bytes"}
    assert made.provenance["load"].query == "sum(load)"
    assert (made.seed, made.step, made.cutoff) == (5, pd.Timedelta("1h"), history.index[-1])
    assert [one.series for one in made.skipped] == ["eu/n1"]


def test_what_is_carried_is_the_span_of_each_series_own_history() -> None:
    """A node that is five days old carries five days, its neighbour all 40."""
    values = wave(24 * 40, series=2)
    values[: 24 * 35, 1] = np.nan
    made = forecast(frame(values), horizon="10d")
    assert made.carried.tolist() == [pd.Timedelta(days=40), pd.Timedelta(days=5)]


def test_explain_is_one_sentence_by_column_name_or_place() -> None:
    """A series is found by its column, its name or its position, and told in one sentence."""
    made = forecast(frame(wave(24 * 30, series=2)), horizon="7d")
    said = made.explain("eu/n1")
    assert said == made.explain(1) == made.explain(made.columns[1])
    assert said.startswith("eu/n1: fleet, ")
    assert "seasonal naive's" in said
    with pytest.raises(ParameterError, match="no series"):
        made.explain("eu/n9")


def test_a_linear_fill_is_continued_along_its_drift() -> None:
    """A disk that fills 2 a day about 500 stands at 500 + 2 × 180 after 120 days of history and 60 more, within 3 %."""
    days = np.arange(24 * 120) / 24
    values = 500 + 2 * days + np.random.default_rng(0).normal(0, 1, len(days))
    made = forecast(frame(values), horizon="60d")
    end = made.quantile(0.5).to_numpy()[-1, 0]
    assert end == pytest.approx(500 + 2 * 180, rel=0.03)
    spread = (made.quantile(0.9) - made.quantile(0.1)).to_numpy()[:, 0]
    assert spread[-24:].mean() > spread[:24].mean()


def test_a_flat_series_stays_flat() -> None:
    """Noise of 3 about 100 for 120 days: in 90 days the median is still 100 ± 2 and 130 is out of reach."""
    values = 100 + np.random.default_rng(0).normal(0, 3, 24 * 120)
    made = forecast(frame(values), horizon="90d")
    assert made.quantile(0.5).to_numpy()[-24:].mean() == pytest.approx(100, abs=2)
    assert chance_of_passing(made, 130) < 0.05


def test_busy_hours_are_kept_at_the_end_of_a_long_horizon() -> None:
    """After 60 days the busy hour is still 40 above the quiet one, at its own hour."""
    made = forecast(frame(wave(24 * 90)), horizon="60d")
    last = made.quantile(0.5).iloc[-24:, 0]
    assert last.max() - last.min() == pytest.approx(40, abs=4)
    assert last.idxmax().hour in (5, 6, 7)


def test_a_jump_three_days_ago_restarts_the_level_and_keeps_the_season() -> None:
    """From 100 to 150, three days before the cutoff: next week is about 150, with the day's wave."""
    values = wave(24 * 60)
    values[-72:] += 50
    made = forecast(frame(values), horizon="7d")
    week = made.quantile(0.5).iloc[:, 0]
    assert week.mean() == pytest.approx(150, abs=4)
    assert week.max() - week.min() == pytest.approx(40, abs=6)


def test_a_leak_that_began_three_weeks_ago_is_followed() -> None:
    """Flat for 100 days, then 3 a day for 20: in 20 days about 60 more, not none."""
    values = 100 + np.maximum(np.arange(24 * 120) - 24 * 100, 0) / 8 + np.random.default_rng(0).normal(0, 2, 24 * 120)
    made = forecast(frame(values), horizon="20d")
    assert made.quantile(0.5).to_numpy()[-24:].mean() == pytest.approx(220, abs=15)
    assert "a climb" in made.explain(0)


def test_quarter_hours_and_hours_agree_on_a_breach() -> None:
    """The noise trap: a slow wander seen at 15 min and at 1 h has the same chance of passing a limit in a week."""
    random = np.random.default_rng(4)
    slow = np.zeros(4 * 24 * 60)
    for step in range(1, len(slow)):
        slow[step] = 0.998 * slow[step - 1] + random.normal(0, 0.4)
    fine = 100 + slow
    coarse = fine.reshape(-1, 4).mean(axis=1)
    level = 100 + 1.5 * slow.std()
    chances = [
        chance_of_passing(forecast(frame(v, s), horizon="7d"), level) for v, s in ((fine, "15min"), (coarse, "1h"))
    ]
    assert chances[0] == pytest.approx(chances[1], abs=0.15)
    assert 0.02 < chances[1] < 0.9


def test_a_random_walk_fleet_touches_about_twice_as_often_as_it_ends_beyond() -> None:
    """Coherence after calibration: over a fleet of driftless walks the touched share is twice the marginal one."""
    walks = 1000 + np.cumsum(np.random.default_rng(8).normal(0, 1, (24 * 60, 30)), axis=0)
    made = forecast(frame(walks), horizon="10d", bounds=(None, None))
    paths = made.paths(500)
    ahead = paths - paths[:, :1].mean(axis=0, keepdims=True)
    level = 15.0
    touched, ended = (ahead.max(axis=1) > level).mean(), (ahead[:, -1] > level).mean()
    assert 1.5 < touched / ended < 2.4


def test_calibration_holds_on_what_comes() -> None:
    """Forty series, three weeks seen, one week ahead: the 80 % band holds 72 to 88 % of what came."""
    random = np.random.default_rng(21)
    slow = np.zeros((24 * 28, 40))
    for step in range(1, len(slow)):
        slow[step] = 0.97 * slow[step - 1] + random.normal(0, 1, 40)
    values = wave(24 * 28, series=40, noise=1.0) + slow
    made = forecast(frame(values[: 24 * 21]), horizon="7d")
    came = values[24 * 21 :]
    low, high = made.quantile(0.1).to_numpy(), made.quantile(0.9).to_numpy()
    assert 0.72 < ((came >= low) & (came <= high)).mean() < 0.88


def test_progress_is_told_and_ends_whole() -> None:
    """``progress(done, total, what)``: done never falls and ends at total."""
    told: list[tuple[int, int, str]] = []
    forecast(frame(wave(400)), horizon="1d", progress=lambda done, total, what: told.append((done, total, what)))
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert told[-1][0] == told[-1][1]


def test_a_metric_that_never_was_negative_stays_so() -> None:
    """Idle for most of the time and near zero: no path falls below zero without a bound being given."""
    values = np.abs(np.random.default_rng(1).normal(0, 1, 24 * 30))
    made = forecast(frame(values), horizon="7d")
    assert made.paths(200).min() >= 0


def test_default_levels_hold_the_two_intervals_that_are_told() -> None:
    """80 % is 0.1 to 0.9, 95 % is 0.025 to 0.975; both are stored."""
    assert {0.025, 0.1, 0.5, 0.9, 0.975} <= set(LEVELS)
    assert list(LEVELS) == sorted(LEVELS)
