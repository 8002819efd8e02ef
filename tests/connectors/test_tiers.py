"""Tiers: a snapshot gets coarser with age, its peaks and its means stay what they were, and its seams are told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from capacity import provenance
from capacity.errors import NoData, NotHeld, ParameterError, SnapshotTorn
from capacity.frames import grid, wide
from connectors import connect
from connectors.keeping import SnapshotWriter
from connectors.tiers import DWCP, read_tiers, tidy

START = pd.Timestamp("2026-01-05T00:00Z")
MINUTE, HOUR = pd.Timedelta(minutes=1), pd.Timedelta(hours=1)
END = START + 8 * HOUR
TIERS = "1m:1h,5m:3h,15m:6h"


def made(values: np.ndarray, *, start: pd.Timestamp, end: pd.Timestamp, metric: str = "m") -> pd.DataFrame:
    frame = wide(values, times=grid(start, end, MINUTE), series=[{"n": "a"}, {"n": "b"}], metric=metric)
    told = {"query": metric, "source": "vm", "start": start.isoformat(), "end": end.isoformat(), "step": "1m"}
    return provenance.attach(frame, metric, pulled_at=end.isoformat(), **told)


def values_of(hours: int) -> np.ndarray:
    """Return noise with holes and one sharp peak each hour, minute by minute."""
    rng = np.random.default_rng(1)
    values = rng.normal(10, 1, (hours * 60, 2)).round(3)
    values[30::60, 0] = 100.0
    values[rng.random((hours * 60, 2)) < 0.2] = np.nan
    values[30::60, 0] = 100.0
    return values


def kept(folder: Path, *, parts: int = 1, aggregate: str | None = None) -> np.ndarray:
    """Write eight hours of minutes, as they are written, in so many parts; return them."""
    values = values_of(8)
    hours = 8 // parts
    with SnapshotWriter(folder) as writer:
        for part in range(parts):
            first, last = START + part * hours * HOUR, START + (part + 1) * hours * HOUR
            frame = made(values[part * hours * 60 : (part + 1) * hours * 60], start=first, end=last)
            told = {"start": first, "end": last, "pulled_at": last.isoformat(), "asked_of": "vm"}
            writer.put(frame, query="m", step=MINUTE, aggregate=aggregate, **told)  # type: ignore[arg-type]
    return values


def hourly(values: np.ndarray) -> pd.core.groupby.DataFrameGroupBy:
    return pd.DataFrame(values).groupby(np.repeat(np.arange(8), 60))


@pytest.mark.parametrize("parts", [1, 4])
def test_hourly_maxima_and_means_are_those_of_all_minutes(tmp_path: Path, parts: int) -> None:
    """Held at 1, 5 and 15 minutes, in any parts: the peaks are whole, the means weighted by count."""
    values = kept(tmp_path, parts=parts)
    tidy(tmp_path, tiers=TIERS)
    source = connect(f"snapshot:{tmp_path}")
    asked = {"start": START + 2 * HOUR, "end": END, "step": "1h"}
    np.testing.assert_allclose(source.range("m", **asked, aggregate="max"), hourly(values).max()[2:])
    np.testing.assert_allclose(source.range("m", **asked, aggregate="mean"), hourly(values).mean()[2:], rtol=1e-12)


def test_each_tier_has_its_step_and_the_oldest_is_gone(tmp_path: Path) -> None:
    """Up to 1 h old: minutes as they are written; to 3 h: 5 min; to 6 h: 15 min, as max, mean, count; older: gone."""
    kept(tmp_path, parts=4)
    done = tidy(tmp_path, tiers=TIERS)
    entries = json.loads((tmp_path / "manifest.json").read_text())["entries"]
    seen = {(entry["step"], entry["aggregate"], entry["start"][11:16], entry["end"][11:16]) for entry in entries}
    assert seen == {("1m", None, "07:00", "08:00")} | {
        (step, aggregate, *span)
        for step, span in (("5m", ("05:00", "07:00")), ("15m", ("02:00", "05:00")))
        for aggregate in ("max", "mean", "count")
    }
    assert len(list(tmp_path.glob("*.parquet"))) == len(entries) == 7
    assert (done.dropped, done.rolled) == (1, 2)
    with pytest.raises(NotHeld):
        connect(f"snapshot:{tmp_path}").range("m", start=START, end=END, step="1h", aggregate="max")


def test_seams_are_told(tmp_path: Path) -> None:
    """The instants at which the spacing changes stand in the frame's provenance, and that instants were rolled up."""
    kept(tmp_path)
    tidy(tmp_path, tiers=TIERS)
    frame = connect(f"snapshot:{tmp_path}").range("m", start=START + 2 * HOUR, end=END, step="1h", aggregate="max")
    told = provenance.read(frame)["m"]
    assert told.seams == (
        "2026-01-05T05:00:00+00:00: held every 15m before, every 5m after",
        "2026-01-05T07:00:00+00:00: held every 5m before, every 1m after",
    )
    assert any("not of all samples" in note for note in told.notes)
    assert told.aggregate == "max"


def test_tidying_again_goes_on_and_else_changes_nothing(tmp_path: Path) -> None:
    """Twice is once, to the byte; three hours later the next tier follows, peaks and means alike."""
    values = kept(tmp_path)
    tidy(tmp_path, tiers=TIERS)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    tidy(tmp_path, tiers=TIERS)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    tidy(tmp_path, tiers=TIERS, as_of=END + 3 * HOUR)
    source = connect(f"snapshot:{tmp_path}")
    asked = {"start": START + 5 * HOUR, "end": END, "step": "1h"}
    np.testing.assert_allclose(source.range("m", **asked, aggregate="max"), hourly(values).max()[5:])
    np.testing.assert_allclose(source.range("m", **asked, aggregate="mean"), hourly(values).mean()[5:], rtol=1e-12)
    assert {entry.step for entry in source.entries} == {pd.Timedelta(minutes=15)}  # type: ignore[attr-defined]


@pytest.mark.parametrize("aggregate", ["max", "min", "sum", "count", "last"])
def test_what_is_rolled_up_already_is_rolled_up_alike(tmp_path: Path, aggregate: str) -> None:
    """Maxima of maxima, sums of sums: each stays what it is, by its own rule."""
    values = kept(tmp_path, aggregate=aggregate)
    tidy(tmp_path, tiers=TIERS)
    asked = {"start": START + 2 * HOUR, "end": END, "step": "1h", "aggregate": aggregate}
    came = connect(f"snapshot:{tmp_path}").range("m", **asked)
    how = "sum" if aggregate in ("sum", "count") else aggregate
    np.testing.assert_allclose(came, hourly(values).agg(how)[2:])


def test_what_does_not_roll_up_is_left_and_named(tmp_path: Path) -> None:
    """A quantile of quantiles is none: it is kept as it is within its age, and told."""
    kept(tmp_path, aggregate="p95")
    done = tidy(tmp_path, tiers=TIERS)
    assert set(done.left) == {"m (p95, every 1m)"}
    came = connect(f"snapshot:{tmp_path}").range("m", start=START + 3 * HOUR, end=END, step="1m", aggregate="p95")
    assert len(came) == 300


def test_coarser_answers_are_dropped_by_age_alone(tmp_path: Path) -> None:
    """A pull's hourly maxima are coarser than any tier of the platform: a year of them stays, what is older goes."""
    connect("demo:").pull("dwcp", resources="cpu", window="14d", into=tmp_path)
    tidy(tmp_path)
    assert connect(f"snapshot:{tmp_path}").pull("dwcp", resources="cpu", window="14d").demand["cpu"].shape == (336, 12)
    tidy(tmp_path, as_of="2027-10-26T00:00Z")
    assert len(connect(f"snapshot:{tmp_path}").pull("dwcp", resources="cpu", window="5d").demand["cpu"]) == 120
    tidy(tmp_path, as_of="2028-01-01T00:00Z")
    with pytest.raises(NoData, match="holds nothing"):
        connect(f"snapshot:{tmp_path}").pull("dwcp", resources="cpu", window="5d")


def test_a_torn_snapshot_is_not_made_worse(tmp_path: Path) -> None:
    """A file that is not what was written stops it: told, and nothing is dropped."""
    kept(tmp_path)
    (file,) = tmp_path.glob("*.parquet")
    file.write_bytes(b"torn")
    before = (tmp_path / "manifest.json").read_bytes()
    with pytest.raises(SnapshotTorn):
        tidy(tmp_path, tiers=TIERS)
    assert (tmp_path / "manifest.json").read_bytes() == before


def test_the_platforms_tiers_are_the_default() -> None:
    """Hot 1 s for 7 days, warm 10 s for 30, cold 1 min for a year."""
    day = pd.Timedelta(days=1)
    assert [(tier.step.total_seconds(), tier.age / day) for tier in read_tiers(DWCP)] == [(1, 7), (10, 30), (60, 365)]


@pytest.mark.parametrize("wrong", ["1s", "1s:7d,90s:30d,2m:1d", "10s:7d,15s:30d", "1s:7d,1s:30d", "often:7d"])
def test_tiers_that_make_no_sense_are_refused(wrong: str) -> None:
    """Each is a coarser multiple of the one before and kept longer: else it says how to write them."""
    with pytest.raises(ParameterError):
        read_tiers(wrong)
