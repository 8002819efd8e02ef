"""What every chart is made of: plain inline rows, a time axis in UTC, rules, labels, a key, and words for those who listen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from reports import theme

__all__ = ["ALTITUDE", "UTC", "dressed", "key", "label", "lead_band", "rounded", "rule", "stamp", "table", "time_axis"]

ALTITUDE = 260
UTC = alt.Scale(type="utc")
DIGITS = 4
# A legend in one line where there is room for it, in two columns on a telephone.
NARROW = alt.ExprRef("width < 520 ? 2 : 0")
NARROW_ONE = alt.ExprRef("width < 520 ? 1 : 3")
LABELS = alt.ExprRef("width < 300 ? 130 : 260")


def rounded(value: float, *, digits: int = DIGITS) -> float | None:
    """Round to significant digits (a pixel shows no more); what is not finite is None, a hole in the line."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{digits}g}")


def stamp(when: pd.Timestamp) -> str | None:
    """Write an instant as ISO 8601 in UTC, a midnight as its date alone; NaT is None."""
    if pd.isna(when):
        return None
    utc = when.tz_convert("UTC")
    return utc.strftime("%Y-%m-%d" if utc == utc.normalize() else "%Y-%m-%dT%H:%MZ")


def table(rows: Iterable[Mapping[str, Any]]) -> alt.Data:
    """Put rows of plain values into a chart, as they are."""
    return alt.Data(values=[dict(row) for row in rows])


def time_axis(
    field: str, *, low: pd.Timestamp | None = None, high: pd.Timestamp | None = None, title: str | None = None
) -> alt.X:
    """Return the time axis: UTC, few labels, from ``low`` to ``high`` where they are given."""
    scale = UTC if low is None or high is None else alt.Scale(type="utc", domain=[_date(low), _date(high)], nice=False)
    return alt.X(
        f"{field}:T",
        scale=scale,
        axis=alt.Axis(title=title, labelOverlap=True, labelFlush=False, tickCount=8, format="%-d %b"),
    )


def _date(when: pd.Timestamp) -> alt.DateTime:
    utc = when.tz_convert("UTC")
    return alt.DateTime(year=utc.year, month=utc.month, date=utc.day, hours=utc.hour, minutes=utc.minute, utc=True)


def rule(when: pd.Timestamp, text: str, *, side: str = "left") -> list[alt.Chart]:
    """Draw a dashed rule at an instant with a few words at its top, on its left or right."""
    data = table([{"at": stamp(when), "text": text}])
    line = alt.Chart(data).mark_rule(color=theme.GREY, strokeDash=[4, 3]).encode(x=alt.X("at:T", scale=UTC))
    left = side == "left"
    words = (
        alt.Chart(data)
        .mark_text(
            align="right" if left else "left", dx=-5 if left else 5, baseline="top", fontSize=10.5, color=theme.GREY
        )
        .encode(x=alt.X("at:T", scale=UTC), y=alt.value(2), text="text:N")
    )
    return [line, words]


def lead_band(start: pd.Timestamp, end: pd.Timestamp) -> alt.Chart:
    """Shade the time in which nothing that is ordered now has arrived yet."""
    data = table([{"from": stamp(start), "to": stamp(end)}])
    return alt.Chart(data).mark_rect(color=theme.ORANGE, opacity=0.14).encode(x=alt.X("from:T", scale=UTC), x2="to:T")


def label(
    rows: Sequence[Mapping[str, Any]], *, colour: str, dy: float, align: str = "left", dx: float = 2
) -> alt.Chart:
    """Write ``text`` at (``time``, ``value``): a line's own name, so that no legend is needed for it."""
    return (
        alt.Chart(table(rows))
        .mark_text(align=align, dx=dx, dy=dy, fontSize=10.5, color=colour)
        .encode(x=alt.X("time:T", scale=UTC), y="value:Q", text="text:N")
    )


def key(entries: Sequence[tuple[str, str]]) -> alt.Chart:
    """Draw a legend of (words, colour) and nothing else: bands of one hue have no scale of their own."""
    names, colours = [name for name, _ in entries], [colour for _, colour in entries]
    scale = alt.Scale(domain=names, range=colours)
    legend = alt.Legend(symbolOpacity=1, symbolStrokeWidth=0, symbolType="square", columns=NARROW)
    return (
        alt.Chart(table({"key": name} for name in names))
        .mark_point(opacity=0, filled=True, size=0)
        .encode(color=alt.Color("key:N", scale=scale, legend=legend), x=alt.value(0), y=alt.value(0))
    )


def dressed(
    chart: alt.Chart | alt.LayerChart, *, title: str, subtitle: str, description: str, height: Any = ALTITUDE
) -> Any:
    """Give a chart its title, its words for screen readers, and the width of the page it stands on."""
    heading = alt.TitleParams(text=title, subtitle=subtitle) if subtitle else alt.TitleParams(text=title)
    return chart.properties(title=heading, description=description, width="container", height=height)
