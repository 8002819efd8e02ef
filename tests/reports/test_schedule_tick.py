"""The tick, with real notebooks in real children: what is due runs once, whatever happened before."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pandas as pd
import pytest

from capacity.errors import ParameterError
from reports.ledger import runs
from reports.ledger.store import Store
from reports.schedule import lock
from reports.schedule.status import status
from reports.schedule.tick import STATE, Outcome, ledger_of, tick
from tests.support.checkout import ROOT
from tests.support.unwatched import Clock, Set, at, daily, row, told

SHOW_AS_OF = "print('made as of', as_of)"


def ticked(schedules: Set, clock: Clock) -> list[Outcome]:
    """Return what a tick did; it found no other at work."""
    done = tick(schedules.config, clock=clock)
    assert done is not None
    return done


def stamps(schedules: Set, name: str = "daily") -> list[str]:
    """Return which instants are published, by the folders that are seen."""
    home = schedules.out / name
    return (
        sorted(path.name for path in home.iterdir() if path.is_dir() and path.name[0] == "2") if home.is_dir() else []
    )


def test_three_days_off_are_one_report_of_the_last_instant(tmp_path: Path) -> None:
    """The report is made as of the instant at which it was due last, not of the time of the tick; and once."""
    schedules, clock = daily(tmp_path, SHOW_AS_OF), Clock(at("2026-11-20T06:01"))
    ticked(schedules, clock)
    clock.later("3D 2h")
    (done,) = ticked(schedules, clock)
    assert (done.as_of, done.failure) == (at("2026-11-23T06:00"), "")
    assert "made as of 2026-11-23T06:00:00+00:00" in Path(done.place).read_text()
    assert ticked(schedules, clock) == []
    assert stamps(schedules) == ["20261120T060000Z", "20261123T060000Z"]
    assert (schedules.out / "daily" / "latest" / "report.html").read_text() == Path(done.place).read_text()


def test_a_clock_set_back_makes_no_report_twice(tmp_path: Path) -> None:
    """An hour back: nothing. A clock that was years ahead for one report keeps no later one from being made."""
    schedules, clock = daily(tmp_path), Clock(at("2026-11-20T06:30"))
    ticked(schedules, clock)
    clock.later("-1h")
    assert ticked(schedules, clock) == []
    clock.now = at("2030-01-01T07:00")
    ticked(schedules, clock)
    clock.now = at("2026-11-21T06:05")
    (done,) = ticked(schedules, clock)
    assert done.as_of == at("2026-11-21T06:00")
    assert str(Path(schedules.out / "daily" / "latest").readlink()) == "20261121T060000Z"


def test_two_ticks_at_once_are_one_run(tmp_path: Path) -> None:
    """Who comes second finds the lock held and does nothing; the lock ends with the process that holds it."""
    schedules, clock = daily(tmp_path, "import time\ntime.sleep(1.5)"), Clock(at("2026-11-20T06:01"))
    found: list[list[Outcome] | None] = []
    threads = [threading.Thread(target=lambda: found.append(tick(schedules.config, clock=clock))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(each) if each is not None else -1 for each in found) == [-1, 1]
    with Store.open(ledger_of(schedules.config)) as store:
        assert len(store.rows("SELECT * FROM runs")) == 1


def test_a_failed_run_is_kept_apart_and_tried_again(tmp_path: Path) -> None:
    """The last good report stays the latest; what failed lies apart; the retry comes after the back-off."""
    flag = tmp_path / "broken"
    code = f"import pathlib\nif pathlib.Path({str(flag)!r}).exists():\n    raise RuntimeError('the disk is on fire')"
    schedules, clock = daily(tmp_path, code), Clock(at("2026-11-20T06:00"))
    ticked(schedules, clock)
    good = (schedules.out / "daily" / "latest" / "report.html").read_bytes()
    flag.touch()
    clock.later("1D")
    (failed,) = ticked(schedules, clock)
    assert "the disk is on fire" in failed.failure
    assert failed.place == str(schedules.out / "daily" / "failed" / "20261121T060000Z.ipynb")
    assert "the disk is on fire" in Path(failed.place).read_text()
    assert (schedules.out / "daily" / "latest" / "report.html").read_bytes() == good
    clock.later("4min")
    assert ticked(schedules, clock) == []
    clock.later("1min")
    flag.unlink()
    (again,) = ticked(schedules, clock)
    assert (again.failure, again.as_of) == ("", at("2026-11-21T06:00"))
    assert stamps(schedules) == ["20261120T060000Z", "20261121T060000Z"]


def test_a_run_has_its_limits(tmp_path: Path) -> None:
    """Too long, and too much memory: each is ended and told as what it was."""
    slow = daily(tmp_path, "import time\ntime.sleep(60)", timeout=pd.Timedelta(seconds=3))
    (done,) = ticked(slow, Clock(at("2026-11-20T06:00")))
    assert "took longer than 3 s" in done.failure
    heap = daily(
        tmp_path, "x = bytearray(700 * 2**20)\nimport time\ntime.sleep(30)", name="heap", memory_bytes=600 * 2**20
    )
    (done,) = ticked(heap, Clock(at("2026-11-20T06:00")))
    assert "held more than 600 MiB" in done.failure


def test_one_schedule_that_fails_stops_no_other(tmp_path: Path) -> None:
    """A notebook that is not there, and a good one after it."""
    broken, good = daily(tmp_path, name="broken"), daily(tmp_path, name="good")
    Path(broken.schedules["broken"].notebook).unlink()
    both = Set(tmp_path, {**broken.schedules, **good.schedules})
    first, second = ticked(both, Clock(at("2026-11-20T06:00")))
    assert "There is no notebook" in first.failure
    assert second.failure == ""


def test_a_secret_in_a_report_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell that prints a token fails the run, in words that do not repeat it; nothing of it lies in the folder."""
    monkeypatch.setenv("CAPACITY_TOKEN", 'tok"en-7f3a91')
    schedules = daily(tmp_path, "import os\nprint(os.environ['CAPACITY_TOKEN'])")
    (done,) = ticked(schedules, Clock(at("2026-11-20T06:00")))
    assert "holds the value of CAPACITY_TOKEN" in done.failure
    assert "7f3a91" not in done.failure
    assert stamps(schedules) == []
    held = [path for path in schedules.out.rglob("*") if path.is_file() and b"7f3a91" in path.read_bytes()]
    assert held == []


def test_the_summary_says_what_changed(tmp_path: Path) -> None:
    """The second summary.json has its schema, the instant that it was due, and the changes since the first."""
    ticked(daily(tmp_path, summary=told(row("a"), row("b"))), clock := Clock(at("2026-11-20T06:00")))
    clock.later("1D")
    later = row("a", breach_p50="2026-12-23T00:00:00Z")
    (done,) = ticked(daily(tmp_path, summary=told(later, row("c"))), clock)
    summary = json.loads((tmp_path / "out" / "daily" / "latest" / "summary.json").read_text())
    assert (summary["schema"], summary["due"]) == ("capacity.summary/1", "2026-11-21T06:00:00Z")
    assert [(each["kind"], each["series"]) for each in summary["changes"]] == [
        ("moved", "a"),
        ("new", "c"),
        ("gone", "b"),
    ]
    assert done.changed == 3


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.support.unwatched import Clock, at, daily
from reports.schedule.tick import tick
folder, event, part = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
def hook(name, told):
    if name == event and any(part in str(each) for each in told):
        os.kill(os.getpid(), signal.SIGKILL)
schedules = daily(folder)
if event != "none":
    sys.addaudithook(hook)
tick(schedules.config, clock=Clock(at(sys.argv[4])))
"""
POINTS = {
    "before the notebook runs": ("subprocess.Popen", "reports.child"),
    "before its folder is made": ("os.mkdir", ".20261121T060000Z.part"),
    "in the middle of its files": ("open", "summary.json"),
    "before it appears": ("os.rename", ".20261121T060000Z.part"),
    "before the link is made": ("os.symlink", "20261121T060000Z"),
    "before the link is swapped": ("os.rename", ".latest.part"),
    "before the list is written": ("os.rename", ".runs.json.part"),
    "before the index is written": ("os.rename", ".index.html.part"),
}


@pytest.mark.parametrize("point", POINTS.values(), ids=POINTS)
def test_a_tick_that_is_killed_is_made_up_for(tmp_path: Path, point: tuple[str, str]) -> None:
    """SIGKILL at each phase: the latest report opens, nothing half-written is seen, and the next tick makes it good."""
    schedules = daily(tmp_path)
    ticked(schedules, Clock(at("2026-11-20T06:00")))
    command = [sys.executable, "-c", KILLED, str(tmp_path), *point, "2026-11-21T06:00"]
    killed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    home = schedules.out / "daily"
    for folder in stamps(schedules):
        assert json.loads((home / folder / "summary.json").read_text())["rows"]
        assert (home / folder / "report.html").read_text().rstrip().endswith("</html>")
    assert (home / "latest" / "report.html").is_file()
    json.loads((home / "runs.json").read_text())
    clock = Clock(at("2026-11-21T06:06"))
    (again,) = ticked(schedules, clock)
    assert (again.failure, again.as_of) == ("", at("2026-11-21T06:00"))
    assert ticked(schedules, clock) == []
    assert [each[:8] for each in stamps(schedules)] == ["20261120", "20261121"]
    assert str(Path(home / "latest").readlink()) == stamps(schedules)[-1]
    assert [path.name for path in schedules.out.rglob("*.part")] == []


def test_a_killed_run_is_noted_as_failed(tmp_path: Path) -> None:
    """The ledger does not say for ever that it is running."""
    schedules = daily(tmp_path)
    with Store.open(ledger_of(schedules.config)) as store:
        runs.begin(store, "daily", notebook="x", as_of=at("2026-11-20T06:00"), now=at("2026-11-20T06:00"))
    ticked(schedules, Clock(at("2026-11-20T06:10")))
    with Store.open(ledger_of(schedules.config)) as store:
        assert [each["state"] for each in store.rows("SELECT state FROM runs ORDER BY id")] == ["failed", "good"]


FULL = """
import resource, signal, sys
from pathlib import Path
from tests.support.unwatched import Clock, at, daily
from reports.schedule.tick import tick
schedules = daily(Path(sys.argv[1]), "print('x' * 400_000)")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
(done,) = tick(schedules.config, clock=Clock(at("2026-11-21T06:00")))
print(done.failure)
"""


def test_a_full_disk_is_told_and_the_last_good_report_stays(tmp_path: Path) -> None:
    """Files may not grow past a size: the report is not published, it is said why, and no half of it is left."""
    schedules = daily(tmp_path)
    ticked(schedules, Clock(at("2026-11-20T06:00")))
    good = (schedules.out / "daily" / "latest" / "report.html").read_bytes()
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "cannot be written: File too large. The last good report is as it was." in done.stdout, done.stderr
    assert (schedules.out / "daily" / "latest" / "report.html").read_bytes() == good
    assert stamps(schedules) == ["20261120T060000Z"]
    assert [path.name for path in schedules.out.rglob("*.part")] == []


def test_status_tells_next_last_good_and_last_failure(tmp_path: Path) -> None:
    """Before the first run it is due now; after it, the next instant; after a failure, why."""
    schedules, clock = daily(tmp_path), Clock(at("2026-11-20T06:10"))
    (before,) = status(schedules.config, now=clock.now)
    assert (before.due, before.next, before.good) == (True, at("2026-11-20T06:00"), None)
    ticked(schedules, clock)
    (after,) = status(schedules.config, now=clock.now)
    assert (after.due, after.next, after.good, after.failure) == (
        False,
        at("2026-11-21T06:00"),
        at("2026-11-20T06:00"),
        "",
    )
    Path(schedules.schedules["daily"].notebook).unlink()
    clock.later("1D")
    ticked(schedules, clock)
    (broken,) = status(schedules.config, now=clock.now)
    assert "There is no notebook" in broken.failure
    assert broken.good == at("2026-11-20T06:00")


def test_a_schedule_that_there_is_not_is_told(tmp_path: Path) -> None:
    """With the one that was probably meant."""
    with pytest.raises(ParameterError, match=r"there is no schedule 'dayly'\. Did you mean 'daily'"):
        tick(daily(tmp_path).config, clock=Clock(at("2026-11-20T06:10")), only=["dayly"])


def test_the_lock_is_told_apart_from_nothing_due(tmp_path: Path) -> None:
    """None says that another tick is at work."""
    schedules = daily(tmp_path)
    with lock.held(schedules.out / STATE / "lock") as mine:
        assert mine
        assert tick(schedules.config, clock=Clock(at("2026-11-20T06:10"))) is None
