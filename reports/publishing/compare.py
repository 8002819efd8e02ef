"""What changed since the last report: verdicts, dates, series that came or went, and what the answer is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reports.ledger.findings import key, moved

__all__ = ["Change", "changes"]

Kind = Literal["status", "moved", "new", "gone", "model", "query"]


@dataclass(frozen=True)
class Change:
    """One thing that is not as it was: of a series (``labels``), or of a whole resource where ``series`` is empty."""

    kind: Kind
    resource: str
    series: str
    before: str
    after: str
    labels: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {**vars(self), "labels": dict(self.labels)}


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what changed from one summary to the next, in the order of the new one; of a first one nothing."""
    if not before.get("rows"):
        return []
    old = {key(row): row for row in before["rows"]}
    new = {key(row): row for row in after.get("rows", ())}
    found = [change for name, row in new.items() for change in _of_row(old.get(name), row)]
    found += [_change("gone", row, row["verdict"], "") for name, row in old.items() if name not in new]
    return [*_queries(before.get("queries", {}), after.get("queries", {})), *found]


def _of_row(old: Mapping[str, Any] | None, row: Mapping[str, Any]) -> list[Change]:
    if old is None:
        return [_change("new", row, "", row["verdict"])]
    found = []
    if old["verdict"] != row["verdict"]:
        found.append(_change("status", row, old["verdict"], row["verdict"]))
    if moved(old.get("breach_p50"), row.get("breach_p50")):
        found.append(_change("moved", row, old.get("breach_p50") or "", row.get("breach_p50") or ""))
    if old.get("model", "") != row.get("model", "") and old.get("model") and row.get("model"):
        found.append(_change("model", row, old["model"], row["model"]))
    return found


def _change(kind: Kind, row: Mapping[str, Any], before: str, after: str) -> Change:
    return Change(kind, row["resource"], row["series"], before, after, row.get("labels") or {})


def _queries(old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]) -> list[Change]:
    return [
        Change("query", name, "", old[name].get(part, ""), query, {})
        for name, queries in new.items()
        if name in old
        for part, query in queries.items()
        if old[name].get(part, "") != query
    ]
