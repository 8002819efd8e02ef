"""First passage: the event over paths, against closed forms and the slow, obvious way."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.errors import ParameterError
from capacity.outlook import outlook
from capacity.passage import block_size, first_passage, past, quantile_step, rolling, window_steps
from tests.support.paths import CUTOFF, known_forecast, walks


def shares(paths: Any, *, usable: float, tail: Any = None, window: int = 1, **how: Any) -> list[float]:
    values = np.asarray(paths, dtype=float)[:, :, None]
    found = first_passage(
        [(slice(0, 1), values)],
        tail=np.zeros((window - 1, 1)) if tail is None else np.asarray(tail, dtype=float)[:, None],
        usable=lambda _: np.full((values.shape[1], 1), usable),
        window=window,
        shape=(values.shape[1], 1),
        **how,
    )
    return [float(share) for share in found[:, 0]]


def touched(t: float, *, distance: float, drift: float, deviation: float) -> float:
    """Return P(T ≤ t) of Brownian motion with drift, in continuous time."""
    phi = NormalDist().cdf
    root = deviation * np.sqrt(t)
    late = np.exp(2 * drift * distance / deviation**2) * phi(-(distance + drift * t) / root)
    return float(phi((drift * t - distance) / root) + late)


@pytest.mark.parametrize(("drift", "distance"), [(0.0, 4.0), (0.05, 6.0), (-0.05, 3.0), (0.2, 8.0)])
def test_random_walks_meet_a_limit_as_the_closed_form_says(drift: float, distance: float) -> None:
    """With 0.583·σ√Δ added to the distance for the grid, 20,000 paths agree within four standard errors and 0.01."""
    steps, count = 64, 20_000
    paths = walks(count=count, steps=steps, drift=drift, deviation=1.0, seed=7)
    curve = shares(paths[:, :, 0], usable=distance)
    for t in (16, 32, 64):
        truth = touched(t, distance=distance + 0.583, drift=drift, deviation=1.0)
        assert curve[t - 1] == pytest.approx(truth, abs=0.01 + 4 * np.sqrt(truth * (1 - truth) / count))


def test_without_drift_touching_is_twice_as_likely_as_being_past() -> None:
    """The reflection principle: this is what the edge of a marginal band gets wrong by a factor of two."""
    paths = walks(count=20_000, steps=400, drift=0.0, deviation=1.0, seed=3)[:, :, 0]
    ever = shares(paths, usable=20.0 - 0.583)[-1]
    assert ever / float((paths[:, -1] > 20.0).mean()) == pytest.approx(2.0, abs=0.1)


def test_an_autocorrelated_process_meets_its_limit_as_its_own_simulation_says() -> None:
    """AR(1) noise beside its limit: the share agrees with a walk through each path, one sample after the other."""
    rng = np.random.default_rng(5)
    paths = np.zeros((300, 50))
    for step in range(1, 50):
        paths[:, step] = 0.9 * paths[:, step - 1] + rng.standard_normal(300)
    slow = [sum(any(value > 3.0 for value in path[: step + 1]) for path in paths) / 300 for step in range(50)]
    assert shares(paths, usable=3.0) == pytest.approx(slow)


def test_the_answer_does_not_depend_on_the_step() -> None:
    """The same history at 15 min and at 1 h, where the event is the hourly mean: within 0.03 at every hour."""
    rng = np.random.default_rng(11)
    memory = np.exp(-1 / (4 * 24))  # noise that is forgotten within a day
    quarters = np.zeros((4000, 4 * 168))
    for step in range(1, quarters.shape[1]):
        quarters[:, step] = memory * quarters[:, step - 1] + rng.standard_normal(4000) * np.sqrt(1 - memory**2)
    hours = quarters.reshape(4000, 168, 4).mean(axis=2)
    fine = np.array(shares(quarters, usable=1.5, window=4)[3::4])
    assert 0.2 < fine[-1] < 0.9
    assert np.abs(fine - np.array(shares(hours, usable=1.5))).max() < 0.03


def test_the_first_window_reaches_back_into_the_history() -> None:
    """Over three steps, 9 and 9 before the cutoff make a mean of 7 with a 3, and of 4.33 with a 1 after it."""
    assert shares([[3.0, 1.0]], tail=[9.0, 9.0], usable=6.5, window=3) == [1.0, 1.0]
    assert shares([[3.0, 1.0]], tail=[9.0, 9.0], usable=7.5, window=3) == [0.0, 0.0]


def test_a_window_is_what_lies_in_the_half_open_interval() -> None:
    """(t − sustained, t] holds four quarters of an hour, one hour, and one day where the step is longer."""
    hour = pd.Timedelta("1h")
    assert window_steps(hour, pd.Timedelta("15min")) == 4
    assert window_steps(hour, hour) == 1
    assert window_steps(hour, pd.Timedelta("1D")) == 1
    assert window_steps(pd.Timedelta("50min"), pd.Timedelta("15min")) == 4


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=20),
    st.integers(1, 6),
    st.sampled_from(["mean", "max", "min", "median", "last", "p95"]),
)
def test_rolling_is_what_each_window_says_by_itself(values: list[float], window: int, aggregate: str) -> None:
    """Every aggregate agrees with the slow way: cut each window out and ask numpy."""
    slow = {
        "mean": np.mean,
        "max": np.max,
        "min": np.min,
        "median": np.median,
        "last": lambda cut: cut[-1],
        "p95": lambda cut: np.quantile(cut, 0.95),
    }[aggregate]
    expected = [slow(np.array(values[end - window : end])) for end in range(window, len(values) + 1)]
    found = rolling(np.array(values)[None, :, None], window, aggregate)[0, :, 0]
    assert found == pytest.approx(np.array(expected), rel=1e-9, abs=1e-6)


@given(
    st.lists(st.floats(0, 10), min_size=24, max_size=24),
    st.sampled_from([2, 3, 5]),
    st.sampled_from(["median", "p95", "p10"]),
    st.sampled_from(["above", "below"]),
)
def test_quantile_events_are_those_of_every_window_worked_out(
    values: list[float], window: int, aggregate: str, direction: Any
) -> None:
    """Skipping windows whose lowest and highest agree changes no first passage."""
    paths = np.array(values).reshape(3, 8)
    tail = [5.0] * (window - 1)
    whole = np.concatenate([np.tile(tail, (3, 1)), paths], axis=1)[:, :, None]
    met = past(rolling(whole, window, aggregate), np.array(6.0), direction)[:, :, 0]
    expected = [float(met[:, : step + 1].any(axis=1).mean()) for step in range(8)]
    found = shares(paths, usable=6.0, tail=tail, window=window, aggregate=aggregate, direction=direction)
    assert found == pytest.approx(expected)


def test_an_unknown_aggregate_is_refused() -> None:
    """A window of one sample would hide it: it is refused all the same."""
    with pytest.raises(ParameterError, match="unknown aggregate 'mode'"):
        rolling(np.zeros((1, 3, 1)), 1, "mode")


def test_at_the_limit_is_not_past_it() -> None:
    """The event is past usable capacity, on the side that is asked for."""
    values = np.array([1.0, 2.0, 3.0])
    assert past(values, np.array(2.0), "above").tolist() == [False, False, True]
    assert past(values, np.array(2.0), "below").tolist() == [True, False, False]
    with pytest.raises(ParameterError, match="direction"):
        past(values, np.array(2.0), "over")  # type: ignore[arg-type]


def test_a_series_with_a_broken_path_has_no_curve() -> None:
    """NaN compares as "not past": a path that holds one must not count as safe."""
    assert np.isnan(shares([[1.0, np.nan], [1.0, 1.0]], usable=5.0)).all()
    assert np.isnan(shares([[1.0, 1.0]], usable=float("nan"))).all()


@given(st.lists(st.floats(0, 10), min_size=8, max_size=8), st.floats(0, 10), st.floats(0, 5))
def test_curves_are_probabilities_that_never_fall_and_fall_with_the_limit(
    values: list[float], limit: float, more: float
) -> None:
    """P(T ≤ t) lies in [0, 1], never falls along t, and a higher limit never raises it."""
    paths = np.array(values).reshape(2, 4)
    low, high = shares(paths, usable=limit), shares(paths, usable=limit + more)
    assert all(0 <= share <= 1 for share in low)
    assert low == sorted(low)
    assert all(above <= below for above, below in zip(high, low, strict=True))


def test_quantile_steps_are_the_first_that_reach_the_level() -> None:
    """A tenth of the paths is reached when a tenth is, and -1 says that it never is."""
    curve = np.array([[0.0, 0.0], [0.1, 0.0], [0.5, 0.05]])
    assert quantile_step(curve, 0.1).tolist() == [1, -1]
    assert quantile_step(curve, 0.5).tolist() == [2, -1]


def test_the_answer_does_not_depend_on_the_block() -> None:
    """Series are gone through in blocks whose paths fit into memory; the curve is the one that a single block gives."""
    paths = walks(count=50, steps=30, drift=0.1, deviation=1.0, seed=1) + np.arange(7.0)
    forecast = known_forecast(paths, history=np.zeros((5, 7)))
    whole = outlook(forecast, limit=5.0, sustained="3h").curve.to_numpy()
    for place in range(7):
        alone = known_forecast(paths[:, :, place : place + 1], history=np.zeros((5, 1)))
        assert outlook(alone, limit=5.0, sustained="3h").curve.to_numpy()[:, 0].tolist() == whole[:, place].tolist()
    assert block_size(1000, 2160) * 1000 * 2160 * 8 <= 100 * 2**20
    assert forecast.cutoff == CUTOFF
