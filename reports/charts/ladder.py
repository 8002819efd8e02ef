"""The runway ladder: when each of the most urgent series runs out, how wide that date is, and by when to order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from capacity.verdicts import VERDICTS
from reports import theme, words
from reports.charts import tools
from reports.rows import Row, rows

if TYPE_CHECKING:
    from capacity.outlook import Outlook
    from capacity.plan import Plan

__all__ = ["COLOURS", "runway"]

RUNG = 26
LEAST = 0.01
# Each verdict's colour; its sign stands beside it, for those who do not see colours.
COLOURS = {
    "past": theme.VERMILLION,
    "order now": theme.VERMILLION,
    "breach": theme.VERMILLION,
    "watch": theme.ORANGE,
    "fine": theme.GREEN,
    "cannot judge": theme.GREY,
}

KEY = (
    ("likely to run out, P10–P90", theme.VERMILLION),
    ("may run out, P10–P90", theme.ORANGE),
    ("order by", theme.BLUE),
    ("lead time", theme.tint(theme.ORANGE, 0.3)),
)


def runway(result: Outlook | Plan, *, most: int = 12, title: str = "Runway") -> alt.LayerChart:
    """Draw a rung for each series that may run out: P10 to P90 as a bar, the median as a dot, the order-by date as a tick.

    Parameters
    ----------
    most
        Rungs at most, the most urgent first; series with less than a one-percent chance are not drawn. A subtitle says
        how many of how many are.
    """
    found = rows(result)
    shown = [row for row in found if row.verdict == "past" or row.chance >= LEAST][:most]
    as_of, end = _window(result, found)
    data = [_rung(row, as_of, end) for row in shown]
    names = [record["name"] for record in data]
    layers = [
        tools.key(KEY),
        *_band(shown, as_of),
        *_marks(data, names, as_of, end),
        *tools.rule(as_of, f"as of {words.short_day(as_of)}", side="right"),
    ]
    subtitle = f"{len(shown)} of {words.plural(len(found), 'series', 'series')} may run out by {words.day(end)}"
    return tools.dressed(
        alt.layer(*layers),
        title=title,
        subtitle=subtitle,
        description=_description(shown, subtitle),
        height=max(2, len(shown)) * RUNG,
    )


def _window(result: Any, found: Sequence[Row]) -> tuple[pd.Timestamp, pd.Timestamp]:
    forecasts = [row.outlook.forecast for row in found] or [result.forecast]
    return min(one.cutoff for one in forecasts), max(pd.Timestamp(one.index[-1]) for one in forecasts)


def _rung(row: Row, as_of: pd.Timestamp, end: pd.Timestamp) -> dict[str, Any]:
    past = row.verdict == "past"
    low = as_of if past and not words.known(row.p10) else row.p10
    high = low if past else row.p90 if words.known(row.p90) else end if words.known(low) else low
    ordered = max(row.order_by, as_of) if words.known(row.order_by) else row.order_by
    return {
        "name": f"{row.sign} {row.name}",
        "verdict": VERDICTS[row.verdict].word,
        "colour": COLOURS[row.verdict],
        "low": tools.stamp(low),
        "median": tools.stamp(as_of if past else row.p50),
        "high": tools.stamp(high),
        "order": tools.stamp(ordered),
        "P10–P90": words.span(row.p10, row.p90, zone=row.zone),
        "order by": words.day(row.order_by),
        "chance": words.chance(row.chance),
    }


def _band(shown: Sequence[Row], as_of: pd.Timestamp) -> list[alt.Chart]:
    """Each rung's own lead time, as a shade behind it."""
    data = tools.table(
        {"name": f"{row.sign} {row.name}", "from": tools.stamp(as_of), "to": tools.stamp(as_of + row.lead_time)}
        for row in shown
    )
    y = alt.Y("name:N", sort=None)
    bar = alt.Chart(data).mark_bar(color=theme.ORANGE, opacity=0.16, height=RUNG)
    return [bar.encode(x=alt.X("from:T", scale=tools.UTC), x2="to:T", y=y)]


def _marks(
    data: Sequence[dict[str, Any]], names: Sequence[str], as_of: pd.Timestamp, end: pd.Timestamp
) -> list[alt.Chart]:
    # A little before the cutoff, so that what is past already stands clear of the axis.
    x = tools.time_axis("low", low=as_of - (end - as_of) * 0.02, high=end)
    y = alt.Y("name:N", sort=list(names), axis=alt.Axis(title=None, labelLimit=tools.LABELS, ticks=False, grid=True))
    colour = alt.Color("colour:N", scale=None)
    tips = [alt.Tooltip(f"{field}:N") for field in ("name", "verdict", "P10–P90", "chance", "order by")]
    base = alt.Chart(tools.table(data))
    bar = base.mark_bar(opacity=0.55, height=10, cornerRadius=3).encode(
        x=x, x2="high:T", y=y, color=colour, tooltip=tips
    )
    dot = base.mark_point(shape="diamond", filled=True, size=90, opacity=1)
    tick = base.mark_tick(thickness=2.5, height=18, color=theme.BLUE, opacity=1)
    return [
        bar,
        dot.encode(x=alt.X("median:T", scale=tools.UTC), y=y, color=colour, tooltip=tips),
        tick.encode(x=alt.X("order:T", scale=tools.UTC), y=y, tooltip=tips),
    ]


def _description(shown: Sequence[Row], subtitle: str) -> str:
    told = [
        f"{row.name}: {VERDICTS[row.verdict].word}"
        + (f", {words.day(row.p50, zone=row.zone)}" if words.known(row.p50) else "")
        + (f" ({words.span(row.p10, row.p90, zone=row.zone)})" if words.known(row.p10) else "")
        for row in shown[:5]
    ]
    return f"Breach dates with their P10 to P90 spans and order-by dates. {subtitle}. " + "; ".join(told) + "."
