"""Preparation: what models may see, and what nobody can judge."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from capacity.catalog import Event
from capacity.errors import HistoryTooShort, ParameterError
from capacity.frames import wide
from capacity.prepare import prepare


def frame(values: np.ndarray, start: str = "2026-03-02T01:00Z") -> pd.DataFrame:
    values = np.asarray(values, dtype=float).reshape(len(values), -1)
    times = pd.date_range(start, periods=len(values), freq="1h", unit="us")
    return wide(values, times=times, series=[{"node": f"n{i}"} for i in range(values.shape[1])], metric="load")


def test_as_of_cuts_before_anything_is_looked_at() -> None:
    """The cutoff is the last step at or before ``as_of``; a later infinity is neither seen nor counted."""
    values = np.ones(48)
    values[40] = np.inf
    cut = prepare(frame(values), as_of="2026-03-03T12:30Z")
    assert cut.cutoff == pd.Timestamp("2026-03-03T12:00Z")
    assert len(cut.frame) == 36
    assert cut.infinite == 0


def test_without_as_of_the_cutoff_is_the_last_step() -> None:
    """``as_of`` None is the last finished step of the history."""
    assert prepare(frame(np.ones(30))).cutoff == pd.Timestamp("2026-03-03T06:00Z")


def test_infinities_are_missing_and_counted() -> None:
    """±Inf counts as missing."""
    values = np.ones(48)
    values[[3, 9]] = [np.inf, -np.inf]
    done = prepare(frame(values))
    assert done.infinite == 2
    assert int(np.isnan(done.values).sum()) == 2


@pytest.mark.parametrize(
    ("values", "reason", "word"),
    [
        (np.full(400, np.nan), "no data", "every sample"),
        (np.r_[np.full(395, np.nan), np.ones(5)], "too short", "5 samples"),
        (np.r_[np.tile([1.0, *[np.nan] * 19], 20)], "too gappy", "20 samples"),
        (np.r_[np.tile([1.0, *[np.nan] * 9], 40)], "too gappy", "90 %"),
        (np.r_[np.ones(200), np.full(200, np.nan)], "too gappy", "silent"),
    ],
)
def test_a_series_nobody_can_judge_is_skipped_with_its_reason(values: np.ndarray, reason: str, word: str) -> None:
    """Every "no" has one of the known reasons, and figures behind it."""
    skipped = prepare(frame(np.column_stack([values, np.ones(400)]))).skipped
    assert [(one.series, one.reason) for one in skipped] == [("n0", reason)]
    assert word in skipped[0].detail


def test_constants_and_day_time_only_series_are_kept() -> None:
    """A constant is fine, and so is a series that reports by day only (nine hours of 24)."""
    hours = np.arange(480) % 24
    by_day = np.where((hours >= 8) & (hours < 17), 5.0, np.nan)
    assert prepare(frame(np.column_stack([np.ones(480), by_day]))).skipped == ()


def test_what_a_declared_outlier_window_covers_is_missing() -> None:
    """Steps that overlap the window are left out, in the series that the event names and in no other."""
    event = Event(
        "outlier_window",
        "test",
        pd.Timestamp("2026-03-02T10:00Z"),
        pd.Timestamp("2026-03-02T12:00Z"),
        (),
        {"node": "n1"},
    )
    done = prepare(frame(np.ones((48, 2))), unfit=[event])
    missing = np.isnan(done.values)
    assert [str(t)[11:16] for t in done.frame.index[missing[:, 1]]] == ["11:00", "12:00"]
    assert not missing[:, 0].any()


def test_as_of_before_the_first_sample_says_what_to_type() -> None:
    """There is nothing to cut to: a parameter error with the first sample's time."""
    with pytest.raises(ParameterError, match="before the first sample"):
        prepare(frame(np.ones(48)), as_of="2020-01-01")


def test_one_sample_has_no_step() -> None:
    """A history of one sample is too short for anything."""
    with pytest.raises(HistoryTooShort, match="1 sample"):
        prepare(frame(np.ones(1)))
