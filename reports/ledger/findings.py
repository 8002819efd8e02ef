"""Findings: a series that runs out is found once, followed while its date moves, and closed once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from capacity.verdicts import CANNOT_JUDGE
from reports.ledger.store import Store, text

__all__ = ["MOVED", "SEVERITIES", "Event", "key", "moved", "opened", "update"]

SEVERITIES: Mapping[str, str] = {"past": "critical", "order now": "warning", "breach": "capacity"}
"""What is told of a series, by its verdict; any other verdict is nothing to tell."""

MOVED = pd.Timedelta(days=7)
"""A date that moved by less says nothing: the median of a thousand paths does that from week to week."""

KEPT = ("resource", "title", "series", "labels", "owner", "verdict", "reason", "probability", "breach_p10",
        "breach_p50", "breach_p90", "order_by", "until", "unit", "now", "usable", "limit")  # fmt: skip

Kind = Literal["opened", "moved", "closed"]


@dataclass(frozen=True)
class Event:
    """Something that happened to a finding, and is to be told to whoever cares about its severity.

    ``number`` is the same for the same event, however often it is found: nothing is told twice.
    """

    number: str
    key: str
    kind: Kind
    severity: str
    row: Mapping[str, Any]
    before: Mapping[str, Any]


def update(store: Store, schedule: str, as_of: pd.Timestamp, summary: Mapping[str, Any]) -> list[Event]:
    """Bring a schedule's findings up to a new report, and return what happened, the most urgent first.

    A finding of which nothing can be said this time stays as it was. A risk that was accepted is closed.
    """
    old = {row["key"]: row for row in store.rows("SELECT * FROM findings WHERE schedule = ?", schedule)}
    events: list[Event] = []
    seen = set()
    for row in summary.get("rows", ()):
        name = key(row)
        seen.add(name)
        before = old.get(name)
        if row["verdict"] == CANNOT_JUDGE and not row.get("accepted"):
            continue
        severity = "" if row.get("accepted") else SEVERITIES.get(row["verdict"], "")
        events += _followed(store, schedule, as_of, name, before, severity, _told(row))
    gone = [row for name, row in old.items() if name not in seen and row["state"] == "open"]
    for row in gone:
        events += _followed(store, schedule, as_of, row["key"], row, "", json.loads(row["row"]))
    order = list(SEVERITIES.values())
    return sorted(events, key=lambda each: order.index(each.severity))


def opened(store: Store, schedule: str) -> list[dict[str, Any]]:
    """Return the rows of a schedule's open findings, the most urgent first."""
    rows = store.rows("SELECT * FROM findings WHERE schedule = ? AND state = 'open'", schedule)
    order = list(SEVERITIES.values())
    rows.sort(key=lambda each: (order.index(each["severity"]), json.loads(each["row"]).get("breach_p50") or "9"))
    return [{**json.loads(each["row"]), "severity": each["severity"], "opened": each["opened"]} for each in rows]


def key(row: Mapping[str, Any]) -> str:
    """Return what a series is known by from one report to the next: resource and labels, never its short name."""
    return f"{row['resource']}{json.dumps(row.get('labels') or {}, sort_keys=True, separators=(',', ':'))}"


def _followed(
    store: Store,
    schedule: str,
    as_of: pd.Timestamp,
    name: str,
    before: Mapping[str, Any] | None,
    severity: str,
    row: Mapping[str, Any],
) -> Iterable[Event]:
    """Yield what happened to one finding and note it; no severity: it is none any more."""
    open_before = before is not None and before["state"] == "open"
    told = json.loads(before["row"]) if before is not None else {}

    def event(kind: Kind, whose: str) -> Event:
        return Event(f"{schedule}|{name}|{kind}|{whose}|{text(as_of)}", name, kind, whose, row, told)

    if not severity:
        if open_before and before is not None:
            _note(store, schedule, as_of, name, "closed", before["severity"], row, opened=before["opened"])
            yield event("closed", before["severity"])
        return
    if not open_before or before is None:
        _note(store, schedule, as_of, name, "open", severity, row, opened=text(as_of))
        yield event("opened", severity)
        return
    if severity != before["severity"]:
        _note(store, schedule, as_of, name, "open", severity, row, opened=before["opened"])
        yield event("closed", before["severity"])
        yield event("opened", severity)
    elif moved(told.get("breach_p50"), row.get("breach_p50")):
        # it is held against what was told last: a date that creeps is told once it has come a week
        _note(store, schedule, as_of, name, "open", severity, row, opened=before["opened"])
        yield event("moved", severity)


def moved(old: str | None, new: str | None) -> bool:
    """Whether a date is another one: by a week or more, or where there was none, or is none."""
    if old is None or new is None:
        return old is not new
    return abs(pd.Timestamp(new) - pd.Timestamp(old)) >= MOVED


def _note(
    store: Store,
    schedule: str,
    as_of: pd.Timestamp,
    name: str,
    state: str,
    severity: str,
    row: Mapping[str, Any],
    *,
    opened: str,
) -> None:
    store.do(
        "INSERT OR REPLACE INTO findings (key, schedule, state, severity, opened, changed, row) VALUES (?,?,?,?,?,?,?)",
        name, schedule, state, severity, opened, text(as_of), json.dumps(row, ensure_ascii=False),
    )  # fmt: skip


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in KEPT}
