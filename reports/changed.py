"""What changed since the last report, in words for its cover: one line a change, the most telling first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from reports import words
from reports.publishing.compare import Change, changes

__all__ = ["since"]

MOST = 8
ORDER = ("status", "moved", "new", "gone", "query", "model")


def since(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return a heading and its lines, from the summaries of the last report and of this one; none: ("", ())."""
    if not before.get("rows"):
        return "", ()
    found = sorted(changes(before, after), key=lambda change: ORDER.index(change.kind))
    when = _day(str(before.get("as_of") or ""))
    heading = f"Since the report of {when}" if when else "Since the last report"
    lines = [_line(change) for change in found[:MOST]]
    more = len(found) - len(lines)
    lines += [f"and {words.plural(more, 'more change')}"] if more else []
    return heading, tuple(lines or ["nothing changed that a date or a verdict rests on"])


def _line(change: Change) -> str:
    name = " · ".join(part for part in (change.resource, change.series) if part)
    before, after = change.before, change.after
    told: Mapping[str, Callable[[], str]] = {
        "status": lambda: f"was {before}, is {after}",
        "moved": lambda: f"runs out {_moved(before, after)}",
        "new": lambda: f"is new: {after}",
        "gone": lambda: f"is gone (was {before})",
        "query": lambda: "is asked for by another query",
        "model": lambda: f"is forecast by {after}, no longer by {before}",
    }
    return f"{name} {told[change.kind]()}"


def _moved(before: str, after: str) -> str:
    if not after:
        return f"no longer within the horizon (was {_day(before)})"
    if not before:
        return f"on {_day(after)} (was not within the horizon)"
    days = round((pd.Timestamp(after) - pd.Timestamp(before)) / pd.Timedelta(days=1))
    return f"{abs(days)} d {'later' if days > 0 else 'earlier'}: {_day(after)} (was {_day(before)})"


def _day(text: str) -> str:
    return words.day(pd.Timestamp(text)) if text else ""
