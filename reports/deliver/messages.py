"""What is said, in plain words: a line a finding, the same in every channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from capacity.units import human
from capacity.verdicts import VERDICTS

__all__ = ["Message", "line", "subject", "text"]

MOST = 20
WORDS = {"opened": "new", "moved": "moved", "closed": "over"}


@dataclass(frozen=True)
class Message:
    """One event as it lies in the outbox."""

    number: int
    key: str
    kind: str
    severity: str
    row: Mapping[str, Any]
    before: Mapping[str, Any]
    report: str
    title: str
    attempts: int = 0


def line(message: Message) -> str:
    """Return one event as a line."""
    row = message.row
    name = f"{row['title'] or row['resource']} {row['series']}".strip()
    if message.kind == "closed":
        return f"✔ over: {name} ({row['verdict']})"
    sign = VERDICTS[row["verdict"]].sign
    moved = f", was {_date(message.before.get('breach_p50'))}" if message.kind == "moved" else ""
    return f"{sign} {WORDS[message.kind]}: {name}: {_when(row)}{moved}{_order(row)}{_whose(row)}"


def _when(row: Mapping[str, Any]) -> str:
    if row["verdict"] == "past":
        return f"past usable capacity ({human(row['now'], row['unit'])} of {human(row['usable'], row['unit'])})"
    if row.get("breach_p50"):
        interval = f"80 %: {_date(row.get('breach_p10'))} to {_date(row.get('breach_p90'))}"
        return f"runs out around {_date(row['breach_p50'])} ({interval})"
    chance = row.get("probability")
    return row["verdict"] if chance is None else f"{row['verdict']}: {chance:.0%} by {_date(row.get('until'))}"


def _order(row: Mapping[str, Any]) -> str:
    return f"; order by {_date(row['order_by'])}" if row.get("order_by") else ""


def _whose(row: Mapping[str, Any]) -> str:
    return f" [{row['owner']}]" if row.get("owner") else ""


def _date(text: str | None) -> str:
    return "later" if text is None else f"{pd.Timestamp(text):%-d %b %Y}"


def subject(messages: Sequence[Message]) -> str:
    """Return what a mail is headed by: how many are new, moved and over."""
    counts = {WORDS[kind]: sum(each.kind == kind for each in messages) for kind in WORDS}
    told = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    return f"{messages[0].title}: {told}"


def text(messages: Sequence[Message]) -> str:
    """Return events as text: what they are about, a line each, and where the report is."""
    shown = [line(each) for each in messages[:MOST]]
    if len(messages) > MOST:
        shown.append(f"and {len(messages) - MOST} more")
    reports = dict.fromkeys(each.report for each in messages if each.report)
    return "\n".join([subject(messages), *shown, *reports])
