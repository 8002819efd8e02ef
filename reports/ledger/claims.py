"""Claims: frozen when a report makes them, scored once when it is known what happened."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from capacity.frames import duration
from reports.ledger.store import Store, text

__all__ = ["freeze", "labels_text"]

BREACH, QUANTILE = "breach", "quantile"


def freeze(store: Store, schedule: str, as_of: pd.Timestamp, summary: Mapping[str, Any]) -> int:
    """Keep the claims of a report's summary and return how many are new.

    A report that is made once more for the same instant changes none: what was said first is what is scored.
    """
    return sum(
        bool(store.add("claims", schedule=schedule, as_of=text(as_of), **claim))
        for row in summary.get("rows", ())
        for claim in _of_row(row)
    )


def labels_text(labels: Mapping[str, str]) -> str:
    """Write labels so that the same ones are the same text."""
    return json.dumps(dict(labels), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _of_row(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    made = row.get("claims")
    if not made:
        return
    cutoff = pd.Timestamp(made["cutoff"])
    whose = {
        "resource": row["resource"],
        "labels": labels_text(row.get("labels") or {}),
        "series": row["series"],
        "model": row.get("model", ""),
        "usable": made.get("usable"),
    }
    # a resource that is past its limit already makes no claim about when it will be
    for within, chance in (made["breach"] if row["verdict"] != "past" else {}).items():
        yield {**whose, "kind": BREACH, "within": within, "due": _due(cutoff, within), "value": chance}
    for within, levels in made["quantiles"].items():
        for level, value in levels.items():
            due = _due(cutoff, within)
            yield {**whose, "kind": QUANTILE, "within": within, "due": due, "level": float(level), "value": value}


def _due(cutoff: pd.Timestamp, within: str) -> str:
    return text(cutoff + duration(within))
