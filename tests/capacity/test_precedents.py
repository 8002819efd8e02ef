"""Precedents: what the past would have done from today's level, worked out by hand; and the blend's laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.frames import wide
from capacity.precedents import PRIOR, blend, passed
from capacity.replay import replay

DAY = pd.Timedelta(1, "D")
HOW: dict[str, Any] = {"step": DAY, "window": 1, "aggregate": "mean", "direction": "above"}
# Seven days give the first level; ninety whole days are left to replay.
LEAD, DAYS = 7, 97


def flat_with_bursts(*days: int) -> np.ndarray:
    """Return 97 days at 10, with these days at 95."""
    values = np.full(DAYS, 10.0)
    values[list(days)] = 95.0
    return values


def share(values: np.ndarray, *, limit: float = 90.0, horizon: int = 30, jump: int = 0) -> np.ndarray:
    return replayed(values, limit=limit, horizon=horizon, jump=jump)[0]


def replayed(values: np.ndarray, *, limit: float = 90.0, horizon: int, jump: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Share and windows of one series."""
    room, jumps = np.full((horizon, 1), limit), np.array([jump], dtype=np.intp)
    found = replay(values[:, None], room, jumps=jumps, **HOW)
    return found[0][:, 0], found[1][:, 0]


def test_a_burst_is_as_likely_as_it_has_been() -> None:
    """A day ahead the burst is met by one stretch of 90; 30 days ahead by the 30 before it, of the 61 known."""
    found = share(flat_with_bursts(50))
    assert found[0] == pytest.approx(1 / 90)
    assert found[29] == pytest.approx(30 / 61)
    assert share(flat_with_bursts()).max() == 0.0


def test_stretches_are_moved_to_todays_level() -> None:
    """A line of one a day has risen by t after t days: from 97 it is past 110 on the 17th, wherever it is replayed.

    The level is the median of a week, three days behind the last sample, so that a stretch starts at 98 − 3 + 3.
    """
    line = np.arange(DAYS) + 1.0
    found = share(line, limit=110.5)
    assert found[:13].max() == 0.0
    assert found[13:].min() == 1.0


def test_a_jump_of_the_level_is_no_habit() -> None:
    """A step of 30 on day 60 makes a habit of what happened once, unless the jump is known."""
    step = np.where(np.arange(DAYS) < 60, 10.0, 40.0)
    assert share(step, limit=60.0)[20] > 0.2
    assert share(step, limit=60.0, jump=60).max() == 0.0


def test_two_stretches_have_to_fit() -> None:
    """Of 90 days: thirty days fit three times, forty-five twice; of 46 days nothing is said."""
    _, windows = replayed(flat_with_bursts(50), horizon=60)
    assert windows[29] == 3.0
    assert windows[44] == 2.0
    assert (windows[45:] == 0).all()


def test_what_was_flat_is_no_precedent_of_a_climb() -> None:
    """A series that rises for a fortnight, after months of calm, is not told from its calm that nothing will come."""
    calm = np.random.default_rng(1).normal(0, 0.1, DAYS)
    climb = calm + np.maximum(np.arange(DAYS) - (DAYS - 14), 0)
    _, calmly = replayed(calm, horizon=10)
    _, climbing = replayed(climb, horizon=10)
    assert climbing.max() < 0.2 * calmly.max()


@pytest.mark.parametrize("values", [np.full(50, np.nan), np.full(5, 1.0), np.full(7, 1.0)])
def test_without_a_past_there_is_no_precedent(values: np.ndarray) -> None:
    """All of it missing, or too short for a level: no share and no weight, in silence."""
    found = replayed(values, limit=5.0, horizon=10)
    assert (found[0] == 0).all()
    assert (found[1] == 0).all()


def blended(values: np.ndarray, *, curve: float = 0.0, limit: float = 90.0, horizon: int = 60) -> np.ndarray:
    found = blend(
        np.full((horizon, 1), curve),
        values[:, None],
        jumps=np.zeros(1, dtype=np.intp),
        usable=lambda _where: np.full((horizon, 1), limit),
        **HOW,
    )
    return found[:, 0]


def test_the_blend_weighs_paths_as_so_many_windows() -> None:
    """Of 90 days 22 fit 90/22 times, against the prior of three; of the 69 stretches 22 meet the burst.

    Farther than that the past fades, until the paths alone are asked, and what has been claimed by then stays claimed.
    """
    assert PRIOR == 3.0
    found = blended(flat_with_bursts(50))
    windows = 90 / 22
    assert found[21] == pytest.approx(windows / (windows + 3) * 22 / 69)
    assert (np.diff(found) >= 0).all()
    assert found[-1] == found.max() < 0.3
    assert blended(flat_with_bursts(50), curve=0.9)[-1] == pytest.approx(0.9, abs=0.001)


def test_a_series_without_a_curve_stays_without() -> None:
    """NaN is "no answer", and no past makes one of it."""
    assert np.isnan(blended(flat_with_bursts(50), curve=np.nan)).all()


@given(st.integers(0, 30), st.floats(0, 40), st.floats(0, 20))
def test_a_higher_limit_is_never_likelier(seed: int, limit: float, more: float) -> None:
    """At no step ahead, whatever the past."""
    values = np.cumsum(np.random.default_rng(seed).standard_normal(DAYS))
    low, high = (blended(values, limit=each, curve=0.1) for each in (limit, limit + more))
    assert (high <= low).all()
    assert (np.diff(low) >= 0).all()


@given(st.integers(0, 30), st.floats(0, 40), st.sampled_from([2.0**-10, 4.0, 2.0**30]))
def test_scaling_changes_nothing(seed: int, limit: float, scale: float) -> None:
    """In bytes or gibibytes the past is the same."""
    values = np.cumsum(np.random.default_rng(seed).standard_normal(DAYS))
    assert (share(values, limit=limit) == share(scale * values, limit=scale * limit)).all()


def history(values: np.ndarray) -> pd.DataFrame:
    times = pd.date_range("2026-01-01T00:00Z", periods=len(values), freq="1D", unit="us")
    return wide(values[:, None], times=times, series=[{}], metric="x")


def test_times_past_are_runs_and_the_last_instant() -> None:
    """Days 3, 4 and 50 are two times; the last of them is the fiftieth day after 1 January."""
    how: dict[str, Any] = {"window": 1, "aggregate": "mean", "direction": "above"}
    found = passed(history(flat_with_bursts(3, 4, 50)), np.array([90.0]), **how)[0]
    assert (found.times, found.last) == (2, pd.Timestamp("2026-02-20T00:00Z"))
    assert passed(history(flat_with_bursts()), np.array([90.0]), **how)[0].times == 0
    assert passed(history(flat_with_bursts(3)), np.array([np.nan]), **how)[0].times == 0


def test_one_sample_is_not_past_for_a_whole_window() -> None:
    """A mean over three days of 10, 95 and 10 is 38: one burst of a day is not past 90 for three; three are."""
    how: dict[str, Any] = {"window": 3, "aggregate": "mean", "direction": "above"}
    assert passed(history(flat_with_bursts(50)), np.array([90.0]), **how)[0].times == 0
    assert passed(history(flat_with_bursts(50, 51, 52)), np.array([90.0]), **how)[0].times == 1
