"""The frame contract, at the door."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capacity import frames, provenance
from capacity.errors import FrameError, ParameterError

HOURS = pd.date_range("2026-01-01T01:00Z", periods=4, freq="1h", unit="us")


def two() -> pd.DataFrame:
    """Two series of one metric; the second lacks a label of the first."""
    return frames.wide(
        np.arange(8.0).reshape(4, 2),
        times=HOURS,
        series=[{"region": "eu", "node": "a"}, {"region": "us"}],
        metric="cpu",
    )


def test_wide_builds_the_contract() -> None:
    """Level names are metric and the labels in order; a label that a series lacks is '', never NaN."""
    frame = two()
    assert list(frame.columns.names) == ["metric", "node", "region"]
    assert list(frame.columns) == [("cpu", "a", "eu"), ("cpu", "", "us")]
    assert frame.index.name == "time"
    assert str(frame.index.dtype) == "datetime64[us, UTC]"
    assert frames.check(frame).equals(frame)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda f: f.tz_localize(None), "UTC"),
        (lambda f: f.iloc[[0, 1, 3]], "not regular"),
        (lambda f: f.iloc[[0, 0, 1]], "not regular"),
        (lambda f: f.iloc[:, :0], "no series"),
        (lambda f: f.astype(str), "numbers"),
        (lambda f: pd.concat([f, f], axis=1), "same labels"),
        (lambda f: f["cpu"], "first column level"),
    ],
)
def test_a_broken_frame_is_refused_with_what_is_wrong(spoil, says: str) -> None:
    """Each breach of the contract is named in one line."""
    with pytest.raises(FrameError, match=says):
        frames.check(spoil(two()))


def test_plain_columns_are_taken_as_metrics() -> None:
    """A frame with plain column names is a history of metrics without labels."""
    plain = pd.DataFrame({"requests": [1, 2]}, index=HOURS[:2])
    assert frames.check(plain).columns.names == ["metric"]
    assert frames.check(plain).dtypes.tolist() == [np.float64]


def test_the_grid_speaks_for_the_step_that_ends() -> None:
    """A day of hours has 24 instants: the first ends at 01:00, the last at midnight."""
    got = frames.grid(pd.Timestamp("2026-01-01", tz="UTC"), pd.Timestamp("2026-01-02", tz="UTC"), pd.Timedelta("1h"))
    assert len(got) == 24
    assert got[0] == pd.Timestamp("2026-01-01T01:00Z")
    assert got[-1] == pd.Timestamp("2026-01-02T00:00Z")


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from([1, 15, 60, 300, 3600]))
def test_grids_meet_without_overlap_or_hole(start: int, first: int, second: int, step: int) -> None:
    """Splitting a window anywhere changes nothing: the halves' grids make the whole's."""
    at = [pd.Timestamp(start + offset, unit="s", tz="UTC") for offset in (0, first, first + second)]
    spacing = pd.Timedelta(step, unit="s")
    if (first + second) / step > 50_000:
        spacing = pd.Timedelta("1h")
    halves = frames.grid(at[0], at[1], spacing).append(frames.grid(at[1], at[2], spacing))
    assert halves.equals(frames.grid(at[0], at[2], spacing))


def test_reserved_labels_step_aside() -> None:
    """A label that would shadow a level of the contract is exported_…; empty ones and the name are dropped."""
    assert frames.clean_labels({"__name__": "up", "time": "x", "metric": "m", "source": "s", "a": "", "b": "1"}) == {
        "exported_time": "x",
        "exported_metric": "m",
        "exported_source": "s",
        "b": "1",
    }


def test_join_keeps_levels_values_and_provenance() -> None:
    """Frames of different labels meet on the union of their levels and times."""
    other = frames.wide([[5.0]] * 2, times=HOURS[2:] + pd.Timedelta("1h"), series=[{"zone": "z"}], metric="disk")
    provenance.attach(other, "disk", query="disk_used")
    joined = frames.join(two(), other)
    assert list(joined.columns.names) == ["metric", "node", "region", "zone"]
    assert joined.shape == (5, 3)
    assert np.isnan(joined.iloc[0, 2])
    assert joined.iloc[-1, 2] == 5.0
    assert provenance.read(joined)["disk"].query == "disk_used"
    assert provenance.read(joined)["cpu"].query == "unknown"


def test_join_refuses_two_steps() -> None:
    """Hours and half hours have no common row."""
    fine = frames.wide([[1.0]] * 3, times=pd.date_range(HOURS[0], periods=3, freq="30min"), series=[{}], metric="x")
    with pytest.raises(FrameError, match="different steps"):
        frames.join(two(), fine)


def test_series_are_named_for_people() -> None:
    """Region first, then the rest; a series without labels is 'all'."""
    assert [frames.series_name(labels) for labels in frames.series_labels(two())] == ["eu/a", "us"]
    assert frames.series_name({}) == "all"


@pytest.mark.parametrize("bad", ["0d", "-3h", "90", "soon", "", 5, "nan"])
def test_a_duration_needs_a_size_and_a_unit(bad) -> None:
    """Nothing, zero, a bare number and prose are refused with how to write it."""
    with pytest.raises(ParameterError, match="Write it like"):
        frames.duration(bad, name="horizon")


@given(st.integers(1, 10**10))
def test_durations_are_written_as_prometheus_reads_them(ms: int) -> None:
    """What is written is read back as the same length."""
    span = pd.Timedelta(ms, unit="ms")
    assert frames.duration(frames.duration_text(span)) == span


def test_durations_are_read_as_prometheus_means_them() -> None:
    """A minute is m or min, days are d, and parts add up."""
    assert frames.duration("1h30m") == pd.Timedelta(90, unit="min")
    assert frames.duration("90d") == pd.Timedelta(90 * 24, unit="h")
    assert frames.duration_text(pd.Timedelta(90, unit="min")) == "90m"


def test_an_instant_without_a_zone_is_utc() -> None:
    """Offsets are honoured, a missing zone is UTC, and nonsense is refused."""
    assert frames.instant("2026-11-01T02:00+02:00") == pd.Timestamp("2026-11-01T00:00Z")
    assert frames.instant("2026-11-01") == pd.Timestamp("2026-11-01T00:00Z")
    with pytest.raises(ParameterError, match="not an instant"):
        frames.instant("yesterday-ish")
    with pytest.raises(ParameterError, match="not an instant"):
        frames.instant("11/10/2026")  # a day in October to some and in November to others
    for number in (1_793_491_200, 1.7e9, True):
        with pytest.raises(ParameterError, match="not an instant"):
            frames.instant(number)  # type: ignore[arg-type]  # of which unit?


def test_durations_and_instants_of_other_libraries_are_read() -> None:
    """The standard library's and numpy's mean the same as text."""
    assert frames.duration(timedelta(hours=36)) == frames.duration("36h")
    assert frames.duration(np.timedelta64(90, "m")) == frames.duration("90min")
    expected = pd.Timestamp("2026-11-01T00:00Z")
    known = (datetime(2026, 11, 1, tzinfo=UTC), date(2026, 11, 1), np.datetime64("2026-11-01"), expected)
    assert [frames.instant(one) for one in known] == [expected] * 4


def test_provenance_survives_and_merges() -> None:
    """What is attached twice is joined; a field that does not exist is a slip of ours."""
    frame = provenance.attach(two(), "cpu", query="a", gaps=3, notes=("late",))
    provenance.attach(frame, "cpu", unit="ratio")
    entry = provenance.read(frame.iloc[1:])["cpu"]
    assert (entry.query, entry.unit, entry.gaps, entry.notes) == ("a", "ratio", 3, ("late",))
    with pytest.raises(TypeError, match="querry"):
        provenance.attach(frame, "cpu", querry="x")
