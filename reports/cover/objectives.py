"""The cover of a report on objectives: what is broken, what will be, and how sure that is, on one page."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from capacity._version import __version__
from capacity.frames import duration_text
from capacity.slo import SIGNS, STATUSES, Review
from capacity.units import human
from reports import words
from reports.cover import LONG, MIME, style
from reports.cover.markup import Markup, joined, tag

__all__ = ["bundle", "html", "worst"]

HEADS = ("Objective", "Status", "Over its window", "What comes", "Budget left", "Worst hour")
CLASSES = {"broken": "bad", "burning": "bad", "at risk": "warn", "kept": "good", "no data": "mute"}
LIKELY = 0.01
HOW_TO_READ = (
    "A row is an objective at the series that keeps it worst. Over its window: from all its events, with what is "
    "promised. Budget left: of what may go wrong in the window. What comes: the likeliest of what may break it, with "
    "its chance."
)


def bundle(found: Review, *, title: str = "", source: str = "", command: str = "") -> dict[str, str]:
    """Return the cover as a notebook's output: for the report, for JupyterLab, and as one sentence of text."""
    page = html(found, title=title, source=source, command=command)
    return {MIME: page, "text/html": page, "text/plain": found.finding}


def html(found: Review, *, title: str = "", source: str = "", command: str = "") -> str:
    """Return the cover as HTML with its own style: no script, no request; every text in it is escaped."""
    shown = worst(found)
    kicker = [title or found.catalog.title or found.catalog.name, f"as of {words.day(found.as_of)}", "objectives"]
    return tag(
        "section",
        tag("style", style()),
        tag("p", joined(*kicker, by=" · "), class_="cw-kicker"),
        tag("h1", found.finding, class_=f"cw-finding{' cw-long' if len(found.finding) > LONG else ''}"),
        tag("p", _subline(found), class_="cw-sub"),
        _tally(found),
        _table(found, shown),
        tag("p", HOW_TO_READ, class_="cw-rest"),
        _foot(found, source, command),
        class_="cw-cover",
        aria_label="Report on objectives: cover",
    )


def worst(found: Review) -> list[pd.Series]:
    """Return one row an objective: that of the series that keeps it worst, the most urgent first."""
    first = found.table.drop_duplicates("objective")
    return [row for _, row in first.iterrows()]


def _subline(found: Review) -> str:
    series = words.plural(len(found.table), "series", "series")
    objectives = words.plural(len(found.objectives), "objective")
    return f"{series} of {objectives}; looked ahead {words.since(found.horizon)}."


def _tally(found: Review) -> Markup:
    counts = found.table["status"].value_counts()
    order = sorted(counts.index, key=lambda word: STATUSES[word].rank)
    chips = [
        tag("li", tag("b", f"{STATUSES[word].sign} {counts[word]:,}"), f" {word}", class_=f"cw-chip cw-{CLASSES[word]}")
        for word in order
    ]
    return tag("ul", joined(*chips), class_="cw-tally", aria_label="Series by status")


def _table(found: Review, shown: Sequence[pd.Series]) -> Markup:
    head = tag("tr", joined(*(tag("th", name, scope="col", role="columnheader") for name in HEADS)), role="row")
    body = joined(*(_row(found, row) for row in shown))
    caption = tag("caption", "Most urgent first.", class_="cw-hidden")
    parts = (caption, tag("thead", head, role="rowgroup"), tag("tbody", body, role="rowgroup"))
    return tag("table", *parts, class_="cw-table", role="table")


def _row(found: Review, row: pd.Series) -> Markup:
    objective = found.catalog.objectives[str(row["objective"])]
    status, unit = str(row["status"]), str(row["unit"])
    others = int((found.table["objective"] == row["objective"]).sum())
    alike = int(((found.table["objective"] == row["objective"]) & (found.table["status"] == status)).sum())
    promised = f"promised {SIGNS[objective.comparison]} {human(row['target'], unit, digits=4)}"
    owner = _small(f"owner: {row['owner']}" if row["owner"] else "")
    name = (_strong(row["title"]), tag("span", str(row["series"])), owner)
    cells = [
        tag("th", *name, scope="row", role="rowheader"),
        _cell(1, tag("span", f"{STATUSES[status].sign} {status}", class_=f"cw-strong cw-{CLASSES[status]}"),
              _small(f"{alike} of {others} series"), _small(str(row["reason"]))),
        _cell(2, _strong(human(row["value"], unit, digits=4)), _small(promised), _small(_now(row, unit))),
        _cell(3, *_coming(found, row)),
        _cell(4, *_left(row, status)),
        _cell(5, tag("span", human(row["worst"], unit, digits=4)), _small(_at(found, row))),
    ]  # fmt: skip
    return tag("tr", joined(*cells), role="row", class_=f"cw-row cw-row-{CLASSES[status]}")


def _now(row: pd.Series, unit: str) -> str:
    return "no data in the last hour" if pd.isna(row["now"]) else f"last hour {human(row['now'], unit, digits=4)}"


def _at(found: Review, row: pd.Series) -> str:
    if pd.isna(row["worst_at"]):
        return ""
    zone = found.catalog.timezone_of(row["labels"])
    return f"worst hour, {row['worst_at'].tz_convert(zone):%-d %b %H:%M}"


def _coming(found: Review, row: pd.Series) -> Sequence[Markup | None]:
    """Say what is likeliest to break it, with its chance and its date."""
    zone = found.catalog.timezone_of(row["labels"])
    if row["status"] == "broken":
        return (_strong("spent already"),)
    ways = {"exhausted": "budget exhausted", "breach": "past its target", "saturated": "saturated"}
    known = {name: float(row[name]) for name in ways if not pd.isna(row[name])}
    if not known:
        return (_strong("unknown"),)
    name = max(known, key=lambda one: known[one])
    if known[name] < LIKELY:
        return (_strong("nothing likely"), _small(f"all below {words.percent(LIKELY)}"))
    date = row[f"{name}_p50"]
    when = f"half of the futures by {words.day(date, zone=zone)}" if not pd.isna(date) else ""
    return (_strong(f"{words.chance(known[name])} {ways[name]}"), _small(when))


def _left(row: pd.Series, status: str) -> Sequence[Markup | None]:
    left = float(row["left"])
    if math.isnan(left):
        return (_strong("unknown"),)
    rail = tag("rect", class_="cw-rail", width=100, height=6)
    width = f"{100 * min(max(left, 0.0), 1.0):.1f}"
    fill = tag("rect", class_=f"cw-fill cw-{CLASSES[status]}", width=width, height=6)
    meter = {"viewBox": "0 0 100 6", "preserveAspectRatio": "none", "aria_hidden": "true"}
    bar = tag("svg", rail, fill, class_="cw-meter", **meter)
    kept = f"{100 * row['kept']:.3f} % good, promised {100 * row['promised']:.4g} %"
    return (_strong("−∞" if math.isinf(left) else words.percent(left)), bar, _small(kept))


def _foot(found: Review, source: str, command: str) -> Markup:
    windows = sorted({duration_text(one.measured.objective.window) for one in found.objectives.values()})
    facts = [
        ("Source", source),
        ("As of", f"{found.as_of:%Y-%m-%d %H:%M} UTC: nothing later was used"),
        ("Windows", ", ".join(windows)),
        ("Catalogue", joined(found.catalog.name, ", sha256 ", tag("code", found.catalog.sha256[:12] or "unknown"))),
        ("Made by", f"capacity-workbench {__version__}"),
        ("Repeat it", tag("code", command) if command else None),
    ]
    listed = joined(*(joined(tag("dt", name), tag("dd", value)) for name, value in facts if value))
    head = tag("summary", "Where these numbers come from")
    return tag("details", head, tag("dl", listed), class_="cw-foot", open="open")


def _cell(at: int, *content: object) -> Markup:
    return tag("td", joined(*content), role="cell", data_head=HEADS[at], class_=f"cw-c{at}")


def _small(content: str) -> Markup | None:
    return tag("span", content, class_="cw-small") if content else None


def _strong(content: object) -> Markup:
    return tag("span", content, class_="cw-strong")
