"""The ranking: one table over all series of all resources, the most urgent first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from capacity import dates
from capacity.catalog import Catalog, Resource
from capacity.frames import Skipped, series_labels, series_name
from capacity.naming import Names
from capacity.outlook import Outlook
from capacity.verdicts import CANNOT_JUDGE, VERDICTS

__all__ = ["ranked", "rows", "rows_of_skipped", "sized"]

_FIGURES = (
    "now", "limit", "reserve", "buffer", "usable", "headroom", "utilisation", "probability", "risk_ordered_today",
    "risk_ordered_30d", "score", "coverage",
)  # fmt: skip
_DATES = ("breach_p10", "breach_p50", "breach_p90", "order_by")
_WORDS = ("verdict", "reason", "model")
_HEAD = ("resource", "title", "series", "labels", "owner")
_COLUMNS = (
    *_HEAD, "verdict", "now", "limit", "reserve", "buffer", "usable", "headroom", "utilisation", "probability",
    "carried", *_DATES, "risk_ordered_today", "risk_ordered_30d", "lead_time", "unit", "limit_kind", "accepted",
    "reason", "model", "score", "coverage",
)  # fmt: skip


def rows(resource: Resource, found: Outlook, *, as_of: pd.Timestamp, names: Names) -> list[dict[str, Any]]:
    """Return a row for each series of a resource's outlook."""
    labels = series_labels(found.forecast.columns)
    return [
        {
            **_head(resource, labels[position], as_of=as_of),
            "series": names.of(labels[position]),
            **{str(name): value for name, value in row.items()},
        }
        for position, row in enumerate(found.table.to_dict("records"))
    ]


def rows_of_skipped(
    skipped: tuple[Skipped, ...], judged: list[dict[str, Any]], *, catalog: Catalog
) -> list[dict[str, Any]]:
    """Return a row for each series without an outlook: what cannot be judged is shown, not left out."""
    shown = {(row["resource"], row["series"]) for row in judged}
    found = []
    for entry in skipped:
        if (entry.resource, entry.series) in shown:
            continue
        shown.add((entry.resource, entry.series))
        resource = catalog.resources.get(entry.resource)
        head = {"resource": entry.resource, "title": entry.resource or "pull", "owner": "", "unit": "", "accepted": ""}
        if resource is not None:
            head = _head(resource, entry.labels)
        reason = f"{entry.reason}: {entry.detail}" if entry.detail else entry.reason
        found.append(
            {**head, "series": entry.series, "labels": dict(entry.labels), "verdict": CANNOT_JUDGE, "reason": reason}
        )
    return found


def sized(table: pd.DataFrame, outlooks: Mapping[str, Outlook], *, most: int) -> pd.DataFrame:
    """Return what to add for the ``most`` urgent rows that are at risk, in the order of the table; see `Outlook.size`.

    Returns
    -------
    DataFrame, indexed as the table
        ``add``, ``units``, ``add_share``, ``least_regret`` and ``explained`` (the decision in one sentence).
    """
    places = {
        name: {frozenset(labels.items()): place for place, labels in enumerate(series_labels(found.forecast.columns))}
        for name, found in outlooks.items()
    }
    risks = table["resource"].map({name: found.risk for name, found in outlooks.items()})
    chosen = table[(table["verdict"] != CANNOT_JUDGE) & (table["probability"] > risks)].head(most)
    told: dict[Any, dict[str, Any]] = {}
    for name, part in chosen.groupby("resource", sort=False):
        found = outlooks[str(name)]
        where = [places[str(name)][frozenset(labels.items())] for labels in part["labels"]]
        for (_, size), place, index in zip(found.size(where).iterrows(), where, part.index, strict=True):
            told[index] = {**{str(key): value for key, value in size.items()}, "explained": found.told(place, size)}
    rows_of = [told[index] for index in chosen.index]
    names = ["add", "units", "add_share", "least_regret", "explained"]
    return pd.DataFrame(rows_of, index=chosen.index, columns=names)


def _head(resource: Resource, labels: Mapping[str, str], *, as_of: pd.Timestamp | None = None) -> dict[str, Any]:
    accepted = None if as_of is None else resource.accepted_for(labels, as_of=as_of)
    told = "" if accepted is None else f"until {dates.day(accepted.until)} by {accepted.by}: {accepted.reason}"
    return {
        "resource": resource.name,
        "title": resource.title,
        "series": series_name(labels),
        "labels": dict(labels),
        "owner": resource.owner,
        "lead_time": resource.lead_time,
        "unit": resource.base,
        "limit_kind": resource.limit_kind,
        "accepted": told,
    }


def ranked(records: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the rows as a frame, the most urgent first: by verdict, by median date, by early date, by probability."""
    table = pd.DataFrame(records, columns=list(_COLUMNS))
    table = table.astype({**dict.fromkeys(_FIGURES, float), "verdict": object})
    for name in _DATES:
        table[name] = pd.to_datetime(table[name], utc=True).astype("datetime64[us, UTC]")
    for name in ("lead_time", "carried"):
        table[name] = pd.to_timedelta(table[name]).astype("timedelta64[us]")
    for name in (*_WORDS[1:], "accepted", "owner", "limit_kind"):
        # A table of nothing but what was skipped has columns without a single word: those are read as numbers.
        table[name] = table[name].astype(object).where(table[name].notna(), "")
    keys = pd.DataFrame(
        {
            "rank": table["verdict"].map(lambda word: VERDICTS[word].rank),
            "middle": table["breach_p50"],
            "early": table["breach_p10"],
            "unlikely": -table["probability"],
            "resource": table["resource"],
            "series": table["series"],
        }
    )
    order = keys.sort_values(by=keys.columns.tolist(), na_position="last", kind="stable").index
    return table.take(order.to_numpy()).reset_index(drop=True)
