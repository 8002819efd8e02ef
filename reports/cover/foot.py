"""Where the numbers come from: for each resource query, window, gaps, model, backtest; and how to get them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from capacity.frames import duration_text
from capacity.provenance import UNKNOWN
from reports import words
from reports.cover.markup import Markup, joined, tag

if TYPE_CHECKING:
    from capacity.forecast import Forecast
    from capacity.plan import Plan
    from capacity.provenance import MetricProvenance

__all__ = ["backtest", "foot", "models"]

HEADS = ("Resource", "Query", "Window", "Model", "Backtest")


def foot(plan: Plan, *, source: str, command: str, version: str) -> Markup:
    """Return the provenance as an open ``<details>``: it can be folded away, and it prints."""
    head = tag("tr", joined(*(tag("th", name, scope="col", role="columnheader") for name in HEADS)), role="row")
    body = joined(*(_resource(plan, name, forecast) for name, forecast in plan.forecasts.items()))
    facts = [
        ("Source", source),
        ("As of", f"{plan.as_of:%Y-%m-%d %H:%M} UTC: nothing later was used"),
        ("Dates", "by each region's own calendar" if plan.catalog.timezones else f"in {plan.catalog.timezone}"),
        ("Catalogue", joined(plan.catalog.name, ", sha256 ", tag("code", plan.catalog.sha256[:12] or "unknown"))),
        ("Made by", f"capacity-workbench {version}"),
        ("Repeat it", tag("code", command) if command else None),
    ]
    listed = joined(*(joined(tag("dt", name), tag("dd", value)) for name, value in facts if value))
    tabled = tag(
        "table",
        tag("thead", head, role="rowgroup"),
        tag("tbody", body, role="rowgroup"),
        class_="cw-sources",
        role="table",
    )
    return tag(
        "details",
        tag("summary", "Where these numbers come from"),
        tabled,
        tag("dl", listed),
        class_="cw-foot",
        open="open",
    )


def _resource(plan: Plan, name: str, forecast: Forecast) -> Markup:
    stated = plan.catalog.resources.get(name)
    entries = [forecast.provenance[str(metric)] for metric in forecast.columns.get_level_values(0).unique()]
    cells = (
        joined(*(_query(entry) for entry in entries), by=" "),
        joined(*(_window(entry, forecast) for entry in entries), by="; "),
        models(forecast),
        backtest(forecast),
    )
    title = tag("th", stated.title if stated is not None else name, scope="row", role="rowheader")
    row = [tag("td", cell, role="cell", data_head=head) for cell, head in zip(cells, HEADS[1:], strict=True)]
    return tag("tr", title, *row, role="row")


def _query(entry: MetricProvenance) -> Markup:
    return tag("code", entry.query)


def _window(entry: MetricProvenance, forecast: Forecast) -> str:
    """Write the history's own window, what was missing in it, and what the source says of seams and dropped samples."""
    history = forecast.history
    start, end = history.index[0] - forecast.step, history.index[-1]
    aggregate = entry.aggregate if entry.aggregate not in ("", UNKNOWN) else "value"
    parts = [
        f"{words.day(start)} – {words.day(end)}",
        f"{aggregate} of each {duration_text(forecast.step)}",
        f"{words.plural(history.shape[1], 'series', 'series')} from {entry.source}",
        f"{_share_missing(history)} missing",
    ]
    parts += [f"{words.plural(entry.dropped, 'sample')} dropped"] if entry.dropped else []
    parts += [f"{words.plural(entry.duplicates, 'duplicate')}"] if entry.duplicates else []
    return ", ".join([*parts, *entry.seams, *entry.notes])


def _share_missing(history: pd.DataFrame) -> str:
    return words.percent(float(history.isna().to_numpy().mean()))


def models(forecast: Forecast) -> str:
    """Say which models made the forecast, for how many series each, and what they had to beat."""
    counted = forecast.model.value_counts(sort=False)
    ordered = sorted(counted.items(), key=lambda pair: (-int(pair[1]), str(pair[0])))
    made = str(ordered[0][0]) if len(ordered) == 1 else ", ".join(f"{name} ({count})" for name, count in ordered)
    return f"{made}; against seasonal naive"


def backtest(forecast: Forecast) -> str:
    """Say how wrong the forecast was on its own folds, beside the naive model, and how much its 80 % band covered."""
    scores = forecast.scores[forecast.scores["folds"] > 0]
    if not len(scores):
        return "too short for a backtest"
    folds = int(scores["folds"].max())
    return (
        f"error (MASE) {scores['mase'].mean():.2f}, seasonal naive {scores['naive_mase'].mean():.2f}; "
        f"80 % band covered {words.percent(float(scores['coverage80'].mean()))} in {words.plural(folds, 'fold')}"
    )
