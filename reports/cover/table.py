"""The cover's table: the series that matter most, each with what, when, how sure, and by when to act."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd

from capacity.units import human
from capacity.verdicts import VERDICTS
from reports import words
from reports.charts.points import Drawn, drawn
from reports.cover.markup import Markup, joined, tag
from reports.cover.spark import sparkline
from reports.rows import Row, counts

__all__ = ["CLASSES", "table", "tally"]

HEADS = ("Resource", "Verdict", "Runs out", "Order by", "Busy hour ÷ limit", "History and projection")
HOW_TO_READ = (
    "Runs out: the date by which half of the simulated futures have, and beneath it where four in five lie. Busy hour: "
    "the last day's worst, with a tick at what is usable. In the pictures the orange line is what is usable, the "
    "dotted one the date of this report."
)
ORDER_BY = "Order by: the last day on which an order keeps the risk of running out before it arrives ≤ {risk}. "
CLASSES = {"past": "bad", "order now": "bad", "breach": "bad", "watch": "warn", "fine": "good", "cannot judge": "mute"}
# A sparkline is 200 pixels wide; a point a pixel and a half is enough.
SPARK_POINTS = 130
DAY = pd.Timedelta(days=1)


def tally(found: Sequence[Row]) -> Markup:
    """Count the verdicts: sign, number, word."""
    chips = [
        tag("li", tag("b", f"{VERDICTS[name].sign} {count:,}"), f" {name}", class_=f"cw-chip {_weight(name)}")
        for name, count in counts(found).items()
    ]
    return tag("ul", joined(*chips), class_="cw-tally", aria_label="Series by verdict")


def table(found: Sequence[Row], *, as_of: pd.Timestamp, most: int = 10) -> Markup:
    """Return the most urgent rows as a table, and a line for how many more there are."""
    shown = chosen(found, most)
    rest = [row for row in found if row not in shown]
    sparks = _sparks(shown)
    head = tag("tr", joined(*(tag("th", name, scope="col", role="columnheader") for name in HEADS)), role="row")
    body = joined(*(_row(row, sparks.get((row.resource, row.position)), as_of) for row in shown))
    parts = [
        tag(
            "caption",
            "Most urgent first. Dates are medians, with what four futures in five lie between beneath.",
            class_="cw-hidden",
        ),
        tag("thead", head, role="rowgroup"),
        tag("tbody", body, role="rowgroup"),
    ]
    read = tag("p", _risk(shown), HOW_TO_READ, class_="cw-rest") if shown else None
    return joined(tag("table", joined(*parts), class_="cw-table", role="table"), _rest(rest), read)


def _weight(verdict: str) -> str:
    """Return the classes of a verdict: its colour, and its weight, so that nothing is told by hue alone."""
    return f"cw-{CLASSES[verdict]} cw-is-{verdict.replace(' ', '-')}"


def _risk(shown: Sequence[Row]) -> str:
    """Say what an order-by date promises, at the risk that the catalogue puts up with."""
    risks = sorted({row.outlook.risk for row in shown if row.outlook is not None})
    if not risks:
        return ""
    low, high = words.percent(risks[0]), words.percent(risks[-1])
    return ORDER_BY.format(risk=low if low == high else f"{low} to {high}, as the catalogue says")


def chosen(found: Sequence[Row], most: int) -> list[Row]:
    """Return the rows that are shown: what runs out, then what cannot be judged, then what is fine; by urgency."""
    order = sorted(found, key=lambda row: row.verdict == "fine")[:most]
    return [row for row in found if row in order]


def _rest(rest: Sequence[Row]) -> Markup | None:
    if not rest:
        return None
    told = [f"{VERDICTS[name].sign} {count:,} {name}" for name, count in counts(rest).items()]
    return tag("p", f"And {len(rest):,} more series: {', '.join(told)}.", class_="cw-rest")


def _sparks(shown: Sequence[Row]) -> Mapping[tuple[str, int], Drawn]:
    """Gather what the sparklines show, one pass over the paths of each resource."""
    found: dict[tuple[str, int], Drawn] = {}
    for resource in dict.fromkeys(row.resource for row in shown):
        mine = [row for row in shown if row.resource == resource and row.outlook is not None]
        if not mine or (outlook := mine[0].outlook) is None:
            continue
        points = drawn(outlook.forecast, [row.position for row in mine], outlook=outlook, most=SPARK_POINTS)
        found |= {(resource, position): one for position, one in points.items()}
    return found


def _row(row: Row, shown: Drawn | None, as_of: pd.Timestamp) -> Markup:
    name = (
        tag("span", row.title, class_="cw-strong"),
        tag("span", row.series),
        _small(_owner(row)),
    )
    verdict = tag("span", f"{row.sign} {row.verdict}", class_=f"cw-strong {_weight(row.verdict)}")
    cells = [
        tag("th", *name, scope="row", role="rowheader"),
        _cell(1, verdict, _small(_chance(row)), _small(f"accepted {row.accepted}" if row.accepted else "")),
        _cell(2, *_when(row, as_of)),
        _cell(3, *_order(row, as_of)),
        _cell(4, *_level(row)),
        _cell(5, _spark(row, shown, as_of)),
    ]
    return tag("tr", joined(*cells), role="row", class_=f"cw-row cw-row-{CLASSES[row.verdict]}")


def _spark(row: Row, shown: Drawn | None, as_of: pd.Timestamp) -> Markup:
    if shown is None:
        return tag("span", "not drawn", class_="cw-small")
    made = row.source.forecast
    end = pd.Timestamp(made.index[-1])
    back, ahead = as_of - (made.history.index[0] - made.step), end - as_of
    against = f"against {human(row.usable, row.unit)} usable"
    label = f"{row.name}: {words.since(back)} of history and {words.since(ahead)} ahead, {against}"
    judged = row.verdict != "cannot judge"
    return sparkline(shown, cutoff=as_of, end=end, breach=row.p50, label=label, ahead=judged)


def _cell(at: int, *content: object) -> Markup:
    return tag("td", joined(*content), role="cell", data_head=HEADS[at], class_=f"cw-c{at}")


def _small(content: str) -> Markup | None:
    return tag("span", content, class_="cw-small") if content else None


def _strong(*content: object) -> Markup:
    return tag("span", *content, class_="cw-strong")


def _date(when: pd.Timestamp, zone: str) -> Markup:
    """Write a date that no line's end tears apart."""
    return tag("span", words.day(when, zone=zone), class_="cw-date")


def _owner(row: Row) -> str:
    return f"owner: {row.owner}" if row.owner else ""


def _chance(row: Row) -> str:
    if row.verdict == "past":
        return "already at the cutoff"
    if row.verdict == "cannot judge":
        return row.reason
    return f"{words.chance(row.chance)} by {words.day(row.until, zone=row.zone)}"


def _when(row: Row, as_of: pd.Timestamp) -> Sequence[Markup | None]:
    if row.verdict == "past":
        return (_strong("already past"),)
    if words.known(row.p50):
        spread = words.between(row.p10, row.p90, zone=row.zone)
        return (_strong(_date(row.p50, row.zone)), _small(words.ahead(row.p50, as_of)), _small(spread))
    if row.verdict == "cannot judge":
        return (_strong("unknown"),)
    if words.known(row.p10):
        return (
            _strong("not likely by ", _date(row.until, row.zone)),
            _small(f"10 % by {words.day(row.p10, zone=row.zone)}"),
        )
    return (_strong("not by ", _date(row.until, row.zone)),)


def _order(row: Row, as_of: pd.Timestamp) -> Sequence[Markup | None]:
    if not words.known(row.order_by):
        return (tag("span", "nothing to order" if row.verdict in ("fine", "watch") else "–"), None)
    if row.order_by <= as_of:
        late = "" if row.verdict == "past" or as_of - row.order_by < DAY else f"was {words.day(row.order_by)}, "
        lead = f"lead time {words.since(row.lead_time)}"
        return (_strong("now"), _small(row.scales_by), _small(row.add), _small(f"{late}{lead}"))
    lead = f"{words.ahead(row.order_by, as_of)}, lead time {words.since(row.lead_time)}"
    return (_strong(_date(row.order_by, "UTC")), _small(row.scales_by), _small(row.add), _small(lead))


def _level(row: Row) -> Sequence[Markup | None]:
    """Say how full it is at the last day's worst: the share, a bar with a tick at what may be used, both figures."""
    share = row.busy_share
    if math.isnan(share):
        return (_strong(human(row.busy, row.unit)), _small("limit unknown"))
    usable = f"{100 * min(max(row.usable / row.limit, 0.0), 1.0):.1f}"
    rail = tag("rect", class_="cw-rail", width=100, height=6)
    fill = tag(
        "rect", class_=f"cw-fill cw-{CLASSES[row.verdict]}", width=f"{100 * min(max(share, 0.0), 1.0):.1f}", height=6
    )
    tick = tag("line", class_="cw-tick", x1=usable, x2=usable, y1=0, y2=6)
    bar = tag(
        "svg", rail, fill, tick, class_="cw-meter", viewBox="0 0 100 6", preserveAspectRatio="none", aria_hidden="true"
    )
    return (_strong(words.percent(share)), bar, _small(_of(human(row.busy, row.unit), human(row.limit, row.unit))))


def _of(part: str, whole: str) -> str:
    """Write ``"1.8 of 2 TiB"``: a unit that both have is said once."""
    figure, _, sign = part.partition(" ")
    return f"{figure} of {whole}" if sign and sign == whole.partition(" ")[2] else f"{part} of {whole}"
