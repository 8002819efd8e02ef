"""Places for reports: whole or not at all, the newest always as latest, and only so many kept."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pandas as pd
import pytest

from capacity.errors import ConfigError, ReportError, SecretFound
from reports.publishing import Folder, Place, Remote, changes, place_of, refuse_secrets
from reports.publishing.place import LATEST_PAGE, Entry, kept
from reports.publishing.secrets import secrets
from reports.settings import Keep
from tests.support.checkout import ROOT
from tests.support.unwatched import at, row, told

KEEP = Keep()


def published(place: Place, as_of: str, *, text: str = "", name: str = "weekly", keep: Keep = KEEP) -> str:
    """Publish a small report, and return where."""
    summary = told(row(), finding=text or as_of)
    files = {"report.html": f"<html>{text or as_of}</html>".encode(), "summary.json": json.dumps(summary).encode()}
    return place.publish(name, as_of=at(as_of), files=files, summary=summary, keep=keep, now=at("2026-12-31"))


@pytest.fixture(params=["folder", "memory", "file"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Yield a place of each kind: a folder, and URLs that fsspec reaches."""
    where = {"folder": str(tmp_path / "out"), "memory": f"memory://{tmp_path.name}", "file": f"file://{tmp_path}/out"}
    yield place_of(where[request.param])
    fsspec.filesystem("memory").store.clear()


def opened(place: Place, path: str) -> str:
    """Return what a reader finds at a path of a place."""
    with fsspec.open(place.at(path), "rt") as file:
        return str(file.read())


def test_the_newest_report_is_the_latest(place: Place) -> None:
    """By the instant that it speaks for, not by when it was made: a catch-up of an older one changes nothing."""
    where = published(place, "2026-11-09")
    published(place, "2026-11-16")
    published(place, "2026-11-02")
    assert opened(place, f"weekly/{LATEST_PAGE}") == "<html>2026-11-16</html>"
    assert "2026-11-09" in opened(place, where.removeprefix(place.at("x")[:-1]))
    assert [each.as_of[:8] for each in place.entries("weekly")] == ["20261102", "20261109", "20261116"]


def test_a_report_that_is_made_again_takes_its_place(place: Place) -> None:
    """The same instant stands once in the list, with what was published last, and latest is that."""
    for text in ("first", "second", "third"):
        published(place, "2026-11-09", text=text)
    (entry,) = place.entries("weekly")
    assert entry.finding == "third"
    assert opened(place, f"weekly/{LATEST_PAGE}") == "<html>third</html>"
    assert opened(place, f"weekly/{entry.folder}/report.html") == "<html>third</html>"


def test_what_lies_beside_a_report_is_beside_the_latest(place: Place) -> None:
    """Files that a page links to are found from its newest copy too, and those of an older one are gone."""
    for day, extra in (("2026-11-09", "old.csv"), ("2026-11-16", "report.csv")):
        files = {"report.html": b"<html>", "summary.json": b"{}", extra: day.encode()}
        place.publish("weekly", as_of=at(day), files=files, summary={}, keep=KEEP, now=at("2026-12-31"))
    assert opened(place, "weekly/latest/report.csv") == "2026-11-16"
    assert sorted(place._names("weekly/latest")) == ["report.csv", "report.html", "summary.json"]


def test_the_index_lists_every_report_as_text(place: Place) -> None:
    """Each report with its newest finding, each of its runs, and no word of a finding is markup."""
    published(place, "2026-11-09", text="<script>alert(1)</script>")
    published(place, "2026-11-09", name="other", text="fine & good")
    index, mine = opened(place, "index.html"), opened(place, "weekly/index.html")
    assert "&lt;script&gt;" in index
    assert "fine &amp; good" in index
    assert "<script>" not in index + mine
    assert f'href="weekly/{LATEST_PAGE}"' in index
    assert 'href="20261109T000000Z/report.html"' in mine


def test_a_lost_list_is_made_from_what_lies_there(place: Place) -> None:
    """A torn runs.json costs nothing: the folders are what counts."""
    published(place, "2026-11-02")
    published(place, "2026-11-09")
    with fsspec.open(place.at("weekly/runs.json"), "wt") as file:
        file.write('[{"as_of": "2026')
    assert [each.finding for each in place.entries("weekly")] == ["2026-11-02", "2026-11-09"]
    assert place.summary("weekly", before=at("2026-11-09"))["finding"] == "2026-11-02"


def test_only_so_many_reports_are_kept(place: Place) -> None:
    """Two last, and the last of each of two months: what nothing keeps is gone."""
    for day in ("2026-09-01", "2026-09-30", "2026-10-05", "2026-10-26", "2026-11-02", "2026-11-09", "2026-11-16"):
        published(place, day, keep=Keep(last=2, daily=0, monthly=3))
    left = [each.as_of[:8] for each in place.entries("weekly")]
    assert left == ["20260930", "20261026", "20261109", "20261116"]


def test_failures_are_kept_apart_and_not_for_ever(place: Place) -> None:
    """Ten of them, the newest, and none is an entry."""
    published(place, "2026-11-09")
    for day in pd.date_range("2026-11-10", periods=12, tz="UTC"):
        place.keep_failed("weekly", as_of=day, notebook="{}")
    assert len(place._names("weekly/failed")) == 10
    assert len(place.entries("weekly")) == 1
    assert place.reports() == ["weekly"]


def test_what_stays_by_hand() -> None:
    """Forty days of two reports each: ten last are five days, thirty days and two months are the last of each."""
    times = [at("2026-11-24") - pd.Timedelta(hours=12 * n) for n in range(80)]
    entries = [Entry(f"{each:%Y%m%dT%H%M%SZ}", f"{each:%Y%m%dT%H%M%SZ}") for each in times]
    stays = {each.as_of for each in kept(entries, Keep(), max(entries, key=lambda each: each.as_of))}
    newest = sorted((each.as_of for each in entries), reverse=True)
    by_day = {each[:8]: each for each in sorted(newest)}
    by_month = {each[:6]: each for each in sorted(newest)}
    wanted = {*newest[:10], *sorted(by_day.values())[-30:], *by_month.values()}
    assert stays == wanted


LOOP = r"""
import json, os, signal, sys
from pathlib import Path
import pandas as pd
from reports.publishing import place_of
from reports.settings import Keep

root = Path(sys.argv[1])
EVENTS = {"open", "os.rename", "os.mkdir", "os.symlink", "os.remove", "os.rmdir", "shutil.rmtree", "os.listdir"}

def publish(day, text):
    files = {"report.html": (text * 5000).encode() + b"END", "summary.json": json.dumps({"finding": text}).encode()}
    place = place_of(str(root))
    place.publish("weekly", as_of=pd.Timestamp(day, tz="UTC"), files=files, summary={"finding": text},
                  keep=Keep(last=2, daily=0, monthly=0), now=pd.Timestamp("2027-01-01", tz="UTC"))

def killed_at(point):
    seen = 0
    def hook(name, told):
        nonlocal seen
        if name in EVENTS and told and str(root) in str(told[0]):
            seen += 1
            if seen == point:
                os.kill(os.getpid(), signal.SIGKILL)
    child = os.fork()
    if child == 0:
        sys.addaudithook(hook)
        publish("2026-11-16", "new")
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

def look(*allowed):
    home = root / "weekly"
    assert (home / "latest" / "report.html").read_bytes().endswith(b"END")
    assert (home / "latest" / "report.html").read_text()[:3] in allowed
    for seen in home.iterdir():
        if not seen.name.startswith(".") and seen.is_dir():
            assert (seen / "report.html").read_bytes().endswith(b"END"), seen
            json.loads((seen / "summary.json").read_text())
    json.loads((home / "runs.json").read_text())
    for page in (root / "index.html", home / "index.html"):
        assert page.read_text().rstrip().endswith("</html>"), page

point = 0
while True:
    import shutil
    shutil.rmtree(root, ignore_errors=True)
    for day in ("2026-10-26", "2026-11-02", "2026-11-09"):
        publish(day, "old")
    point += 1
    was_killed = killed_at(point)
    look("old", "new")
    place_of(str(root)).sweep()
    assert not list(root.rglob(".*.part")), point
    publish("2026-11-16", "new")
    look("new")
    assert [each.as_of[:8] for each in place_of(str(root)).entries("weekly")] == ["20261109", "20261116"], point
    if not was_killed:
        break
print(point)
"""


def test_a_kill_at_any_point_leaves_latest_open(tmp_path: Path) -> None:
    """SIGKILL before each operation on files, one after the other: what is seen is whole, and the next run mends it."""
    done = subprocess.run(
        [sys.executable, "-c", LOOP, str(tmp_path / "out")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 30


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """A file where the folder should be; a URL of a kind that nobody knows."""
    (tmp_path / "out").write_text("")
    with pytest.raises(ReportError, match="cannot be written"):
        published(Folder(tmp_path / "out"), "2026-11-09")
    with pytest.raises(ConfigError, match="Nothing can be published to nosuch://x"):
        Remote("nosuch://x")


def test_what_is_left_half_done_remotely_is_swept(tmp_path: Path) -> None:
    """A part that was never moved, and a folder without its summary, are neither seen nor kept."""
    place = Remote(f"memory://{tmp_path.name}")
    published(place, "2026-11-09")
    for path in ("weekly/runs.json.part", "weekly/latest/report.html.part", "weekly/20261116T000000Z/report.html"):
        fsspec.filesystem("memory").pipe_file(f"/{tmp_path.name}/{path}", b"half")
    assert [each.as_of for each in place.entries("weekly")] == ["20261109T000000Z"]
    place.sweep()
    left = fsspec.filesystem("memory").find(f"/{tmp_path.name}")
    assert [path for path in left if path.endswith(".part")] == []
    fsspec.filesystem("memory").store.clear()


def test_changes_by_hand() -> None:
    """A verdict, a date by seven days and one by six, a model, a query, a series that came and one that went."""
    before = told(row("a"), row("b"), row("c"), row("d"), row("gone"))
    after = told(
        row("a", verdict="order now"),
        row("b", breach_p50="2026-12-23T00:00:00Z"),
        row("c", breach_p50="2026-12-22T00:00:00Z"),
        row("d", model="naive", breach_p50=None),
        row("new", verdict="watch"),
        queries={"disk": {"demand": "max(used)", "limit": ""}},
    )
    found = [(each.kind, each.series, each.before, each.after) for each in changes(before, after)]
    assert found == [
        ("query", "", "used", "max(used)"),
        ("status", "a", "breach", "order now"),
        ("moved", "b", "2026-12-16T00:00:00Z", "2026-12-23T00:00:00Z"),
        ("moved", "d", "2026-12-16T00:00:00Z", ""),
        ("model", "d", "fleet", "naive"),
        ("new", "new", "", "watch"),
        ("gone", "gone", "breach", ""),
    ]
    assert changes({}, after) == []
    assert changes(after, after) == []


def test_a_short_name_that_changes_is_no_change() -> None:
    """Names are short as far as tells series apart, and change with their neighbours: labels are what counts."""
    assert changes(told(row("a")), told({**row("a"), "series": "eu/a"})) == []


@pytest.mark.parametrize("form", ['to"ken&1', 'to\\"ken&1', "to&quot;ken&amp;1", "to%22ken%261"])
def test_a_secret_is_found_however_it_is_escaped(form: str) -> None:
    """As it is, in JSON, in HTML, in a URL; the message names the variable and does not repeat the value."""
    with pytest.raises(SecretFound, match=r"page holds the value of TOKEN") as caught:
        refuse_secrets({"page": f"before {form} after"}, {"TOKEN": 'to"ken&1'})
    assert "ken&1" not in str(caught.value)


def test_the_secret_parts_of_an_address_are_secrets() -> None:
    """A password in a URL, and a long word of its path, as Slack's and PagerDuty's are."""
    found = secrets(
        {"A": "smtps://me:pass%20word@host", "B": "slack://T0AAAAAAAAAAAA/B0BBBBBBBBBBBBB/xyz", "C": "short"}
    )
    assert {"pass word", "B0BBBBBBBBBBBBB"} <= set(found.values())
    assert "short" not in found.values()
