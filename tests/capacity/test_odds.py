"""Odds of a breach: found again where they are known, steadied where little is known, and lawful."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity.odds import AS_CLAIMED, SHIFT, SLOPE, Odds, fit_odds, standings

UNIFORM = (np.arange(1000) + 0.5) / 1000
ODDS = st.builds(Odds, shift=st.floats(-2, 2), slope=st.floats(0.2, 1.5))


def test_paths_that_were_right_are_left_as_they_are() -> None:
    """What came stands evenly among the paths, many times: one half stays one half, one in ten one in ten."""
    odds = fit_odds(UNIFORM, windows=1e5)
    assert odds.of(np.array([0.1, 0.5, 0.9]), paths=1000) == pytest.approx([0.1, 0.5, 0.9], abs=0.005)


def test_odds_that_are_known_are_found_again() -> None:
    """Truths by log-odds of shift −1 and slope ½: the chance of exceeding level u is 1 ÷ (1 + e √(u ÷ (1 − u)))."""
    exceeded = 1 / (1 + np.e * np.sqrt(UNIFORM / (1 - UNIFORM)))
    places = np.interp(np.linspace(0.001, 0.999, 4000), 1 - exceeded, UNIFORM)
    found = fit_odds(places, windows=1e5)
    assert (found.shift, found.slope) == pytest.approx((-1.0, 0.5), abs=0.05)


def test_few_answers_move_little() -> None:
    """Without a fold it is the prior; one window, however extreme, moves the shift by less than 1."""
    assert fit_odds(np.full(3, np.nan), windows=2.0) == Odds(SHIFT, SLOPE)
    one = fit_odds(np.full(8, 0.01), windows=1.0)
    assert SHIFT - 1 < one.shift < SHIFT
    assert fit_odds(np.full(8, 0.01), windows=50.0).shift < one.shift


def test_a_standing_is_the_share_of_paths_below() -> None:
    """Four paths end at 1 to 4, and 2.5 came: half lie below. Before that all are level, which is half."""
    errors = np.zeros((4, 4, 1))
    errors[:, 3, 0] = [1, 2, 3, 4]
    came = np.array([0.0, 0.0, 0.0, 2.5]).reshape(1, 4, 1)
    found = standings(came, np.zeros((1, 4, 1)), np.ones((1, 4, 1)), errors)
    assert found[0, :, 0].tolist() == [0.5, 0.5, 0.5]
    assert standings(4 * came, np.zeros((1, 4, 1)), np.ones((1, 4, 1)), errors)[0, 2, 0] == 1.0


def test_what_is_hardly_known_has_no_standing() -> None:
    """With half of the truth missing there is none; what is missing is no low point of the paths either."""
    came = np.array([[3.0], [np.nan], [np.nan], [3.0]])[None]
    found = standings(came, np.zeros((1, 4, 1)), np.ones((1, 4, 1)), np.full((5, 4, 1), 2.0))
    assert np.isnan(found[0, 1:, 0]).all()
    assert found[0, 0, 0] == 1.0


@given(ODDS, st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_a_larger_share_is_never_a_smaller_chance(odds: Odds, shares: list[float]) -> None:
    """Within 0 and 1, in order; none of the paths stays none, and NaN stays NaN."""
    chance = odds.of(np.sort(np.array([0.0, *shares])), paths=1000)
    assert (np.diff(chance) >= 0).all()
    assert ((chance >= 0) & (chance <= 1)).all()
    assert chance[0] == 0.0
    assert np.isnan(odds.of(np.array([np.nan]), paths=1000)).all()


def test_as_claimed_is_as_claimed() -> None:
    """No shift and a slope of one give back the share itself."""
    shares = np.linspace(0, 1, 11)
    assert AS_CLAIMED.of(shares, paths=10) is shares
