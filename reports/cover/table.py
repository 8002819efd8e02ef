"""The cover's table: the series that matter most, each with what, when, how sure, and by when to act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from capacity.units import human
from capacity.verdicts import VERDICTS
from reports import words
from reports.charts.projection import Drawn, drawn
from reports.cover.markup import Markup, joined, tag
from reports.cover.spark import sparkline
from reports.rows import Row, counts

__all__ = ["CLASSES", "table", "tally"]

HEADS = ("Resource", "Verdict", "Runs out", "Order by", "Busy hour ÷ limit", "History and projection")
CLASSES = {"past": "bad", "order now": "bad", "breach": "bad", "watch": "warn", "fine": "good", "cannot judge": "mute"}
# A sparkline is 200 pixels wide; a point a pixel and a half is enough.
SPARK_POINTS = 130
DAY = pd.Timedelta(days=1)


def tally(found: Sequence[Row]) -> Markup:
    """Count the verdicts: sign, number, word."""
    chips = [
        tag("li", tag("b", f"{VERDICTS[name].sign} {count:,}"), f" {name}", class_=f"cw-chip cw-{CLASSES[name]}")
        for name, count in counts(found).items()
    ]
    return tag("ul", joined(*chips), class_="cw-tally", aria_label="Series by verdict")


def table(found: Sequence[Row], *, as_of: pd.Timestamp, most: int = 10) -> Markup:
    """Return the most urgent rows as a table, and a line for how many more there are."""
    shown, rest = found[:most], found[most:]
    sparks = _sparks(shown)
    head = tag("tr", joined(*(tag("th", name, scope="col", role="columnheader") for name in HEADS)), role="row")
    body = joined(*(_row(row, sparks[row.resource, row.position], as_of) for row in shown))
    parts = [
        tag(
            "caption",
            "Most urgent first. Dates are medians, with the span from P10 to P90 beneath.",
            class_="cw-hidden",
        ),
        tag("thead", head, role="rowgroup"),
        tag("tbody", body, role="rowgroup"),
    ]
    return joined(tag("table", joined(*parts), class_="cw-table", role="table"), _rest(rest))


def _rest(rest: Sequence[Row]) -> Markup | None:
    if not rest:
        return None
    told = [f"{VERDICTS[name].sign} {count:,} {name}" for name, count in counts(rest).items()]
    return tag("p", f"And {len(rest):,} more series: {', '.join(told)}.", class_="cw-rest")


def _sparks(shown: Sequence[Row]) -> Mapping[tuple[str, int], Drawn]:
    """Gather what the sparklines show, one pass over the paths of each resource."""
    found: dict[tuple[str, int], Drawn] = {}
    for resource in dict.fromkeys(row.resource for row in shown):
        mine = [row for row in shown if row.resource == resource]
        outlook = mine[0].outlook
        points = drawn(outlook.forecast, [row.position for row in mine], outlook=outlook, most=SPARK_POINTS)
        found |= {(resource, position): one for position, one in points.items()}
    return found


def _row(row: Row, shown: Drawn, as_of: pd.Timestamp) -> Markup:
    forecast = row.outlook.forecast
    back, ahead = forecast.cutoff - shown.history.index[0], forecast.index[-1] - forecast.cutoff
    label = (
        f"{words.since(back)} of history and {words.since(ahead)} ahead, against {human(row.usable, row.unit)} usable"
    )
    cells = [
        tag(
            "th",
            tag("span", row.title, class_="cw-strong"),
            tag("span", row.series),
            _small(row.owner),
            scope="row",
            role="rowheader",
        ),
        _cell(
            1,
            tag("span", f"{row.sign} {row.verdict}", class_=f"cw-strong cw-{CLASSES[row.verdict]}"),
            _small(_chance(row)),
            _small(row.accepted),
        ),
        _cell(2, *_when(row, as_of)),
        _cell(3, *_order(row, as_of)),
        _cell(4, *_level(row)),
        _cell(5, sparkline(shown, cutoff=forecast.cutoff, breach=row.p50, label=label)),
    ]
    return tag("tr", joined(*cells), role="row", class_=f"cw-row cw-row-{CLASSES[row.verdict]}")


def _cell(at: int, *content: object) -> Markup:
    return tag("td", joined(*content), role="cell", data_head=HEADS[at], class_=f"cw-c{at}")


def _small(content: str) -> Markup | None:
    return tag("span", content, class_="cw-small") if content else None


def _strong(content: str) -> Markup:
    return tag("span", content, class_="cw-strong")


def _chance(row: Row) -> str:
    if row.verdict == "past":
        return "at the cutoff"
    if not words.known(row.until):
        return row.reason
    return f"{words.chance(row.chance)} by {words.day(row.until, zone=row.zone)}"


def _when(row: Row, as_of: pd.Timestamp) -> Sequence[Markup | None]:
    if row.verdict == "past":
        return (_strong("already past"),)
    if words.known(row.p50):
        spread = f"P10–P90 {words.span(row.p10, row.p90, zone=row.zone)}"
        return (_strong(words.day(row.p50, zone=row.zone)), _small(words.ahead(row.p50, as_of)), _small(spread))
    if row.verdict == "cannot judge":
        return (_strong("unknown"), _small(row.reason))
    if words.known(row.p10):
        return (
            _strong(f"not likely by {words.day(row.until, zone=row.zone)}"),
            _small(f"P10 {words.day(row.p10, zone=row.zone)}"),
        )
    return (_strong(f"not by {words.day(row.until, zone=row.zone)}"),)


def _order(row: Row, as_of: pd.Timestamp) -> Sequence[Markup | None]:
    lead = f"lead time {words.since(row.lead_time)}"
    if not words.known(row.order_by):
        return (tag("span", "nothing to order" if row.verdict in ("fine", "watch") else "–"), None)
    if row.order_by <= as_of:
        late = "" if row.verdict == "past" or as_of - row.order_by < DAY else f"was {words.day(row.order_by)}, "
        return (_strong("now"), _small(f"{late}{lead}"))
    return (_strong(words.day(row.order_by)), _small(f"{words.ahead(row.order_by, as_of)}, {lead}"))


def _level(row: Row) -> Sequence[Markup | None]:
    filled = row.busy_share
    share = min(max(filled, 0.0), 1.0) if filled == filled else 0.0
    usable = row.usable / row.limit if row.limit and row.limit == row.limit else 1.0
    bar = tag(
        "svg",
        tag("rect", class_="cw-rail", width=100, height=6),
        tag("rect", class_=f"cw-fill cw-{CLASSES[row.verdict]}", width=f"{100 * share:.1f}", height=6),
        tag("line", class_="cw-tick", x1=f"{100 * min(max(usable, 0.0), 1.0):.1f}", x2=f"{100 * min(max(usable, 0.0), 1.0):.1f}", y1=0, y2=6),
        class_="cw-meter", viewBox="0 0 100 6", preserveAspectRatio="none", aria_hidden="true",
    )  # fmt: skip
    return (_strong(words.percent(filled)), bar, _small(f"{human(row.busy, row.unit)} of {human(row.limit, row.unit)}"))
