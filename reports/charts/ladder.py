"""The runway ladder: when each of the most urgent series runs out, how wide that date is, and by when to order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from reports import theme, words
from reports.charts import tools
from reports.rows import Row, rows

if TYPE_CHECKING:
    from capacity.outlook import Outlook
    from capacity.plan import Plan

__all__ = ["COLOURS", "runway"]

RUNG = 32
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
    ("likely to run out: 8 in 10 futures within", theme.VERMILLION),
    ("may run out: 8 in 10 futures within", theme.ORANGE),
    ("order by", theme.BLUE),
    ("lead time", theme.tint(theme.ORANGE, 0.3)),
)


def runway(result: Outlook | Plan, *, most: int = 12, title: str = "Runway") -> alt.LayerChart:
    """Draw a rung for each series that may run out: a bar from P10 to P90, the median as a dot, a tick to order by.

    Parameters
    ----------
    most
        Rungs at most, the most urgent first. Series with a chance below one per cent are counted, not drawn.
    """
    found = rows(result)
    likely = [row for row in found if row.verdict == "past" or row.chance >= LEAST]
    shown = likely[:most]
    as_of, end = _window(result)
    subtitle = f"{len(likely)} of {words.plural(len(found), 'series', 'series')} may run out by {words.day(end)}"
    subtitle += f"; the {len(shown)} most urgent" if len(likely) > len(shown) else ""
    return tools.dressed(
        [tools.key(KEY), _lead(shown, as_of, end), *_marks(shown, as_of, end), *_today(as_of)],
        title=title,
        subtitle=subtitle,
        description=_told(shown, subtitle),
        height=max(2, len(shown)) * RUNG,
    )


def _window(result: Any) -> tuple[pd.Timestamp, pd.Timestamp]:
    if hasattr(result, "outlooks"):
        return result.as_of, result.as_of + result.horizon
    return result.forecast.cutoff, pd.Timestamp(result.forecast.index[-1])


def _rung(row: Row, as_of: pd.Timestamp, end: pd.Timestamp) -> dict[str, Any]:
    past = row.verdict == "past"
    late = row.p90 if words.known(row.p90) or not words.known(row.p10) else end
    return {
        "name": _name(row),
        "verdict": row.verdict,
        "colour": COLOURS[row.verdict],
        "low": tools.stamp(as_of if past else row.p10),
        "median": tools.stamp(as_of if past else row.p50),
        "high": tools.stamp(as_of if past else late),
        "order": tools.stamp(max(row.order_by, as_of) if words.known(row.order_by) else row.order_by),
        "8 in 10 between": words.span(row.p10, row.p90, zone=row.zone),
        "order by": words.day(row.order_by),
        "chance": words.chance(row.chance),
    }


def _name(row: Row) -> str:
    return f"{row.sign} {row.name}"


def _today(as_of: pd.Timestamp) -> list[tools.Layer]:
    return tools.rule(as_of, f"as of {words.short_day(as_of)}", side="right")


def _lead(shown: Sequence[Row], as_of: pd.Timestamp, end: pd.Timestamp) -> tools.Layer:
    """Shade each rung's own lead time behind it, as far as the chart goes: a mark beyond would squeeze the rest."""
    base = tools.chart(
        {"name": _name(row), "from": tools.stamp(as_of), "to": tools.stamp(min(as_of + row.lead_time, end))}
        for row in shown
    )
    bar = base.mark_bar(color=theme.ORANGE, opacity=0.16, height=RUNG)
    return bar.encode(x=alt.X("from:T", scale=tools.UTC), x2=alt.X2("to:T"), y=alt.Y("name:N", sort=None))


def _marks(shown: Sequence[Row], as_of: pd.Timestamp, end: pd.Timestamp) -> list[tools.Layer]:
    # From a little before the cutoff, so that what is past already stands clear of the axis.
    x = tools.time_axis("low", low=as_of - (end - as_of) * 0.02, high=end)
    y = tools.names_axis("name", [_name(row) for row in shown])
    colour = alt.Color("colour:N", scale=None)
    tips = [alt.Tooltip(f"{field}:N") for field in ("name", "verdict", "8 in 10 between", "chance", "order by")]
    base = tools.chart(_rung(row, as_of, end) for row in shown)
    bar = base.mark_bar(opacity=0.55, height=10, cornerRadius=3)
    dot = base.mark_point(shape="diamond", filled=True, size=90, opacity=1)
    tick = base.mark_tick(thickness=2.5, height=18, color=theme.BLUE, opacity=1)
    return [
        bar.encode(x=x, x2=alt.X2("high:T"), y=y, color=colour, tooltip=tips),
        dot.encode(x=alt.X("median:T", scale=tools.UTC), y=y, color=colour, tooltip=tips),
        tick.encode(x=alt.X("order:T", scale=tools.UTC), y=y, tooltip=tips),
    ]


def _told(shown: Sequence[Row], subtitle: str) -> str:
    told = [
        f"{row.name}: {row.verdict}"
        + (f", {words.day(row.p50, zone=row.zone)}" if words.known(row.p50) else "")
        + (f" ({words.span(row.p10, row.p90, zone=row.zone)})" if words.known(row.p10) else "")
        for row in shown[:5]
    ]
    return f"Breach dates with their P10 to P90 spans and order-by dates. {subtitle}. {'; '.join(told) or 'None'}."
