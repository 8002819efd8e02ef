"""A folder before a source: each closed stretch is pulled once, and nobody can tell from the answer."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity import provenance
from capacity.errors import NoData
from capacity.frames import grid, wide
from connectors import connect
from connectors.base import Source, window
from connectors.cached import Cached
from connectors.keeping import SnapshotWriter
from connectors.several import Several
from connectors.snapshot import Snapshot
from tests.support.servers import VictoriaMetrics

HOUR = pd.Timedelta(hours=1)
START = pd.Timestamp("2026-01-05T00:00Z")


class Clocked(Source):
    """Hours since the start, of series that come and go, by a clock that a test sets; it notes what it is asked for."""

    latency = pd.Timedelta(seconds=30)

    def __init__(self) -> None:
        super().__init__("clocked")
        self.clock = START + 48 * HOUR
        self.asked: list[tuple[float, float]] = []
        self.late = 0.0

    def now(self) -> pd.Timestamp:
        return self.clock

    def range(self, query: str, *, start: object, end: object, step: object = "1h", **_: object) -> pd.DataFrame:
        asked = window(start, end, step)  # type: ignore[arg-type]
        asked = asked.until(self.finished(asked.step))
        self.asked.append(((asked.start - START) / HOUR, (asked.end - START) / HOUR))
        hours = ((asked.times - START) / HOUR).to_numpy()
        series = {"always": hours + self.late, "until ten": np.where(hours <= 10, hours, np.nan)}
        series |= {"from forty": np.where(hours > 40, hours, np.nan)}
        held = {name: values for name, values in series.items() if query == "m" and not np.isnan(values).all()}
        if not held:
            raise NoData(f"no series matches {query!r}", source=self.name)
        labels = [{"node": name} if name != "from forty" else {"node": name, "rack": "b"} for name in held]
        frame = wide(np.column_stack(list(held.values())), times=asked.times, series=labels, metric="m")
        frame = frame.sort_index(axis=1)
        told = {"source": self.name, "pulled_at": self.clock.isoformat(), "start": asked.start.isoformat()}
        return provenance.attach(frame, "m", query=query, end=asked.end.isoformat(), series=len(held), **told)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Check values, times and labels; a label that no series of one has may be a level there."""
    pd.testing.assert_frame_equal(_plain(one), _plain(other), check_freq=False, check_exact=True)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    names = list(frame.columns.names)
    keys = [repr(sorted((n, v) for n, v in zip(names, key, strict=True) if v)) for key in frame.columns]
    return pd.DataFrame(frame.to_numpy(), index=frame.index, columns=keys)


def test_a_second_question_pulls_the_new_tail_alone(tmp_path: Path) -> None:
    """48 hours, then a day later 72: the second asks for the hours after 47 (the last one was not settled) alone."""
    live = Clocked()
    cached = Cached(live, tmp_path)
    cached.range("m", start=START, end=START + 100 * HOUR)
    live.clock += 24 * HOUR
    again = cached.range("m", start=START, end=START + 100 * HOUR)
    # at 48:00 the last finished step is 47:00; what ended an hour before, at 47:00, is settled
    assert live.asked == [(0.0, 47.0), (47.0, 71.0)]
    fresh = Clocked()
    fresh.clock = live.clock
    same(again, fresh.range("m", start=START, end=START + 100 * HOUR))
    cached.range("m", start=START + 20 * HOUR, end=START + 60 * HOUR)
    assert len(live.asked) == 2


def test_what_was_not_settled_is_pulled_again(tmp_path: Path) -> None:
    """Samples that come late, into the last hours, are in the next answer: settled means an hour over."""
    live = Clocked()
    cached = Cached(live, tmp_path, settle="3h")
    cached.range("m", start=START, end=START + 47 * HOUR)
    live.late, live.clock = 0.5, live.clock + HOUR
    again = cached.range("m", start=START, end=START + 47 * HOUR)
    assert live.asked[1] == (45.0, 47.0)
    assert again.loc[:, ("m", "always", "")].tail(3).tolist() == [45.0, 46.5, 47.5]


@pytest.mark.parametrize(
    "around", [lambda live, folder: Cached(live, folder / "inner"), lambda live, _: Several([("a", live)])]
)
def test_what_lives_behind_something_else_is_not_settled_sooner(
    tmp_path: Path, around: Callable[[Source, Path], Source]
) -> None:
    """Behind another cache, or one of several sources: the last hour is pulled again, since it may have come late."""
    live = Clocked()
    source = around(live, tmp_path)
    for _ in range(2):
        Cached(source, tmp_path / "outer").range("m", start=START, end=START + 47 * HOUR)
        live.clock += pd.Timedelta(minutes=30)
    assert len(live.asked) == 1  # at 48:00 the step of 47:00 was settled
    live.clock = START + 50 * HOUR + pd.Timedelta(minutes=5)
    for _ in range(2):
        Cached(source, tmp_path / "outer").range("m", start=START, end=START + 50 * HOUR)
    assert [asked[1] for asked in live.asked] == [47.0, 50.0, 50.0]


def test_a_backfill_is_seen_by_refresh_alone(tmp_path: Path) -> None:
    """What is over is not asked for again, whatever was written since; ``refresh`` pulls it anew, and keeps it."""
    live = Clocked()
    end = START + 24 * HOUR
    Cached(live, tmp_path).range("m", start=START, end=end)
    live.late, live.clock = 0.5, live.clock + HOUR
    assert Cached(live, tmp_path).range("m", start=START, end=end).iloc[0, 0] == 1.0
    assert Cached(live, tmp_path, refresh=True).range("m", start=START, end=end).iloc[0, 0] == 1.5
    assert Cached(live, tmp_path).range("m", start=START, end=end).iloc[0, 0] == 1.5


def test_series_that_appear_and_vanish_are_as_the_source_has_them(tmp_path: Path) -> None:
    """A window after a series' end does not have it, though a longer one that is kept does; a new label is ''."""
    live = Clocked()
    cached = Cached(live, tmp_path)
    cached.range("m", start=START, end=START + 30 * HOUR)
    later = cached.range("m", start=START + 12 * HOUR, end=START + 46 * HOUR)
    same(later, Clocked().range("m", start=START + 12 * HOUR, end=START + 46 * HOUR))
    assert later.columns.names == ["metric", "node", "rack"]
    assert provenance.read(later)["m"].series == 2


def test_that_there_was_nothing_is_asked_once(tmp_path: Path) -> None:
    """A closed window without data is kept as such; its tail is asked for."""
    live = Clocked()
    cached = Cached(live, tmp_path)
    for _ in range(2):
        with pytest.raises(NoData, match="no series matches"):
            cached.range("n", start=START, end=START + 24 * HOUR)
    assert len(live.asked) == 1


def test_a_query_of_its_whole_range_is_kept_as_a_whole(tmp_path: Path) -> None:
    """``range_max`` of a longer window is no continuation of that of a shorter one."""
    live = Clocked()
    cached = Cached(live, tmp_path)
    for hours in (10, 20, 20):
        with pytest.raises(NoData):
            cached.range("range_max(m)", start=START, end=START + hours * HOUR)
    assert live.asked == [(0.0, 10.0), (0.0, 20.0)]


def test_many_parts_become_one(tmp_path: Path) -> None:
    """A report every hour makes a part each; beyond sixteen they are written as one, and give the same."""
    live = Clocked()
    for hours in range(48, 70):
        live.clock = START + hours * HOUR
        frame = Cached(live, tmp_path).range("m", start=START, end=START + 100 * HOUR)
    fresh = Clocked()
    fresh.clock = live.clock
    same(frame, fresh.range("m", start=START, end=START + 100 * HOUR))
    assert len(live.asked) == 22
    assert len(json.loads((tmp_path / "manifest.json").read_text())["entries"]) <= 17
    assert len(list(tmp_path.glob("*.parquet"))) <= 17


def test_a_torn_file_is_pulled_again(tmp_path: Path) -> None:
    """A file that is not the one that was written is no error of the cache: its stretch is asked for again."""
    live = Clocked()
    frame = Cached(live, tmp_path).range("m", start=START, end=START + 24 * HOUR)
    for file in tmp_path.glob("*.parquet"):
        file.write_bytes(b"torn")
    same(Cached(live, tmp_path).range("m", start=START, end=START + 24 * HOUR), frame)
    assert len(live.asked) == 2


def test_two_servers_do_not_answer_for_each_other(tmp_path: Path, victoriametrics: VictoriaMetrics) -> None:
    """In one folder the answers of two sources are kept apart."""
    live = Clocked()
    Cached(live, tmp_path).range("m", start=START, end=START + 24 * HOUR)
    with connect(victoriametrics.url, cache=tmp_path) as other, pytest.raises(NoData):
        other.range("m", start=START, end=START + 24 * HOUR)


@settings(max_examples=25)
@given(
    windows=st.lists(st.tuples(st.integers(0, 300), st.integers(1, 300)), min_size=1, max_size=5),
    aggregate=st.sampled_from(["max", "mean", "p95", "count"]),
    step=st.sampled_from(["1m", "5m", "7m"]),
)
def test_a_cached_answer_is_the_answer(
    loaded: str,
    tmp_path_factory: pytest.TempPathFactory,
    windows: list[tuple[int, int]],
    aggregate: str,
    step: str,
) -> None:
    """Whatever was asked before, in whichever order: what the cache gives is what the real server gives."""
    folder = tmp_path_factory.mktemp("cache")
    with connect(loaded, cache=folder) as cached, connect(loaded) as plain:
        for first, length in windows:
            asked = {"start": START + first * HOUR / 60, "end": START + (first + length) * HOUR / 60}
            try:
                expected = plain.range("law_of_cache", **asked, step=step, aggregate=aggregate)
            except (NoData, ValueError) as error:
                with pytest.raises(type(error)):
                    cached.range("law_of_cache", **asked, step=step, aggregate=aggregate)
                continue
            same(cached.range("law_of_cache", **asked, step=step, aggregate=aggregate), expected)


@pytest.fixture(scope="module")
def loaded(victoriametrics: VictoriaMetrics) -> str:
    """Load ten hours of four series: steady, with holes, one that begins late, one that ends early."""
    rng = np.random.default_rng(3)
    stamps = int(START.timestamp() * 1000) + 60_000 * np.arange(600) + rng.integers(0, 20_000, 600)
    lines = []
    for node, kept in (("a", slice(0, 600)), ("b", slice(0, 600, 17)), ("c", slice(400, 600)), ("d", slice(0, 90))):
        values = rng.normal(50, 9, 600).round(3)[kept].tolist()
        series = {"metric": {"__name__": "law_of_cache", "node": node}, "values": values}
        lines.append(json.dumps({**series, "timestamps": stamps[kept].tolist()}))
    victoriametrics.import_lines("\n".join(lines).encode())
    return victoriametrics.url


def test_a_pull_into_a_folder_asks_for_its_tail_alone(loaded: str, tmp_path: Path) -> None:
    """Two pulls into one folder, the second an hour later: the snapshot answers both; the server saw the tail alone."""
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(
        'name = "law"\n[resources.law]\nquery = "law_of_cache"\nunit = "count"\nlimit = 100.0\nstep = "1m"\n'
        'lead_time = "1d"\nowner = "us"\n'
    )
    with connect(loaded) as source:
        frames = []
        for minutes in (300, 360):
            pulled = source.pull(catalog, as_of=START + minutes * HOUR / 60, window="2h", into=tmp_path / "kept")
            frames.append(pulled.demand["law"])
    entries = json.loads((tmp_path / "kept" / "manifest.json").read_text())["entries"]
    assert sorted((entry["start"][11:16], entry["end"][11:16]) for entry in entries) == [
        ("03:00", "05:00"),
        ("05:00", "06:00"),
    ]
    again = connect(f"snapshot:{tmp_path / 'kept'}").pull(catalog, window="2h").demand["law"]
    pd.testing.assert_frame_equal(again, frames[1])
    assert again.attrs == frames[1].attrs


# Writers -------------------------------------------------------------------------------------------------------------


def frame_of(value: float) -> pd.DataFrame:
    return wide(
        np.full((24, 2), value), times=grid(START, START + 24 * HOUR, HOUR), series=[{"n": "a"}, {"n": "b"}], metric="m"
    )


def put(writer: SnapshotWriter, number: int) -> None:
    told = {"step": HOUR, "aggregate": "max", "start": START, "end": START + 24 * HOUR}
    writer.put(frame_of(float(number % 3)), query=f"m{number}", **told)  # type: ignore[arg-type]


def test_many_writers_at_once_lose_nothing(tmp_path: Path) -> None:
    """Twelve threads and three processes, some with the same content: every answer is there, and whole."""

    def write(number: int) -> None:
        with SnapshotWriter(tmp_path) as writer:
            put(writer, number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(12)]
    program = "import sys; from pathlib import Path; from tests.connectors.test_cached import *\n"
    program += "for n in range(int(sys.argv[2]), int(sys.argv[2]) + 4):\n"
    program += "    with SnapshotWriter(Path(sys.argv[1])) as w: put(w, n)"
    root = Path(__file__).parents[2]
    children = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path), str(first)],
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        for first in (100, 200, 300)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [child.wait() for child in children] == [0, 0, 0]
    snapshot = Snapshot(f"snapshot:{tmp_path}")
    numbers = [*range(12), *(first + n for first in (100, 200, 300) for n in range(4))]
    for number in numbers:
        came = snapshot.range(f"m{number}", start=START, end=START + 24 * HOUR, aggregate="max")
        assert (came.to_numpy() == number % 3).all()


def test_a_writer_leaves_the_files_of_others_alone(tmp_path: Path) -> None:
    """What another writer has put and not closed is not swept up with what nobody needs."""
    slow = SnapshotWriter(tmp_path)
    put(slow, 1)
    with SnapshotWriter(tmp_path) as quick:
        put(quick, 2)
    slow.close()
    snapshot = Snapshot(f"snapshot:{tmp_path}")
    assert snapshot.range("m1", start=START, end=START + 24 * HOUR, aggregate="max").iloc[0, 0] == 1.0


def test_a_block_that_fails_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    """An error, and Ctrl-C is one, lets go of what was put: no file and no entry of it is left."""
    with SnapshotWriter(tmp_path) as writer:
        put(writer, 1)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with suppress(KeyboardInterrupt), SnapshotWriter(tmp_path) as writer:
        put(writer, 2)
        raise KeyboardInterrupt
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_reader_finds_the_files_that_came_since(tmp_path: Path) -> None:
    """A snapshot that was opened before a writer replaced its file answers from the new one."""
    told = {"query": "m", "step": HOUR, "aggregate": "max", "start": START, "end": START + 24 * HOUR}
    for value in (1.0, 2.0):
        with SnapshotWriter(tmp_path) as writer:
            writer.put(frame_of(value), **told)  # type: ignore[arg-type]
        if value == 1.0:
            reader = Snapshot(f"snapshot:{tmp_path}")
    assert reader.range("m", start=START, end=START + 24 * HOUR, aggregate="max").iloc[0, 0] == 2.0


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.connectors.test_cached import *
writer = SnapshotWriter(Path(sys.argv[1]))
put(writer, 2)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_in_mid_write_loses_nothing(tmp_path: Path) -> None:
    """What was kept before is answered as before; the file of the killed one is swept up by the next writer."""
    with SnapshotWriter(tmp_path) as writer:
        put(writer, 1)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob("*.parquet"))) == 2
    assert [entry.query for entry in Snapshot(f"snapshot:{tmp_path}").entries] == ["m1"]
    with SnapshotWriter(tmp_path) as writer:
        put(writer, 3)
    assert len(list(tmp_path.glob("*.parquet"))) == 2
