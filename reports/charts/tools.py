"""What every chart is made of: plain inline rows, a time axis in UTC, rules, bands, a key, and a description."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Any, Literal, TypeAlias

import altair as alt
import pandas as pd

from reports import theme

__all__ = [
    "NARROW",
    "NARROW_ONE",
    "UTC",
    "Layer",
    "chart",
    "dressed",
    "key",
    "lead_band",
    "names_axis",
    "rounded",
    "rounded_within",
    "rule",
    "stamp",
    "time_axis",
    "words_at",
]

# A mark with its encoding; altair has no narrower type for it.
Layer: TypeAlias = Any

HEIGHT = 260
DIGITS = 4
# Letters of a subtitle that a telephone has room for; the text of a chart does not wrap by itself.
LINE = 58
UTC = alt.Scale(type="utc")
# A legend in one line where there is room for it, in a column on a telephone.
NARROW = alt.ExprRef("width < 430 ? 1 : width < 760 ? 2 : 0")
NARROW_ONE = alt.ExprRef("width < 520 ? 1 : 3")
# What stands before and after the dot of a name, on a line each: names leave the chart its room on a telephone.
TWO_LINES = "split(datum.label, ' · ')"
LABELS = 160


def rounded(value: float, *, digits: int = DIGITS) -> float | None:
    """Round to significant digits (a pixel shows no more); what is not finite is None, a hole in the line."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def rounded_within(value: float, span: float) -> float | None:
    """Round to half a pixel of an axis of this span: to 1, 2 or 5 of some decimal place, so that it is short text."""
    if not (math.isfinite(value) and span > 0):
        return value if math.isfinite(value) else None
    finest = span / (2 * HEIGHT)
    decimals = math.ceil(-math.log10(finest))
    units = next(units for units in (5, 2, 1) if units * 10.0**-decimals <= finest)
    return round(round(value * 10.0**decimals / units) * units / 10.0**decimals, max(decimals, 0)) + 0.0


def stamp(when: pd.Timestamp) -> str | None:
    """Write an instant as ISO 8601 in UTC, a midnight as its date alone; NaT is None."""
    if pd.isna(when):
        return None
    utc = when.tz_convert("UTC")
    return utc.strftime("%Y-%m-%d" if utc == utc.normalize() else "%Y-%m-%dT%H:%MZ")


def chart(rows: Iterable[Mapping[str, Any]]) -> alt.Chart:
    """Begin a chart over rows of plain values, as they are."""
    return alt.Chart(alt.InlineData(values=[dict(row) for row in rows]))


def time_axis(field: str, *, low: pd.Timestamp | None = None, high: pd.Timestamp | None = None) -> alt.X:
    """Return the time axis: UTC, few labels, from ``low`` to ``high`` where they are given."""
    scale = UTC if low is None or high is None else alt.Scale(type="utc", domain=[_date(low), _date(high)], nice=False)
    return alt.X(f"{field}:T", scale=scale, axis=alt.Axis(title=None, labelOverlap=True, tickCount=8, format="%-d %b"))


def _date(when: pd.Timestamp) -> alt.DateTime:
    at = when.tz_convert("UTC")
    return alt.DateTime(year=at.year, month=at.month, date=at.day, hours=at.hour, minutes=at.minute, utc=True)


def names_axis(field: str, names: Sequence[str]) -> alt.Y:
    """Return an axis of names, in their order; a name with a dot in it stands on two lines."""
    offset = -6 if any(" · " in name for name in names) else 0
    axis = alt.Axis(title=None, labelExpr=TWO_LINES, labelLimit=LABELS, labelOffset=offset, ticks=False, grid=True)
    return alt.Y(f"{field}:N", sort=list(names), axis=axis)


def rule(when: pd.Timestamp, text: str, *, side: Literal["left", "right"] = "left") -> list[Layer]:
    """Draw a dashed rule at an instant, with a few words at its top, on its left or right."""
    line = chart([{"at": stamp(when)}]).mark_rule(color=theme.GREY, strokeDash=[4, 3])
    layers: list[Layer] = [line.encode(x=alt.X("at:T", scale=UTC))]
    return [*layers, words_at(when, text, side=side)] if text else layers


def words_at(when: pd.Timestamp, text: str, *, side: Literal["left", "right"]) -> Layer:
    """Write a few words at the top of the chart, beside an instant."""
    align: Literal["left", "right"] = "right" if side == "left" else "left"
    mark = chart([{"at": stamp(when), "text": text}]).mark_text(
        align=align, dx=-5 if side == "left" else 5, baseline="top", fontSize=10.5, color=theme.GREY
    )
    return mark.encode(x=alt.X("at:T", scale=UTC), y=alt.value(2), text=alt.Text("text:N"))


def lead_band(start: pd.Timestamp, end: pd.Timestamp) -> Layer:
    """Shade the time in which nothing that is ordered now has arrived yet."""
    mark = chart([{"from": stamp(start), "to": stamp(end)}]).mark_rect(color=theme.ORANGE, opacity=0.14)
    return mark.encode(x=alt.X("from:T", scale=UTC), x2=alt.X2("to:T"))


def key(entries: Sequence[tuple[str, str]]) -> Layer:
    """Draw a legend of (words, colour) and nothing else: bands of one hue have no scale of their own."""
    scale = alt.Scale(domain=[name for name, _ in entries], range=[colour for _, colour in entries])
    legend = alt.Legend(symbolOpacity=1, symbolStrokeWidth=0, symbolType="square", columns=NARROW, labelLimit=300)
    unseen = chart({"key": name} for name, _ in entries).mark_point(opacity=0, filled=True, size=0)
    return unseen.encode(color=alt.Color("key:N", scale=scale, legend=legend), x=alt.value(0), y=alt.value(0))


def dressed(
    layers: Sequence[Layer],
    *,
    title: str,
    subtitle: str = "",
    description: str,
    height: float = HEIGHT,
    fields: Mapping[str, str] | None = None,
) -> alt.LayerChart:
    """Put layers together with a title, words for whoever cannot see them, and the width of the page they stand on.

    ``fields`` are names for the columns of the chart's data, where a page shows them as a table.
    """
    lines = wrap(subtitle, LINE)
    heading = alt.TitleParams(text=title, subtitle=lines) if lines else alt.TitleParams(text=title)
    return alt.LayerChart(
        layer=list(layers),
        title=heading,
        description=description,
        width="container",
        height=height,
        usermeta={"fields": dict(fields or {})},
    )
