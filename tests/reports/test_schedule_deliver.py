"""From a schedule to people: a tick makes the report, follows its findings, and sends what is to be sent, once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from reports.config import Config
from reports.ledger.store import Store
from reports.schedule.tick import ledger_of, tick
from reports.settings import Delivery
from tests.support.checkout import ROOT
from tests.support.sinks import http_sink, smtp_sink
from tests.support.unwatched import Clock, at, daily, row, told

DELIVERIES = {"slack": Delivery("slack", "SLACK"), "email": Delivery("email", "EMAIL")}
SOON, LATER = row("soon", verdict="order now"), row("later", verdict="breach")


def config(folder: Path, *rows: dict[str, object]) -> Config:
    """Return a daily report with these rows, delivered to chat and mail."""
    schedules = daily(folder, summary=told(*rows), deliver=("slack", "email"))
    return replace(schedules.config, deliveries=DELIVERIES)


def test_a_report_reaches_people_when_its_time_has_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once nothing; after five minutes the warning; at the full hour the digest, with its report; then no more."""
    clock = Clock(at("2026-11-20T06:10"))
    with http_sink() as chat, smtp_sink() as mails:
        monkeypatch.setenv("SLACK", chat.url.replace("http", "json"))
        monkeypatch.setenv("EMAIL", mails.url)
        unwatched = config(tmp_path, SOON, LATER)
        tick(unwatched, clock=clock)
        assert (chat.posts, mails.raw) == ([], [])
        clock.later("5min")
        tick(unwatched, clock=clock)
        assert (len(chat.posts), len(mails.raw)) == (1, 0)
        clock.later("45min")
        for _ in range(3):
            tick(unwatched, clock=clock)
        assert (len(chat.posts), len(mails.raw)) == (1, 1)
        clock.later("1D")
        for _ in range(2):
            tick(unwatched, clock=clock)
            clock.later("1h")
        assert (len(chat.posts), len(mails.raw)) == (1, 1)
        clock.now = at("2026-11-22T06:10")
        over = config(tmp_path, {**SOON, "verdict": "fine"}, LATER)
        tick(over, clock=clock)
        clock.later("5min")
        tick(over, clock=clock)
    assert "! new: Disk space soon" in str(chat.posts[0].body)
    assert "✔ over: Disk space soon (fine)" in str(chat.posts[1].body)
    plain = mails.messages[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "later: runs out around 16 Dec 2026" in plain
    assert "20261120T060000Z/report.html" in plain


DURING = r"""
import os, signal, sys
from dataclasses import replace
from pathlib import Path
from reports.schedule.tick import tick
from reports.settings import Delivery
from tests.support.unwatched import Clock, at, daily, row, told

folder, event = Path(sys.argv[1]), sys.argv[2]
schedules = daily(folder, summary=told(row("soon", verdict="order now")), deliver=("slack",))
config = replace(schedules.config, deliveries={"slack": Delivery("slack", "SLACK", after=at("2026") - at("2026"))})

def hook(name, told):
    if name == event:
        os.kill(os.getpid(), signal.SIGKILL)

if event != "none":
    sys.addaudithook(hook)
tick(config, clock=Clock(at(sys.argv[3])))
"""


@pytest.mark.parametrize("event", ["socket.connect", "none"])
def test_a_kill_while_sending_sends_nothing_twice(tmp_path: Path, event: str) -> None:
    """Whether it arrived is open then: it is not sent again. Without a kill the first tick sends it."""
    with http_sink() as chat:
        environment = {**os.environ, "SLACK": chat.url.replace("http", "json")}

        def run(event: str, when: str) -> int:
            command = [sys.executable, "-c", DURING, str(tmp_path), event, when]
            return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False).returncode

        killed = run(event, "2026-11-20T06:10")
        assert killed == (-signal.SIGKILL if event != "none" else 0)
        assert run("none", "2026-11-20T06:20") == 0
    assert len(chat.posts) == (0 if killed else 1)
    with Store.open(ledger_of(daily(tmp_path).config)) as store:
        assert [each["state"] for each in store.rows("SELECT state FROM outbox")] == ["unsure" if killed else "sent"]
        assert [each["state"] for each in store.rows("SELECT state FROM runs")] == ["good"]
