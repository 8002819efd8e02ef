"""Calibration: what a series' own errors are worth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from capacity.calibration import MIDDLE, calibrate, independent
from capacity.forecast import forecast
from capacity.frames import wide

FOLDS, STEPS = 8, 60


def errors(*, shared: bool) -> np.ndarray:
    """Errors of unit size: one a fold, or one a step."""
    random = np.random.default_rng(0)
    return (
        np.repeat(random.normal(0, 1, (FOLDS, 1, 3)), STEPS, axis=1)
        if shared
        else random.normal(0, 1, (FOLDS, STEPS, 3))
    )


def test_errors_of_a_wrong_level_are_one_a_fold_and_white_ones_are_all() -> None:
    """Eight folds of one level error each are worth eight; of 60 white errors each, hundreds."""
    assert np.allclose(independent(errors(shared=True)), FOLDS)
    assert (independent(errors(shared=False)) > 0.25 * FOLDS * STEPS).all()
    assert (independent(errors(shared=False)) <= FOLDS * STEPS).all()


def test_a_lopsided_series_has_its_own_median_where_its_errors_are_independent() -> None:
    """Forecasts 1 too high nine times in ten are moved by a third of it and more; levels that were by less."""

    def middle(values: np.ndarray) -> np.ndarray:
        made = calibrate(
            values,
            steps=np.arange(1, STEPS + 1),
            horizon=STEPS,
            noise=np.ones(3),
            daily=np.ones((1, 1, 1)),
            ahead=np.ones((STEPS, 3)),
            kinds=np.zeros(3, dtype=np.int64),
            day=24,
            tested=FOLDS * STEPS,
        )
        return made.shape[:, 0, MIDDLE] * made.scale[0]

    random = np.random.default_rng(1)
    spiky = np.where(random.random((FOLDS, STEPS, 3)) < 0.9, -1.0, 9.0) + random.normal(0, 0.1, (FOLDS, STEPS, 3))
    sometimes = np.repeat(np.where(np.arange(FOLDS) % 3 > 0, -1.0, 2.0)[:, None, None], STEPS, axis=1)
    assert (middle(spiky) < -0.3).all()
    assert (middle(sometimes + np.zeros((1, 1, 3))) > -0.2).all()


def test_a_series_that_was_constant_until_just_now_widens_nobody() -> None:
    """Constant for four weeks, then moving for 12 h: no path of it or of its calm neighbour goes far beyond."""
    random = np.random.default_rng(0)
    hours = np.arange(24 * 28)
    constant = np.full(len(hours), 42.0)
    constant[-12:] += random.normal(0, 1, 12)
    calm = 100 + 20 * np.sin(hours * 2 * np.pi / 24) + random.normal(0, 2, len(hours))
    times = pd.date_range("2026-03-02T00:00Z", periods=len(hours), freq="1h", unit="us")
    history = wide(np.column_stack([constant, calm]), times=times, series=[{"n": "a"}, {"n": "b"}], metric="load")
    for model in ("fleet", "naive", "ets"):
        paths = forecast(history, horizon="7d", model=model).paths(300)
        assert 20 < paths[:, :, 0].min() <= paths[:, :, 0].max() < 70
        assert 0 < paths[:, :, 1].min() <= paths[:, :, 1].max() < 260
