"""Snapshots: what was pulled once can be asked again, to the bit; what is torn is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from capacity import provenance
from capacity.errors import NoData, NotHeld, ParameterError, QueryRejected, SnapshotTorn
from capacity.frames import Pull, grid, wide
from capacity.simulate import AS_OF
from connectors import connect
from connectors.snapshot import Snapshot, SnapshotWriter

DAY = pd.Timedelta(days=1)
HOUR = pd.Timedelta(hours=1)
START = pd.Timestamp("2026-01-05T00:00Z")
END = START + 2 * DAY
SERIES = [{"region": "eu", "node": "a"}, {"region": "eu", "node": "b"}, {"region": "us"}]


def frame(values: object = None, *, name: str = "m", **told: object) -> pd.DataFrame:
    """Return two days of three hourly series, the last without a node: 0, 1, 2 …, ten and a hundred times as much."""
    times = grid(START, END, HOUR)
    made = np.arange(48.0)[:, None] * [1.0, 10.0, 100.0] if values is None else values
    made = wide(made, times=times, series=SERIES, metric=name)  # type: ignore[arg-type]
    fields = {"query": "m", "unit": "percent", "step": "1h", "aggregate": "max", "source": "http://vm:8428"}
    fields |= {"server": "VictoriaMetrics v1.150", "start": START.isoformat(), "end": END.isoformat()}
    fields |= {"pulled_at": "2026-01-07T00:03:11+00:00", "series": 3, "gaps": 7, "dropped": 2}
    return provenance.attach(made, name, **{**fields, **told})


def kept(folder: Path, made: pd.DataFrame | None = None, **more: object) -> Snapshot:
    """Write a frame as the only answer of a snapshot, and open it."""
    writer = SnapshotWriter(folder)
    stated = {"query": "m", "step": HOUR, "aggregate": "max", "start": START, "end": END, "role": "demand"}
    writer.put(frame() if made is None else made, **{**stated, "resource": "cpu", **more})  # type: ignore[arg-type]
    writer.close()
    return Snapshot(f"snapshot:{folder}")


def asked(snapshot: Snapshot, query: str = "m", **more: object) -> pd.DataFrame:
    return snapshot.range(query, **{"start": START, "end": END, "aggregate": "max", **more})  # type: ignore[arg-type]


# What comes back -----------------------------------------------------------------------------------------------------


def test_an_answer_comes_back_to_the_bit(tmp_path: Path) -> None:
    """Values (NaN and infinities too), labels (missing ones too), times, names of levels and provenance."""
    values = np.random.default_rng(0).lognormal(0, 9, (48, 3))
    values[3, 0], values[4, 1], values[5, 2] = np.nan, np.inf, -np.inf
    made = frame(values)
    came = asked(kept(tmp_path, made))
    pd.testing.assert_frame_equal(came, made, check_exact=True, check_freq=False)
    assert came.to_numpy().tobytes() == made.to_numpy().tobytes()
    assert came.attrs == made.attrs


def test_a_series_without_labels_is_kept(tmp_path: Path) -> None:
    """A frame with the one level `metric` is such a frame again, not one of strings."""
    made = wide(np.ones((48, 1)), times=grid(START, END, HOUR), series=[{}], metric="m")
    came = asked(kept(tmp_path, made))
    assert came.columns.names == ["metric"]
    assert came.columns.tolist() == [("m",)]


def test_a_pull_over_a_snapshot_is_the_pull_that_made_it(tmp_path: Path) -> None:
    """Demand, limits, skips, `as_of` and provenance: a report that is drawn from it again has the same bytes."""
    first = connect("demo:").pull("dwcp", window="14d", into=tmp_path)
    again = connect(f"snapshot:{tmp_path}").pull("dwcp", window="14d")
    assert (again.as_of, again.window, again.skipped) == (first.as_of, first.window, first.skipped)
    assert told(again) == told(first)


def told(pulled: Pull) -> dict[str, object]:
    """Return all that a pull says, in a form that can be compared to the bit."""
    frames = {f"demand {name}": one for name, one in pulled.demand.items()}
    frames |= {f"limit {name}": one for name, one in pulled.limits.items() if isinstance(one, pd.DataFrame)}
    numbers = {f"limit {name}": one for name, one in pulled.limits.items() if not isinstance(one, pd.DataFrame)}
    return numbers | {
        name: (one.to_numpy().tobytes(), one.columns.tolist(), one.index.tolist(), json.dumps(one.attrs))
        for name, one in frames.items()
    }


def test_a_snapshot_keeps_the_querys_own_unit(tmp_path: Path) -> None:
    """CPU is kept in per cent, as the server answers; a pull makes a ratio of it, as it does over the server."""
    connect("demo:").pull("dwcp", resources="cpu", window="2d", into=tmp_path)
    source = connect(f"snapshot:{tmp_path}")
    came = source.range("dwcp_cpu_usage_percent", start=AS_OF - 2 * DAY, end=AS_OF, aggregate="max", name="cpu")
    assert provenance.read(came)["cpu"].unit == "percent"
    assert came.max().max() > 1.0
    assert source.pull("dwcp", resources="cpu", window="2d").demand["cpu"].max().max() <= 1.0


# What is asked of it -------------------------------------------------------------------------------------------------


def test_any_window_inside_is_answered(tmp_path: Path) -> None:
    """Six hours of the two days, and provenance that says so and keeps server and time of the pull."""
    came = asked(kept(tmp_path), start=START + DAY, end=START + DAY + 6 * HOUR)
    assert came.iloc[:, 0].tolist() == [24.0, 25.0, 26.0, 27.0, 28.0, 29.0]
    record = provenance.read(came)["m"]
    assert (record.start, record.end) == ("2026-01-06T00:00:00+00:00", "2026-01-06T06:00:00+00:00")
    assert (record.server, record.pulled_at) == ("VictoriaMetrics v1.150", "2026-01-07T00:03:11+00:00")
    assert record.gaps == 0


@pytest.mark.parametrize(
    ("aggregate", "days"),
    [
        ("max", [23.0, 47.0]),
        ("min", [0.0, 24.0]),
        ("sum", [276.0, 852.0]),
        ("count", [276.0, 852.0]),
        ("last", [23.0, 47.0]),
    ],
)
def test_what_follows_is_rolled_up(tmp_path: Path, aggregate: str, days: list[float]) -> None:
    """Of 0 … 23 and 24 … 47: the highest of the highest, the sum of the sums, and so on."""
    snapshot = kept(tmp_path, aggregate=aggregate)
    assert asked(snapshot, step="1d", aggregate=aggregate).iloc[:, 0].tolist() == days


def test_a_roll_up_passes_over_what_is_missing(tmp_path: Path) -> None:
    """A day with one hour is that hour's, a day without any has none: not zero."""
    values = np.full((48, 3), np.nan)
    values[5, 0] = 7.0
    for aggregate in ("max", "sum", "last"):
        came = asked(kept(tmp_path / aggregate, frame(values), aggregate=aggregate), step="1d", aggregate=aggregate)
        assert came.iloc[0, 0] == 7.0
        assert came.iloc[1].isna().all()


def test_a_query_as_it_is_written_is_thinned_out(tmp_path: Path) -> None:
    """Instants every six hours of those every hour: no roll-up at all."""
    came = asked(kept(tmp_path, aggregate=None), step="6h", aggregate=None)
    assert came.iloc[:, 0].tolist() == [5.0, 11.0, 17.0, 23.0, 29.0, 35.0, 41.0, 47.0]


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"query": "n"}, "It holds, every 1h from 2026-01-05 to 2026-01-07: m \\(max\\)"),
        ({"aggregate": "min"}, "It is held rolled up to its max, not rolled up to its min"),
        ({"aggregate": None}, "It is held rolled up to its max, not as it is written"),
        ({"step": "30min"}, "A step of 30m is not a multiple of 1h"),
        ({"step": "90min"}, "A step of 90m is not a multiple of 1h"),
        ({"start": START - HOUR}, "is not inside the one that is held"),
        ({"start": START + HOUR, "step": "1d", "end": END}, None),
        ({"query": "m[5m]"}, "does not hold"),
        ({"query": "rate(m[5m])"}, "does not hold"),
    ],
)
def test_what_does_not_follow_is_not_held(tmp_path: Path, more: dict[str, object], why: str | None) -> None:
    """Another query, roll-up, finer step or wider window: told, with what there is; a day within is answered."""
    snapshot = kept(tmp_path)
    if why is None:
        assert asked(snapshot, **more).iloc[:, 0].tolist() == [23.0, 47.0]  # type: ignore[arg-type]
        return
    with pytest.raises(NotHeld, match=why):
        asked(snapshot, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("aggregate", ["mean", "p95"])
def test_means_and_quantiles_do_not_roll_up(tmp_path: Path, aggregate: str) -> None:
    """How many samples each hour had is not known: a day's mean or quantile does not follow; an hour's is held."""
    snapshot = kept(tmp_path, aggregate=aggregate)
    assert asked(snapshot, aggregate=aggregate).shape == (48, 3)
    with pytest.raises(NotHeld, match=f"The {aggregate} over 1d does not follow from that over 1h"):
        asked(snapshot, aggregate=aggregate, step="1d")


def test_an_end_past_what_is_held_is_taken_back(tmp_path: Path) -> None:
    """As on a server, whose last finished step is its end."""
    assert asked(kept(tmp_path), end=END + DAY).index[-1] == END


def test_selectors_choose_among_the_series(tmp_path: Path) -> None:
    """By label, by pattern, by a label that one series lacks; a selector that is held is narrowed, not widened."""
    snapshot = kept(tmp_path, query='m{region!="ap"}')
    assert asked(snapshot, 'm{region!="ap",region="eu"}').shape[1] == 2
    assert asked(snapshot, "m{node='', region!='ap'}").columns.tolist() == [("m", "", "us")]
    with pytest.raises(NotHeld):
        asked(snapshot, "m")
    with pytest.raises(NoData):
        asked(snapshot, 'm{region!="ap",region="asia"}')
    with pytest.raises(QueryRejected, match="no regular expression"):
        asked(snapshot, 'm{region=~"("}')


def test_the_series_that_are_held_are_listed(tmp_path: Path) -> None:
    """Those of selectors, with their metric; a label that a series lacks is not told; a narrower selector chooses."""
    snapshot = kept(tmp_path, query='m{region!="ap"}')
    found = snapshot.series("m")
    assert all(one["__name__"] == "m" for one in found)
    assert {"__name__": "m", "region": "us"} in found
    assert snapshot.series('{region="us"}') == [one for one in found if one["region"] == "us"]
    assert snapshot.series("n") == []
    assert snapshot.label_values("region") == ["eu", "us"]
    assert snapshot.labels() == ["__name__", "node", "region"]


def test_that_there_was_nothing_is_kept_too(tmp_path: Path) -> None:
    """A query without data is answered as the server answered it, not as one that was never asked."""
    writer = SnapshotWriter(tmp_path)
    writer.put_nothing("no series matches 'n'", query="n", step=HOUR, aggregate="max", start=START, end=END)
    writer.close()
    with pytest.raises(NoData, match=r"^no series matches 'n'$"):
        asked(Snapshot(f"snapshot:{tmp_path}"), "n")


# The folder ----------------------------------------------------------------------------------------------------------


def test_one_row_a_series_and_readable_by_others(tmp_path: Path) -> None:
    """A file is a plain table: labels as columns, a list of values."""
    kept(tmp_path)
    (file,) = tmp_path.glob("*.parquet")
    rows = pq.read_table(file).to_pylist()
    assert [(row["metric"], row["node"], row["region"], len(row["__values__"])) for row in rows] == [
        ("m", "a", "eu", 48),
        ("m", "b", "eu", 48),
        ("m", "", "us", 48),
    ]


def test_the_manifest_says_what_and_vouches_for_it(tmp_path: Path) -> None:
    """Query, window, step, roll-up, what it was for, the file and its hash, the server, and who wrote it."""
    kept(tmp_path)
    stored = json.loads((tmp_path / "manifest.json").read_text())
    (entry,) = stored["entries"]
    assert (entry["query"], entry["start"], entry["end"]) == ("m", START.isoformat(), END.isoformat())
    assert (entry["step"], entry["aggregate"], entry["role"], entry["resource"]) == ("1h", "max", "demand", "cpu")
    assert len(entry["sha256"]) == 64
    assert entry["provenance"]["metrics"]["m"]["server"] == "VictoriaMetrics v1.150"
    assert set(stored["versions"]) == {"capacity-workbench", "pandas", "pyarrow"}


def test_the_same_answers_make_the_same_bytes(tmp_path: Path) -> None:
    """Two writings of one pull differ in nothing."""
    for name in ("a", "b"):
        kept(tmp_path / name)
    read = [{file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in ("a", "b")]
    assert read[0] == read[1]


def test_a_second_pull_replaces_its_own_and_keeps_the_rest(tmp_path: Path) -> None:
    """The same question over the same window is there once, with the later answer; another window beside it."""
    kept(tmp_path)
    kept(tmp_path, frame(np.ones((48, 3))))
    snapshot = kept(tmp_path, frame().iloc[:24], end=START + DAY)
    assert len(snapshot.entries) == 2
    assert len(list(tmp_path.glob("*.parquet"))) == 2
    assert asked(snapshot).iloc[-1, 0] == 1.0


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_torn_file_is_told(tmp_path: Path, damage: str) -> None:
    """Cut short, changed in one byte, or gone: the error names the file, and what to do."""
    snapshot = kept(tmp_path)
    (file,) = tmp_path.glob("*.parquet")
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else content[:-1] + b"!")
    with pytest.raises(SnapshotTorn, match=rf"{file.name} .*Pull it again: capacity pull --into"):
        asked(snapshot)


@pytest.mark.parametrize(
    "text", ["", "{", '{"format": 9, "entries": []}', '{"format": 1}', '{"format": 1, "entries": [{}]}']
)
def test_a_manifest_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    """Empty, cut, of another format or without what it needs: torn, in one line."""
    kept(tmp_path)
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(SnapshotTorn, match=r"manifest\.json cannot be read"):
        Snapshot(f"snapshot:{tmp_path}")


def test_a_manifest_does_not_reach_out_of_its_folder(tmp_path: Path) -> None:
    """A file that is named by a path elsewhere is not read."""
    kept(tmp_path)
    stored = json.loads((tmp_path / "manifest.json").read_text())
    stored["entries"][0]["file"] = "../secret.parquet"
    (tmp_path / "manifest.json").write_text(json.dumps(stored))
    with pytest.raises(SnapshotTorn, match="is not in the folder"):
        Snapshot(f"snapshot:{tmp_path}")


def test_a_torn_snapshot_is_mended_by_pulling_again(tmp_path: Path) -> None:
    """The folder of a torn one takes a new pull, and is whole."""
    connect("demo:").pull("dwcp", resources="cpu", window="2d", into=tmp_path)
    for file in tmp_path.glob("*.parquet"):
        file.write_bytes(b"torn")
    (tmp_path / "manifest.json").write_text("{")
    connect("demo:").pull("dwcp", resources="cpu", window="2d", into=tmp_path)
    assert connect(f"snapshot:{tmp_path}").pull("dwcp", resources="cpu", window="2d").demand["cpu"].shape == (48, 12)


def test_before_it_is_closed_there_is_no_snapshot(tmp_path: Path) -> None:
    """What was put and not closed is told as never finished; a snapshot that was there before stays as it was."""
    writer = SnapshotWriter(tmp_path)
    writer.put(frame(), query="m", step=HOUR, aggregate="max", start=START, end=END)
    with pytest.raises(SnapshotTorn, match="never finished"):
        Snapshot(f"snapshot:{tmp_path}")
    writer.close()
    SnapshotWriter(tmp_path).put(frame(np.ones((48, 3))), query="m", step=HOUR, aggregate="max", start=START, end=END)
    assert asked(Snapshot(f"snapshot:{tmp_path}")).iloc[-1, 0] == 47.0


KILLED = """
import os, signal, sys
from tests.connectors.test_snapshot import kept, frame
from pathlib import Path
import numpy as np
calls, at = 0, int(sys.argv[2])
real = os.fsync
def fsync(number):
    global calls
    calls += 1
    if calls > at:
        os.kill(os.getpid(), signal.SIGKILL)
    real(number)
os.fsync = fsync
kept(Path(sys.argv[1]), frame(np.ones((48, 3))))
"""


@pytest.mark.parametrize("at", range(4))
def test_a_writer_that_is_killed_leaves_the_snapshot_before_it(tmp_path: Path, at: int) -> None:
    """Killed at any of the four times that it makes something last: what is read is the old one or the new, whole."""
    kept(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), str(at)], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert asked(Snapshot(f"snapshot:{tmp_path}")).iloc[-1, 0] in (47.0, 1.0)
    assert asked(kept(tmp_path)).iloc[-1, 0] == 47.0


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """The message says how one is made."""
    with pytest.raises(ParameterError, match="capacity pull --into FOLDER makes one"):
        connect(f"snapshot:{tmp_path / 'nowhere'}")
    with pytest.raises(ParameterError):
        connect("snapshot:")


def test_it_tells_what_it_is(tmp_path: Path) -> None:
    """From when to when, and which server's answers they are."""
    info = kept(tmp_path).info()
    assert (info.kind, info.version, info.oldest, info.newest) == ("snapshot", "VictoriaMetrics v1.150", START, END)
