"""Simulated services: their truth follows from what is drawn, and history does not know of what comes after."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.simulate import erring, saturating


@pytest.mark.parametrize("seed", range(6))
def test_the_breach_is_the_first_hour_past_the_target(seed: int) -> None:
    """The date on record is read off the latency itself; the usable load lies below capacity, the knee too."""
    drawn = saturating(seed)
    late = drawn.latency.iloc[:, 0].loc[drawn.as_of + pd.Timedelta(hours=1) :] > drawn.target
    assert (late.idxmax() if late.any() else pd.NaT) is pd.NaT or late.idxmax() == drawn.breach
    assert 0 < drawn.usable < drawn.capacity
    assert 0 < drawn.knee < drawn.capacity
    assert drawn.latency.iloc[:, 0].loc[: drawn.as_of].median() < drawn.target


def test_the_same_seed_is_the_same_service() -> None:
    """Drawn again it is the same to the last bit, with another seed not; a longer future changes no history."""
    one, two, longer = saturating(3), saturating(3), saturating(3, later_days=200)
    pd.testing.assert_frame_equal(one.load, two.load)
    pd.testing.assert_frame_equal(one.latency.loc[: one.as_of], longer.latency.loc[: one.as_of])
    assert not np.allclose(one.load, saturating(4).load)


def test_a_service_fails_about_as_often_as_its_budget_allows() -> None:
    """Over its history an erring service spends between half and all and a half of what it may; counts are whole."""
    for seed in range(5):
        drawn = erring(seed)
        shown = slice(None, drawn.as_of)
        rate = drawn.bad.loc[shown].sum().iloc[0] / drawn.total.loc[shown].sum().iloc[0]
        assert 0.5 < rate / (1 - drawn.objective) < 1.5
        assert (drawn.bad.to_numpy() <= drawn.total.to_numpy()).all()
        assert np.array_equal(drawn.total, np.rint(drawn.total))
