"""Recalibration: paths that go too far are found out on the folds, by kind and side; how claims were kept is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from capacity.calibration import DEFAULT_SHAPE
from capacity.copula import WHITE, Copula
from capacity.odds import SHIFT, Odds
from capacity.recalibration import Folded, recalibrated

FOLDS, STEPS, SERIES = 8, 40, 30


WHITE_NOISE = Copula((WHITE,), (1.0,))


def learnt(given: Folded, kinds: int = 1) -> tuple[tuple[tuple[Odds, Odds], ...], np.ndarray]:
    """Return the odds by kind, and what was told, where errors are white noise."""
    return recalibrated((WHITE_NOISE,) * kinds, given, horizon=STEPS, seed=0)


def folded(came: np.ndarray, kinds: np.ndarray, windows: float = 40.0) -> Folded:
    """Return folds that claimed noise of a mean size of 1 around 0."""
    given: dict[str, Any] = {
        "shape": np.tile(DEFAULT_SHAPE, (SERIES, 1, 1)),
        "segment": np.zeros(STEPS, dtype=np.int64),
    }
    return Folded(
        came=came, centre=np.zeros_like(came), spread=np.ones_like(came), steps=np.arange(1, STEPS + 1), kinds=kinds,
        windows=windows, **given,
    )  # fmt: skip


def noise(size: float = 1.0) -> np.ndarray:
    """Return what the default shape stands for, drawn anew: t with 5 degrees of freedom, of that mean size."""
    return size * np.random.default_rng(4).standard_t(5, (FOLDS, STEPS, SERIES)) / 0.949


ONE_KIND = np.zeros(SERIES, dtype=np.int64)


def test_paths_that_were_right_stay_as_they_are() -> None:
    """What came is drawn from the very law of the paths: one half stays about one half, either side."""
    ((above, below),), told = learnt(folded(noise(), ONE_KIND))
    for odds in (above, below):
        assert odds.of(np.array([0.2, 0.5, 0.8]), paths=1000) == pytest.approx([0.2, 0.5, 0.8], abs=0.06)
    assert told[:, 0] == pytest.approx(told[:, 1], rel=0.25, abs=0.02 * told[:, 2].sum())


def test_paths_that_go_too_far_above_are_called_back_above() -> None:
    """What came never went half as high, and as low as claimed: chances above fall, those below stay."""
    came = noise()
    ((above, below),), _ = learnt(folded(np.where(came > 0, came / 2, came), ONE_KIND))
    half = np.array([0.5])
    assert above.of(half, paths=1000)[0] < 0.15
    assert below.of(half, paths=1000)[0] == pytest.approx(0.5, abs=0.08)


def test_kinds_are_judged_apart() -> None:
    """One kind's paths go too far and the other's not far enough: one is called back, the other sent on."""
    kinds = np.repeat([0, 1], SERIES // 2)
    size = np.where(kinds == 0, 0.5, 2.0)
    ((calm, _), (wild, _)), _ = learnt(folded(noise() * size, kinds), kinds=2)
    assert calm.shift < SHIFT < 0 < wild.shift


def test_every_claim_of_every_fold_is_told() -> None:
    """Ten levels, both sides, three parts of eight folds of thirty series; the claims lie within their tenths."""
    _, told = learnt(folded(noise(), ONE_KIND))
    assert told[:, 2].sum() == 10 * 2 * 3 * FOLDS * SERIES
    seen = told[:, 2] > 0
    means = told[seen, 0] / told[seen, 2]
    assert (np.floor(means * 10) == np.flatnonzero(seen)).all()


def test_without_folds_nothing_is_told() -> None:
    """All of the truth is missing: the prior alone, and no claim."""
    ((above, _),), told = learnt(folded(np.full((FOLDS, STEPS, SERIES), np.nan), ONE_KIND))
    assert above.shift == SHIFT
    assert told.sum() == 0
