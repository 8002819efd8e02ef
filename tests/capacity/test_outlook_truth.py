"""From a history to the chance of a breach, on processes whose truth is known: the whole way, forecast included."""

from __future__ import annotations

from math import exp, sqrt

import numpy as np
import pandas as pd
import pytest
from scipy.signal import lfilter
from scipy.special import ndtr

from capacity.forecast import forecast
from capacity.frames import wide
from capacity.outlook import outlook

DAY = pd.Timedelta(1, "D")


def frame(values: np.ndarray, step: str) -> pd.DataFrame:
    times = pd.date_range("2026-01-01T00:00Z", periods=len(values), freq=step, unit="us")
    labels = [{"n": str(place)} for place in range(values.shape[1])]
    return wide(values, times=times, series=labels, metric="m")


def limits(values: np.ndarray) -> pd.Series:
    return pd.Series(values, index=pd.Index([str(place) for place in range(len(values))], name="n"))


def correlated(rng: np.random.Generator, rows: int, *, decay: float) -> np.ndarray:
    """Return AR(1) noise of deviation 1 that forgets in ``decay`` samples."""
    phi = exp(-1 / decay)
    return np.asarray(lfilter([1], [1, -phi], rng.normal(size=rows) * sqrt(1 - phi**2)))


def quarters(seed: int) -> np.ndarray:
    """Return sixty days at 15 minutes: noise that forgets in hours or days, some with a day's rhythm, some growing."""
    rng = np.random.default_rng(seed)
    t = np.arange(60 * 96) / 96
    kinds = [(24, 4.0, 0.0), (96, 0.0, 0.05), (10, 4.0, 0.0), (288, 0.0, 0.1)] * 4
    made = [50 + size * np.sin(2 * np.pi * t) + slope * t + 2 * correlated(rng, len(t), decay=decay)
            for decay, size, slope in kinds]  # fmt: skip
    return np.stack(made, axis=1)


def test_the_same_history_at_15_minutes_and_at_an_hour_gives_the_same_answer() -> None:
    """The event is the hourly mean past limits that are met rarely or often: the mean difference is at most 0.03."""
    apart = []
    for seed in range(3):
        fine = quarters(seed)
        coarse = fine.reshape(-1, 4, fine.shape[1]).mean(axis=1)
        made = forecast(frame(fine, "15min"), horizon="28d"), forecast(frame(coarse, "1h"), horizon="28d")
        recent = coarse[-28 * 24 :]
        for share in (1.0, 1.05, 1.2):
            limit = limits(recent.mean(axis=0) + share * (recent.max(axis=0) - recent.mean(axis=0)))
            found = [outlook(one, limit=limit, sustained="1h", lead_time="1d") for one in made]
            apart += [np.abs(found[0].probability(by) - found[1].probability(by)).mean() for by in ("3d", "7d", "28d")]
    assert np.mean(apart) <= 0.03


def test_a_straight_line_breaches_on_the_day_that_the_hand_says() -> None:
    """From 100, 2 a day with next to no noise: past 180 forty days after the cutoff, and the dates lie about there."""
    days = np.arange(1, 121)[:, None]
    values = 2.0 * days - 140 + np.random.default_rng(0).normal(0, 0.2, (120, 3))
    made = forecast(frame(values, "1D"), horizon="90d")
    table = outlook(made, limit=180.0, lead_time="14d").table
    truth = made.cutoff + 40 * DAY
    assert (abs(table["breach_p50"] - truth) <= 3 * DAY).all()
    assert ((table["breach_p10"] <= truth + DAY) & (table["breach_p90"] >= truth - DAY)).all()
    assert (table["verdict"] == "breach").all()


@pytest.mark.parametrize("drift", [0.0, 0.1])
def test_random_walks_meet_their_limit_as_often_as_the_closed_form_says(drift: float) -> None:
    """Sixty walks of half a year: on average the chance within 30 days is that of Brownian motion with drift."""
    walks = 100 + np.cumsum(drift + np.random.default_rng(0).normal(size=(180, 60)), axis=0)
    made = forecast(frame(walks, "1D"), horizon="30d")
    for distance in (3.0, 6.0, 10.0):
        found = outlook(made, limit=limits(walks[-1] + distance), lead_time="1d").table["probability"].mean()
        a, t = distance + 0.583, 30
        truth = ndtr((drift * t - a) / sqrt(t)) + exp(2 * drift * a) * ndtr(-(a + drift * t) / sqrt(t))
        assert found == pytest.approx(truth, abs=0.1)


def test_what_is_bounded_never_passes_its_bound() -> None:
    """CPU that levels off at three quarters: no path is past the whole, and nearer limits are met more often."""
    rng = np.random.default_rng(1)
    t = np.arange(24 * 60) / 24
    noise = np.stack([correlated(rng, len(t), decay=10) for _ in range(8)], axis=1)
    values = np.clip(0.75 * (1 - np.exp(-t / 15))[:, None] + 0.03 * noise, 0, 1)
    made = forecast(frame(values, "1h"), horizon="28d", bounds=(0.0, 1.0))
    assert made.paths(200).max() <= 1.0
    chances = [outlook(made, limit=limit, lead_time="1d", bounds=(0.0, 1.0)).table["probability"].mean()
               for limit in (0.7, 0.85, 0.95, 0.999)]  # fmt: skip
    assert chances == sorted(chances, reverse=True)
    assert chances[0] == pytest.approx(1.0, abs=0.01)
    assert set(outlook(made, limit=1.0, lead_time="1d", bounds=(0.0, 1.0)).table["verdict"]) == {"cannot judge"}
