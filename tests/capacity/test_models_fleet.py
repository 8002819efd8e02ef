"""The parts of the fleet model, each against what can be worked out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.errors import ParameterError
from capacity.grids import Seasons, design, phases, probes, seasons
from capacity.models import load_model
from capacity.models.base import filled
from capacity.models.fleet import foreseeable
from capacity.models.fleet_descent import Descent
from capacity.models.fleet_fit import clean, scaled
from capacity.models.fleet_level import drift, smoothed
from capacity.models.fleet_regime import regimes
from capacity.models.fleet_weights import Ledger, blend, stretches

HOURLY = Seasons(3600, 24, 168)


@pytest.mark.parametrize(
    ("step", "rows", "day", "week"),
    [("1h", 400, 24, 168), ("1h", 100, 24, 0), ("1h", 30, 0, 0), ("1D", 90, 0, 7), ("5min", 5000, 288, 2016)],
)
def test_a_season_must_be_seen_twice(step: str, rows: int, day: int, week: int) -> None:
    """Two days show a day and two weeks a week; a daily grid has no day."""
    assert seasons(pd.Timedelta(step), rows) == Seasons(pd.Timedelta(step).total_seconds(), day, week)


def test_an_instant_belongs_to_the_step_that_ends_there() -> None:
    """01:00 at an hourly step is the hour that began at 00:00; days have seven bins."""
    times = pd.DatetimeIndex(["2026-03-02T01:00Z", "2026-03-02T00:00Z"])
    assert phases(times, 3600).tolist() == [0, 23]
    week = pd.date_range("2026-03-03T00:00Z", periods=8, freq="1D")
    assert sorted(phases(week[:7], 86_400).tolist()) == list(range(7))
    assert phases(week, 86_400)[0] == phases(week, 86_400)[7]


def test_gaps_are_filled_from_a_season_before_then_from_the_last_value() -> None:
    """With a lag of 2: 1, 2, –, – is 1, 2, 1, 2; what has no season before takes the first value seen."""
    assert filled(np.array([[1.0], [2.0], [np.nan], [np.nan]]), lag=2)[:, 0].tolist() == [1, 2, 1, 2]
    assert filled(np.array([[np.nan], [5.0]]), lag=4)[:, 0].tolist() == [5, 5]


def test_the_design_recovers_a_season_and_continues_it() -> None:
    """A clean daily wave comes back over the horizon, to 1 %."""
    time = np.arange(24 * 28 + 48)
    wave = np.sin(2 * np.pi * time / 24)
    past = wave[: 24 * 28, None]
    given = scaled(past, np.isfinite(past))
    ahead = given.back(clean(given, design(HOURLY, rows=24 * 28)).ahead(np.arange(1, 49)))
    assert np.abs(ahead[:, 0] - wave[24 * 28 :]).max() < 0.01


def test_designs_are_kept() -> None:
    """Two calls on the same grid share one factorisation."""
    assert design(HOURLY, rows=500) is design(Seasons(3600, 24, 168), rows=500)


def test_long_horizons_are_scored_at_a_fair_sample_of_steps() -> None:
    """All of 48 steps; of 28 days the first two whole, then every hour of the day within one of equally often."""
    assert probes(48, HOURLY).tolist() == list(range(1, 49))
    steps = probes(672, HOURLY)
    assert len(steps) <= 160
    assert steps[:48].tolist() == list(range(1, 49))
    counts = np.bincount(steps[48:] % 24, minlength=24)
    assert counts.max() - counts.min() <= 1


def test_outliers_and_gaps_hardly_move_the_season() -> None:
    """With 2 % of samples 50 deviations high and a tenth missing, the season is off by less than 5 % of its size."""
    random = np.random.default_rng(0)
    time = np.arange(24 * 28)
    wave = 10 * np.sin(2 * np.pi * time / 24)
    values = wave + random.normal(0, 1, len(time))
    values[random.random(len(time)) < 0.02] += 50
    values[random.random(len(time)) < 0.1] = np.nan
    given = scaled(filled(values[:, None], lag=168), np.isfinite(values)[:, None])
    cleaned = clean(given, design(HOURLY, rows=len(time)))
    season = given.size * cleaned.season[time % 168, 0]
    assert np.abs(season - wave).mean() < 0.5


def test_a_true_slope_is_kept_and_a_chance_one_is_not() -> None:
    """3 a block through little noise stays 3; of sixty pure-noise series most slopes become exactly 0."""
    random = np.random.default_rng(0)
    steep = 3.0 * np.arange(40)[:, None] + random.normal(0, 1, (40, 1))
    assert drift(steep).slope[0] == pytest.approx(3.0, abs=0.05)
    assert (drift(random.normal(0, 1, (40, 60))).slope == 0).mean() > 0.6


def test_smoothing_weighs_the_last_most() -> None:
    """Weights ½, 1 (α = ½) over 0 and 3: two thirds of the way."""
    assert smoothed(np.array([[0.0], [3.0]]), 0.5) == pytest.approx([2.0])


def test_a_jump_is_found_with_its_size_and_a_spike_is_not() -> None:
    """+20 four days before the end is a jump of about 20; two days of +20 a fortnight ago are an incident."""
    random = np.random.default_rng(0)
    means = 100 + random.normal(0, 0.5, (60, 2))
    means[-4:, 0] += 20
    means[-14:-12, 1] += 20
    found = regimes(means)
    assert found.since.tolist() == [4, 0]
    assert found.jump[0] == pytest.approx(20, abs=1.5)


def test_a_climb_is_found_where_it_began_and_a_random_walk_has_none() -> None:
    """Flat, then 2 a day for 15 days: a climb about 15 days old. Of 50 random walks almost none climbs."""
    random = np.random.default_rng(3)
    means = 100 + random.normal(0, 0.5, (60, 1)) + 2.0 * np.maximum(np.arange(60) - 44, 0)[:, None]
    found = regimes(means)
    assert bool(found.climbing[0])
    assert abs(int(found.age[0]) - 15) <= 2
    walks = np.cumsum(random.normal(0, 1, (60, 50)), axis=0)
    assert regimes(walks).climbing.mean() <= 0.1


def test_weights_follow_errors_known_in_time_and_no_others() -> None:
    """The better candidate gets the weight, but only once its truth lies before the cutoff."""
    ends = stretches(HOURLY, 4)
    kinds = np.zeros(1, dtype=np.int64)
    steps = np.arange(1, 5)
    ledger = Ledger(ends, steps, kinds, np.zeros(2), np.array([10, 20, 30, 40]), {})
    right, wrong = np.ones((4, 1), np.float32), np.full((4, 1), 9.0, np.float32)
    for origin in (10, 20, 30):
        ledger.add(origin, np.stack([right, wrong]), np.full((4, 1), np.float32(1.1)), np.ones(1))
    quiet = {"since": np.zeros(1, dtype=np.int64), "climbing": np.zeros(1, dtype=bool), "climb": 0}
    assert ledger.weights(10, **quiet)[0, :, 0].tolist() == [0.5, 0.5]
    late = ledger.weights(40, **quiet)
    assert late[0, 0, 0] > 0.95
    assert late.sum(axis=1) == pytest.approx(np.ones((len(ends), 1)))


def test_a_blend_of_equals_is_what_they_are() -> None:
    """Weights sum to 1 at every step, between stretches too."""
    ends = np.array([6, 48, 100])
    weights = np.random.default_rng(0).dirichlet(np.ones(3), 3)[:, :, None]
    assert blend(weights, np.full((3, 100, 1), 7.0), ends, np.arange(1, 101)) == pytest.approx(np.full((100, 1), 7.0))


def test_folds_that_ended_before_a_jump_count_and_those_that_it_fell_into_do_not() -> None:
    """The second candidate was right, by a fold that saw it out before row 150; of a climb begun there nobody knows."""

    def weights(since: int, *, climbing: bool) -> np.ndarray:
        ledger = Ledger(np.array([8]), np.arange(1, 9), np.array([0]), np.zeros(3), np.array([100, 200]), {})
        forecasts = np.stack([np.full((8, 1), off, dtype=np.float32) for off in (4.0, 0.1, 4.0)])
        ledger.add(100, forecasts, np.zeros((8, 1), dtype=np.float32), np.ones(1))
        made = ledger.weights(200, since=np.array([since]), climbing=np.array([climbing]), climb=0)
        return made[0, :, 0]

    assert weights(150, climbing=False)[1] > 0.8
    assert np.allclose(weights(104, climbing=False), 1 / 3)
    assert weights(150, climbing=True)[0] > 0.9


def test_what_nobody_could_foresee_tells_no_candidate_from_another() -> None:
    """One error of 50 among errors of about 1 is left out; errors that are all 50 are the forecast's own."""
    wrong = np.resize(np.array([1.0, -1.0, 0.8, -1.2], dtype=np.float32), 40)[:, None]
    spiked = wrong.copy()
    spiked[7] = 50.0
    plain = np.zeros_like(wrong)
    assert np.flatnonzero(np.isnan(foreseeable(spiked, plain)[:, 0])).tolist() == [7]
    assert np.array_equal(foreseeable(50 * wrong, plain), 50 * wrong)


def test_weights_move_to_whom_the_blend_needs() -> None:
    """Three candidates are 1 too low and one is 1 too high: the one gains, the three lose alike."""
    weights = np.full((1, 4, 5), 0.25, dtype=np.float32)
    forecasts = np.broadcast_to(np.array([-1.0, -1.0, -1.0, 1.0])[:, None, None], (4, 8, 5)).astype(np.float32)
    descent = Descent(np.array([0]), np.array([8]), np.arange(1, 9), np.zeros(5, dtype=np.int64))
    descent.add(100, forecasts, np.zeros((8, 5), dtype=np.float32), np.ones(5))
    moves = descent.moves(200, weights, np.zeros(5, dtype=np.int64))[0, :, 0]
    assert moves[3] > moves[0]
    assert np.allclose(moves[:3], moves[0])
    moved = np.exp(moves) / np.exp(moves).sum()
    assert abs(moved[3] - moved[:3].sum()) < 0.45 < abs(0.25 - 0.75)


def test_weights_do_not_move_by_what_was_not_known() -> None:
    """No error was known at the cutoff that it was made at, nor counts one from before the regime began."""
    forecasts = np.random.default_rng(0).normal(size=(3, 8, 2)).astype(np.float32)
    weights = np.full((1, 3, 2), 1 / 3, dtype=np.float32)
    descent = Descent(np.array([0]), np.array([8]), np.arange(1, 9), np.zeros(2, dtype=np.int64))
    descent.add(100, forecasts, np.zeros((8, 2), dtype=np.float32), np.ones(2))
    assert not descent.moves(100, weights, np.array([0, 0])).any()
    assert not descent.moves(200, weights, np.array([150, 150])).any()
    assert descent.moves(101, weights, np.array([0, 0])).any()


def test_an_unknown_model_is_a_parameter_error() -> None:
    """The registry lists what there is."""
    with pytest.raises(ParameterError, match="One of auto, fleet, naive, linear"):
        load_model("arima")
