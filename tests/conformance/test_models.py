"""Every model of the registry, by the same rules. A new model is judged here without a line being added."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.forecast import Forecast, forecast
from capacity.frames import wide
from capacity.grids import seasons
from capacity.models import AUTO, MODELS, load_model
from capacity.models.base import Problem

NAMES = (AUTO, *MODELS)
OPTIMISERS = ("prophet", "ets", "sarimax", "ucm", "stl")


def frame(values: np.ndarray, step: str = "1h") -> pd.DataFrame:
    times = pd.date_range("2026-03-02T00:00Z", periods=len(values), freq=step, unit="us")
    series = [{"node": f"n{place}"} for place in range(values.shape[1])]
    return wide(values, times=times, series=series, metric="load")


def daily(rows: int, series: int = 2, day: int = 24, seed: int = 7) -> np.ndarray:
    """A day's wave of 20 about 100, and noise of 2."""
    random = np.random.default_rng(seed)
    wave = 100 + 20 * np.sin(2 * np.pi * np.arange(rows) / day)
    return wave[:, None] + random.normal(0, 2, (rows, series))


def same(one: Forecast, other: Forecast) -> bool:
    quantiles = all(one.quantile(q).to_numpy().tobytes() == other.quantile(q).to_numpy().tobytes() for q in one.levels)
    return quantiles and one.paths(20).tobytes() == other.paths(20).tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_same_data_and_seed_give_the_same_bytes_and_another_seed_other_paths(name: str) -> None:
    """Same data, same cutoff, same seed: the same bytes; the seed moves paths, never quantiles."""
    history = frame(daily(24 * 16))
    first = forecast(history, horizon="2d", model=name)
    other = forecast(history, horizon="2d", model=name, seed=1)
    assert same(first, forecast(history, horizon="2d", model=name))
    assert first.quantile(0.9).equals(other.quantile(0.9))
    assert not np.array_equal(first.paths(20), other.paths(20))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_after_as_of_changes_a_byte(name: str) -> None:
    """Samples after ``as_of`` that are changed, missing or infinite leave the forecast as it was."""
    values = daily(24 * 18)
    as_of = frame(values).index[24 * 16 - 1]
    changed = values.copy()
    changed[24 * 16 :] = [[1e9, np.inf]]
    changed[24 * 17 :] = np.nan
    plain = forecast(frame(values), horizon="1d", model=name, as_of=as_of)
    assert same(plain, forecast(frame(changed), horizon="1d", model=name, as_of=as_of))
    assert plain.cutoff == as_of


@pytest.mark.parametrize("name", MODELS)
def test_a_fold_sees_nothing_past_its_cutoff(name: str) -> None:
    """The points of a cutoff are the same bytes, whatever comes after it."""
    values = daily(24 * 16, series=1)
    cut = 24 * 12
    changed = values.copy()
    changed[cut:] = changed[cut:] * 50 + 1e4
    answers = [load_model(name).points(problem(one), (24 * 10, cut, len(one))).points[:2] for one in (values, changed)]
    assert answers[0].tobytes() == answers[1].tobytes()


def problem(values: np.ndarray) -> Problem:
    times = frame(values).index
    assert isinstance(times, pd.DatetimeIndex)
    grid = seasons(times[1] - times[0], len(values))
    return Problem(values, times, 36, grid, np.zeros(values.shape[1], dtype=np.int64))


@pytest.mark.parametrize("name", MODELS)
def test_points_have_the_shape_of_the_contract(name: str) -> None:
    """Points are (cutoff, horizon, series), all finite, with a note for every series."""
    answer = load_model(name).points(problem(daily(24 * 16, series=3)), (24 * 12, 24 * 16))
    assert answer.points.shape == (2, 36, 3)
    assert np.isfinite(answer.points).all()
    assert len(answer.notes) == 3
    assert all(answer.notes)


@pytest.mark.parametrize("name", NAMES)
def test_a_forecast_has_the_horizon_and_the_series(name: str) -> None:
    """Quantiles are horizon × series on the instants right after the cutoff; paths are (n, horizon, series)."""
    history = frame(daily(24 * 16))
    made = forecast(history, horizon="36h", model=name)
    assert made.quantile(0.5).shape == (36, 2)
    assert made.index[0] == history.index[-1] + pd.Timedelta(hours=1)
    assert made.index[-1] == history.index[-1] + pd.Timedelta(hours=36)
    assert made.paths(5).shape == (5, 36, 2)
    assert list(made.columns) == list(history.columns)


@pytest.mark.parametrize("name", NAMES)
def test_a_constant_stays_what_it_is(name: str) -> None:
    """A series that never moved is forecast as itself, on every path."""
    made = forecast(frame(np.full((24 * 16, 1), 42.0)), horizon="2d", model=name)
    assert np.allclose(made.paths(10), 42.0, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_gaps_are_no_samples_and_no_zeros(name: str) -> None:
    """A tenth of samples and two whole days missing move the median by little; all-NaN is skipped with its reason."""
    values = daily(24 * 16, series=3)
    values[np.random.default_rng(0).random(len(values)) < 0.1, 0] = np.nan
    values[24 * 8 : 24 * 10, 1] = np.nan
    values[:, 2] = np.nan
    made = forecast(frame(values), horizon="1d", model=name)
    wave = 100 + 20 * np.sin(2 * np.pi * np.arange(24) / 24)
    limit = 45 if name == "linear" else 6
    assert np.abs(made.quantile(0.5).to_numpy() - wave[:, None]).mean() < limit
    assert [(one.series, one.reason) for one in made.skipped] == [("n2", "no data")]


@pytest.mark.parametrize("name", NAMES)
def test_a_short_series_is_skipped_beside_one_that_is_not(name: str) -> None:
    """Five samples are too short, and say so; the other series is forecast."""
    values = daily(24 * 16)
    values[:-5, 1] = np.nan
    made = forecast(frame(values), horizon="1d", model=name)
    assert [(one.series, one.reason) for one in made.skipped] == [("n1", "too short")]
    assert made.paths(3).shape == (3, 24, 1)


@pytest.mark.parametrize("name", NAMES)
def test_one_step_ahead_is_a_horizon(name: str) -> None:
    """The shortest horizon is one step."""
    assert forecast(frame(daily(24 * 16)), horizon="1h", model=name).paths(4).shape == (4, 1, 2)


@pytest.mark.parametrize("name", NAMES)
def test_bounds_hold_on_every_path(name: str) -> None:
    """A ratio near its ceiling, climbing, never passes 1 or falls below 0, on any path or quantile."""
    random = np.random.default_rng(3)
    climb = np.linspace(0.6, 0.97, 24 * 16)[:, None] + random.normal(0, 0.03, (24 * 16, 2))
    made = forecast(frame(climb.clip(0, 1)), horizon="7d", model=name, bounds=(0.0, 1.0))
    assert made.paths(200).min() >= 0
    assert made.paths(200).max() <= 1
    assert made.quantile(0.975).to_numpy().max() <= 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("step", "rows", "day", "horizon"), [("1D", 140, 7, "14d"), ("1min", 4 * 1440, 1440, "2h")])
def test_steps_of_a_minute_and_of_a_day(name: str, step: str, rows: int, day: int, horizon: str) -> None:
    """The same call serves one-minute and daily grids, and its bands hold most of what is near."""
    made = forecast(frame(daily(rows, series=1, day=day), step), horizon=horizon, model=name)
    low, high = made.quantile(0.025).to_numpy(), made.quantile(0.975).to_numpy()
    assert (low <= high).all()
    assert np.isfinite(made.paths(5)).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_unit_does_not_matter(name: str) -> None:
    """Demand in bytes or in GiB: the same forecast in another unit, to 1e-6 for ours and 2 % for optimisers."""
    values = daily(24 * 16)
    small = forecast(frame(values), horizon="1d", model=name)
    large = forecast(frame(values * 2.0**30), horizon="1d", model=name)
    tolerance = 0.02 if name in OPTIMISERS else 1e-6
    for level in (0.1, 0.5, 0.9):
        one, other = small.quantile(level).to_numpy(), large.quantile(level).to_numpy() / 2.0**30
        assert np.allclose(one, other, rtol=tolerance)


@pytest.mark.parametrize("name", NAMES)
def test_a_forecast_says_nothing_on_the_side(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Not a word on stdout or stderr, from Python or from what it calls; warnings are errors in all tests."""
    forecast(frame(daily(24 * 16, series=1)), horizon="1d", model=name)
    assert capfd.readouterr() == ("", "")


def odd(rows: int) -> np.ndarray:
    """A lone spike; zeros and ones; a late step; a sawtooth; four in five missing; tiny numbers; tenfold growth."""
    time = np.arange(rows)
    random = np.random.default_rng(5)
    sparse = np.where(time % 5 == 0, 50 + random.normal(0, 1, rows), np.nan)
    columns = [
        np.where(time == rows // 2, 1e6, 0.0),
        (random.random(rows) < 0.1).astype(float),
        np.where(time < rows - 30, 5.0, 9.0),
        time % 24.0,
        sparse,
        1e-9 * (1 + random.random(rows)),
        10.0 ** (time / rows),
    ]
    return np.column_stack(columns)


@pytest.mark.parametrize("name", NAMES)
def test_no_series_is_so_odd_that_it_takes_the_fleet_down(name: str) -> None:
    """Whatever an optimiser makes of them, every series has finite paths, no median runs away, and each has a note."""
    values = odd(24 * 12)
    made = forecast(frame(values), horizon="1d", model=name)
    assert np.isfinite(made.paths(10)).all()
    median = made.quantile(0.5).to_numpy()
    assert (np.abs(median).max(axis=0) <= 3 * np.nanmax(np.abs(values), axis=0)).all()
    assert all(made.notes)
    assert not any("nan" in made.explain(place) for place in range(values.shape[1]))


@pytest.mark.parametrize("name", MODELS)
def test_one_series_does_not_depend_on_those_beside_it(name: str) -> None:
    """A model's points for a series are the same beside another and alone, to rounding."""
    values = daily(24 * 16, series=2)
    cutoffs = (24 * 12, 24 * 16)
    both, alone = (load_model(name).points(problem(one), cutoffs).points for one in (values, values[:, :1]))
    if name != "fleet":  # which shares the weights of its candidates within a kind
        assert np.allclose(both[:, :, :1], alone, rtol=1e-9)
    assert np.abs(both[:, :, :1] - alone).max() < 10
