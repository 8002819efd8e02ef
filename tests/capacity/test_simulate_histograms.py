"""Histograms: counts below each bound, and the quantiles that are read off them."""

from __future__ import annotations

import numpy as np
import pytest

from capacity.simulate.histograms import bound, cumulative, quantile, sampled
from capacity.simulate.noise import generator

BOUNDS = (1.0, 2.0, 4.0, np.inf)


def test_half_of_the_observations_lie_below_the_median() -> None:
    """Of 1,000 with median 2: 500 at or below 2; with shape 1, a third below 1 and two thirds below 4."""
    below = cumulative(np.array([1000.0]), np.array([2.0]), bounds=BOUNDS, shape=1.0)
    assert below[:, 0].tolist() == [333.0, 500.0, 667.0, 1000.0]


def test_drawn_observations_add_up() -> None:
    """Each minute's last bucket has all of its observations, no bucket has fewer than the one below it."""
    counts = np.array([0.0, 3.0, 1.0, 0.0, 2000.0])
    below, total = sampled(generator(0, "x"), counts, np.full(5, 2.0), bounds=BOUNDS, shape=2.0)
    np.testing.assert_array_equal(below[-1], counts)
    assert (np.diff(below, axis=0) >= 0).all()
    assert total[0] == total[3] == 0.0
    assert below[1, 4] == pytest.approx(1000.0, abs=100.0)


def test_a_quantile_is_read_along_a_straight_line() -> None:
    """Of 10, 20 and 10 observations in (0, 1], (1, 2] and (2, 4]: the median is in the middle of the second bucket."""
    below = np.array([[10.0], [30.0], [40.0], [40.0]])
    assert quantile(0.5, below, bounds=BOUNDS)[0] == pytest.approx(1.5)
    assert quantile(0.125, below, bounds=BOUNDS)[0] == pytest.approx(0.5)
    assert quantile(0.875, below, bounds=BOUNDS)[0] == pytest.approx(3.0)


def test_a_quantile_above_the_last_bound_is_that_bound() -> None:
    """Half of the observations are above 4: all that is known of their median is that it is at least 4."""
    below = np.array([[0.0], [0.0], [5.0], [20.0]])
    assert quantile(0.5, below, bounds=BOUNDS)[0] == 4.0


def test_no_observation_has_no_quantile() -> None:
    """Nothing seen is NaN, not zero."""
    assert np.isnan(quantile(0.5, np.zeros((4, 1)), bounds=BOUNDS)[0])


def test_bounds_are_written_as_prometheus_writes_them() -> None:
    """0.0025, 5 and +Inf."""
    assert [bound(one) for one in (0.0025, 5.0, np.inf)] == ["0.0025", "5", "+Inf"]
