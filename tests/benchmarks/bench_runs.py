"""Reports that make themselves: publishing, a tick with fifty due reports, and a thousand findings followed.

    make bench-runs           # some minutes on two cores

Publishing: 15 reports (a page of 300 kB, a summary of a thousand series, a notebook), through to the disk, with
`latest`, lists and retention; beside it the same files written plainly, alternating. Due reports: one tick over 50
schedules of a small notebook, each run in a child of its own, published and noted; beside it the same notebook by
papermill's command and nbconvert's, which keep no state. A tick with nothing due. Findings: a report of 1,000 series
held against the one before, of which a fifth changed; what changed, and what is to be told.

The last line is one JSON object.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from reports.config import Config
from reports.ledger import claims, findings
from reports.ledger.store import Store
from reports.publishing import Folder, changes
from reports.schedule.tick import tick
from reports.settings import Keep, Schedule
from tests.support.unwatched import at, notebook, row, told

REPORTS, SCHEDULES, SERIES, PEERS = 15, 50, 1_000, 3
PAGE = b"<!DOCTYPE html>" + os.urandom(150_000).hex().encode()
NOW = at("2026-11-23T06:01")


def timed(work: Callable[[], object]) -> float:
    """Return how long some work takes, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def summary(changed: bool) -> dict[str, Any]:
    """Return the summary of a thousand series; ``changed``: a fifth of them is not as it was."""
    rows = []
    for number in range(SERIES):
        more = {"breach_p50": "2027-01-10T00:00:00Z"} if changed and number % 10 == 0 else {}
        more |= {"verdict": "order now"} if changed and number % 10 == 1 else {}
        made = {
            "cutoff": "2026-11-23T00:00:00Z",
            "breach": {within: 0.5 for within in ("7d", "30d", "60d", "90d")},
            "quantiles": {within: {"0.1": 1.0, "0.5": 2.0, "0.9": 3.0} for within in ("7d", "30d", "60d", "90d")},
            "usable": 85.0,
        }
        rows.append(row(f"node-{number}", claims=made, **more))
    return told(*rows)


def publishing(folder: Path) -> dict[str, float]:
    """Return seconds for 15 reports: ours, and the same files written plainly, the medians of three."""
    told_once = summary(changed=False)
    files = {"report.html": PAGE, "summary.json": json.dumps(told_once).encode(), "notebook.ipynb": PAGE}
    ours, plain = [], []
    for turn in range(3):
        place = Folder(folder / f"ours-{turn}")
        names = [f"report-{number}" for number in range(REPORTS)]
        ours.append(
            timed(
                lambda place=place, names=names: [
                    place.publish(name, as_of=NOW, files=files, summary=told_once, keep=Keep(), now=NOW)
                    for name in names
                ]
            )
        )
        plain.append(
            timed(lambda turn=turn, names=names: [_plainly(folder / f"plain-{turn}" / n, files) for n in names])
        )
    return {"ours": statistics.median(ours), "plain": statistics.median(plain)}


def _plainly(folder: Path, files: dict[str, bytes]) -> None:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def ticking(folder: Path) -> dict[str, float]:
    """Return seconds a report of a tick with 50 due, of the peers' commands, and of a tick with nothing due."""
    path = notebook(folder / "small.ipynb", "sum(range(1000))")
    schedules = {f"s{number}": Schedule(f"s{number}", str(path), "0 6 * * *") for number in range(SCHEDULES)}
    config = Config(path=folder / "capacity.toml", out=folder / "out", schedules=schedules)
    peers = [timed(lambda turn=turn: _by_commands(path, folder / f"peer-{turn}")) for turn in range(PEERS)]
    seconds = timed(lambda: _good(tick(config, clock=lambda: NOW)))
    idle = timed(lambda: _none(tick(config, clock=lambda: NOW)))
    return {"report": seconds / SCHEDULES, "peer": statistics.median(peers), "idle": idle}


def _by_commands(path: Path, out: Path) -> None:
    out.mkdir()
    binaries = Path(sys.executable).parent
    ran, quiet = out / "ran.ipynb", {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
    subprocess.run([binaries / "papermill", path, ran, "--no-progress-bar"], **quiet)  # type: ignore[call-overload]
    subprocess.run([binaries / "jupyter-nbconvert", "--to", "html", ran], **quiet)  # type: ignore[call-overload]


def _good(done: Any) -> None:
    bad = [each.failure for each in done if each.failure]
    assert len(done) == SCHEDULES, len(done)
    assert not bad, bad[:3]


def _none(done: Any) -> None:
    assert done == []


def following(folder: Path) -> dict[str, float]:
    """Return seconds to follow a thousand findings, to tell what changed, and to freeze their claims."""
    before, after = summary(changed=False), summary(changed=True)
    with Store.open(folder / "ledger.sqlite") as store:
        with store.transaction():
            findings.update(store, "weekly", NOW, before)
        later = NOW + pd.Timedelta(days=7)
        events: list[object] = []

        def follow() -> None:
            with store.transaction():
                events.extend(findings.update(store, "weekly", later, after))

        def freeze() -> None:
            with store.transaction():
                claims.freeze(store, "weekly", later, after)

        compared = timed(lambda: changes(before, after))
        seconds = {"findings": timed(follow), "changes": compared, "claims": timed(freeze)}
    # a tenth moved; of another tenth the verdict is another: over for one severity, and opened for the other
    assert len(events) == SERIES // 10 * 3, len(events)
    return seconds


def main() -> None:
    """Run all three, and print the figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in ("publishing", "ticking", "following"):
            (folder / name).mkdir()
        publish = publishing(folder / "publishing")
        print(f"{REPORTS} reports published: {publish['ours']:.3f} s; written plainly {publish['plain']:.3f} s")
        follow = following(folder / "following")
        print(f"{SERIES} findings followed {follow['findings']:.3f} s, compared {follow['changes']:.3f} s,", end=" ")
        print(f"their claims frozen {follow['claims']:.3f} s")
        ran = ticking(folder / "ticking")
        print(f"{SCHEDULES} due reports: {ran['report']:.2f} s each; papermill and nbconvert {ran['peer']:.2f} s")
        print(f"a tick with nothing due over {SCHEDULES} schedules: {ran['idle']:.3f} s")
    figures = {
        "publish_15_s": round(publish["ours"], 3),
        "publish_vs_plain": round(publish["ours"] / publish["plain"], 2),
        "due_50_s_each": round(ran["report"], 2),
        "due_vs_two_commands": round(ran["report"] / ran["peer"], 3),
        "nothing_due_s": round(ran["idle"], 3),
        "findings_1000_s": round(follow["findings"], 3),
        "changes_1000_s": round(follow["changes"], 3),
        "claims_16000_s": round(follow["claims"], 3),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
