"""Scores against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from capacity import scores


def test_mase_bias_and_rmsse_by_hand() -> None:
    """History 0, 2, 4 has a lag-1 scale of 2; errors +2 and −4 give MASE 1.5, bias −0.5, RMSSE √10 ÷ 2."""
    history = np.array([[0.0], [2.0], [4.0]])
    actual, point = np.array([[6.0], [2.0]]), np.array([[4.0], [6.0]])
    scale = scores.seasonal_scale(history, lag=1)
    assert scale == pytest.approx([2.0])
    assert scores.mase(actual, point, scale) == pytest.approx([1.5])
    assert scores.bias(actual, point, scale) == pytest.approx([-0.5])
    assert scores.rmsse(actual, point, history, lag=1) == pytest.approx([np.sqrt(10) / 2])


def test_pinball_by_hand() -> None:
    """At 0.9, one too low costs 0.9 and one too high 0.1."""
    assert scores.pinball(np.array([1.0, -1.0]), np.zeros(2), 0.9) == pytest.approx([0.9, 0.1])


def test_sql_of_a_point_forecast_is_its_scaled_absolute_error() -> None:
    """Levels symmetric about one half and all quantiles alike: SQL equals MASE."""
    actual, point, scale = np.array([[3.0], [7.0]]), np.array([[5.0], [4.0]]), np.array([2.0])
    levels = scores.SQL_LEVELS
    assert scores.sql(actual, [point] * len(levels), levels, scale) == pytest.approx(scores.mase(actual, point, scale))


def test_what_is_missing_is_not_scored() -> None:
    """NaN in the truth counts for nothing; nothing at all is NaN, not 0."""
    actual = np.array([[1.0, np.nan], [np.nan, np.nan]])
    point = np.zeros((2, 2))
    assert scores.mase(actual, point, np.ones(2)) == pytest.approx([1.0, np.nan], nan_ok=True)
    assert scores.coverage(actual, point - 2, point + 2) == pytest.approx([1.0, np.nan], nan_ok=True)


def test_a_constant_history_has_no_scale() -> None:
    """A scale of 0 would make every score infinite: it is unknown instead."""
    assert np.isnan(scores.seasonal_scale(np.ones((10, 1)), lag=1)).all()


def test_pit_counts_between_levels() -> None:
    """Of four actuals one lies below 0, two between 0 and 1, one above: shares ¼, ½, ¼."""
    actual = np.array([-1.0, 0.2, 0.8, 3.0])
    assert scores.pit(actual, [np.zeros(4), np.ones(4)], (0.25, 0.75)) == pytest.approx([0.25, 0.5, 0.25])


def test_brier_and_reliability_by_hand() -> None:
    """Claims 0.1, 0.1, 0.9 of which the first and the last came true: Brier 0.83 ÷ 3; bins (0.1 → ½), (0.9 → 1)."""
    claimed, came = np.array([0.1, 0.1, 0.9]), np.array([1.0, 0.0, 1.0])
    assert scores.brier(claimed, came) == pytest.approx((0.81 + 0.01 + 0.01) / 3)
    assert scores.reliability(claimed, came).tolist() == [
        pytest.approx([0.1, 0.5, 2.0]),
        pytest.approx([0.9, 1.0, 1.0]),
    ]


def test_wql_is_the_loss_over_the_size_of_what_came() -> None:
    """Came 10 and 30, the median said 12 and 24: twice the pinball loss is |error|, 8 over 40; all zeros have none."""
    actual, said = np.array([[10.0], [30.0]]), np.array([[12.0], [24.0]])
    assert scores.wql(actual, [said], [0.5]) == pytest.approx([0.2])
    assert np.isnan(scores.wql(np.zeros((2, 1)), [said], [0.5])).all()


def test_log_loss_by_hand_and_held_to_a_thousandth() -> None:
    """Half and half costs ln 2; "never" of what came costs ln 1000 and not infinity; the unknown costs nothing."""
    assert scores.log_loss(np.array([0.5, 0.5]), np.array([1.0, 0.0])) == pytest.approx(np.log(2))
    assert scores.log_loss(np.array([0.0, 0.5]), np.array([1.0, np.nan])) == pytest.approx(np.log(1000))


def test_the_date_is_scored_over_the_horizon() -> None:
    """Met from the third of four steps on; claimed ½ throughout: a quarter. Claimed as it came: nothing."""
    came = np.array([[0.0], [0.0], [1.0], [1.0]])
    assert scores.integrated_brier(np.full((4, 1), 0.5), came) == pytest.approx([0.25])
    assert scores.integrated_brier(came, came) == pytest.approx([0.0])


def test_calibration_error_by_hand() -> None:
    """Two bins of two: claimed 0.2 and none came, claimed 0.8 and half came: (0.2 + 0.3) ÷ 2; NaN is left out."""
    claimed, came = np.array([0.8, 0.2, 0.8, 0.2, np.nan]), np.array([1.0, 0.0, 0.0, 0.0, 1.0])
    assert scores.calibration_error(claimed, came, bins=2) == pytest.approx(0.25)
    assert np.isnan(scores.calibration_error(np.empty(0), np.empty(0)))
