"""The outbox emptied: each entry is marked before it is sent and after, so that nothing is sent twice.

A crash between the two leaves it open whether it arrived. A pager is told again: its key makes that harmless. Any other
is not: the entry is marked ``unsure``, and counted among what was not delivered.
"""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from reports.deliver import messages as said
from reports.deliver.mail import MOST_BYTES, Mail, digest
from reports.deliver.messages import Message
from reports.ledger import findings
from reports.ledger.store import Store, text
from reports.settings import Delivery

__all__ = ["Sent", "flush", "pager_url"]

PAUSES_S = (1.0, 4.0)
"""Between the tries of one flush; after them the next flush tries again, later and later."""

FIRST_WAIT, LONGEST_WAIT = pd.Timedelta(minutes=2), pd.Timedelta(hours=1)
PAGER, CHAT, MAIL = "pagerduty", "slack", "mail"
OTHER = "other"


@dataclass(frozen=True)
class Sent:
    """What a flush did with one delivery: how many events it told, and, where it could not, why."""

    delivery: str
    told: int
    failure: str = ""


def flush(
    store: Store,
    deliveries: Mapping[str, Delivery],
    *,
    now: pd.Timestamp,
    environment: Mapping[str, str],
    points: Mapping[str, Any] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Sent]:
    """Send what may be sent by now, and return what came of it; nothing is raised for a channel that refuses.

    ``points`` are those of sparklines, by finding. For whoever holds the lock alone.
    """
    done = []
    for name, delivery in deliveries.items():
        url = environment.get(delivery.url_env, "")
        kind = _kind(url)
        store.do(
            "UPDATE outbox SET state = ? WHERE delivery = ? AND state = 'sending'",
            "waiting" if kind == PAGER else "unsure", name,
        )  # fmt: skip
        query = "SELECT * FROM outbox WHERE delivery = ? AND state = 'waiting' AND not_before <= ? ORDER BY id"
        waiting = [_message(row) for row in store.rows(query, name, text(now))]
        if not waiting:
            continue
        if not url:
            done.append(_later(store, name, waiting, now, f"{delivery.url_env} is not set"))
            continue
        groups = [[each] for each in waiting] if kind == PAGER else [waiting]
        for group in groups:
            done.append(_told(store, name, url, kind, group, now, points or {}, sleep))
    return done


def _told(
    store: Store,
    name: str,
    url: str,
    kind: str,
    group: list[Message],
    now: pd.Timestamp,
    points: Mapping[str, Any],
    sleep: Callable[[float], None],
) -> Sent:
    numbers = [each.number for each in group]
    _mark(store, numbers, "sending")
    failure = _sent(url, kind, group, store, points)
    for pause in PAUSES_S:
        if failure is not None:
            sleep(pause)
            failure = _sent(url, kind, group, store, points)
    if failure is not None:
        return _later(store, name, group, now, failure)
    _mark(store, numbers, "sent")
    return Sent(name, len(group))


def _later(store: Store, name: str, group: Sequence[Message], now: pd.Timestamp, why: str) -> Sent:
    for each in group:
        wait: pd.Timedelta = min(FIRST_WAIT * int(2 ** min(each.attempts, 8)), LONGEST_WAIT)
        store.do(
            "UPDATE outbox SET state = 'waiting', attempts = attempts + 1, not_before = ?, said = ? WHERE id = ?",
            text(now + wait), why, each.number,
        )  # fmt: skip
    return Sent(name, 0, why)


def _mark(store: Store, numbers: Sequence[int], state: str) -> None:
    marks = ", ".join("?" * len(numbers))
    store.do(f"UPDATE outbox SET state = ? WHERE id IN ({marks})", state, *numbers)


def _sent(url: str, kind: str, group: list[Message], store: Store, points: Mapping[str, Any]) -> str | None:
    """Send some events as one message; returns why it could not be, in words without an address."""
    if kind == PAGER:
        (event,) = group
        return _notify(pager_url(url, event), said.line(event))
    if kind == CHAT:
        return _notify(_with(url, image="no", footer="no"), said.text(group))
    if kind == MAIL:
        return _mailed(url, group, store, points)
    return _notify(url, said.text(group), title=said.subject(group))


def pager_url(url: str, event: Message) -> str:
    """Return a pager's address for an event: one incident a finding, opened by its key, and ended by it."""
    action = "resolve" if event.kind == "closed" else "trigger"
    more = {} if action == "resolve" else {"severity": "critical" if event.severity == "critical" else "warning"}
    return _with(url, dedup=_dedup(event), action=action, image="no", **more)


def _dedup(event: Message) -> str:
    """Return a key of a finding that stays, in at most the 255 characters that a pager takes."""
    from hashlib import sha256

    return f"capacity-{sha256(event.key.encode()).hexdigest()[:32]}"


def _mailed(url: str, group: list[Message], store: Store, points: Mapping[str, Any]) -> str | None:
    schedules = store.rows("SELECT DISTINCT schedule FROM findings WHERE state = 'open'")
    rows = [{**row, "key": findings.key(row)} for one in schedules for row in findings.opened(store, one["schedule"])]
    made = _small(group, rows, points)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in made.pictures]
        for path in paths:
            path.write_bytes(made.pictures[path.name])
        return _notify(_with(url, inline="yes"), made.html, title=made.subject, html=True, files=paths)


def _small(group: list[Message], rows: list[dict[str, Any]], points: Mapping[str, Any]) -> Mail:
    """Return the digest, with as many of its rows as keep it small enough; pictures are base64 on the way."""
    while True:
        made = digest(group, rows, points)
        size = len(made.html.encode()) * 1.4 + sum(len(each) * 1.4 + 300 for each in made.pictures.values())
        if size < MOST_BYTES or not rows:
            return made
        rows = rows[: len(rows) // 2]


def _notify(url: str, body: str, *, title: str = "", html: bool = False, files: Sequence[Path] = ()) -> str | None:
    import apprise

    with apprise.LogCapture(level=logging.WARNING) as log:  # type: ignore[no-untyped-call]
        channel = apprise.Apprise()
        if not channel.add(url):
            return "its address cannot be read"
        done = channel.notify(
            body=body,
            title=title,
            body_format=apprise.NotifyFormat.HTML if html else apprise.NotifyFormat.TEXT,
            attach=[str(path) for path in files] or None,
        )
        if done:
            return None
        return _without_addresses(log.getvalue())


def _without_addresses(log: str) -> str:
    """Return the last word of a log, without what could be an address: addresses are secrets here."""
    last = next((line for line in reversed(log.splitlines()) if line.strip()), "refused")
    return " ".join(word for word in last.rpartition(" - ")[2].split() if "/" not in word and "@" not in word)[:200]


def _with(url: str, **options: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(options)}"


def _kind(url: str) -> str:
    scheme = url.partition(":")[0].lower()
    return {"pagerduty": PAGER, "slack": CHAT, "mailto": MAIL, "mailtos": MAIL}.get(scheme, OTHER)


def _message(row: Mapping[str, Any]) -> Message:
    body = json.loads(row["body"])
    return Message(
        number=row["id"],
        key=row["key"],
        kind=row["kind"],
        severity=row["severity"],
        row=body["row"],
        before=body["before"],
        report=body["report"],
        title=body["title"],
        attempts=row["attempts"],
    )
