"""The chance of having run out by a date, for the series that matter most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd

from reports import theme, words
from reports.charts import tools
from reports.rows import Row, leading, rows

if TYPE_CHECKING:
    from capacity.outlook import Outlook
    from capacity.plan import Plan

__all__ = ["probability"]

POINTS = 120
LEAST = 0.005
DASHES: tuple[list[int], ...] = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 1], [1, 3])


def probability(result: Outlook | Plan, *, most: int = 5, title: str = "Chance of having run out") -> alt.LayerChart:
    """Draw P(breach by t) of the series that are not past their limit yet, as far as their history carries it.

    Parameters
    ----------
    most
        Curves at most, each resource's most urgent series first; more than six cannot be told apart.
    """
    likely = [row for row in rows(result) if row.verdict != "past" and row.chance >= LEAST]
    first = leading(likely)
    found = [*first, *(row for row in likely if row not in first)][: min(most, len(theme.SERIES))]
    told = "; ".join(f"{row.name} {words.chance(row.chance)}" for row in found) or "none above half a per cent"
    return tools.dressed(
        [_lines(found), *(_risk(found) if found else [])],
        title=title,
        subtitle="" if found else "no series has a chance worth drawing",
        description=f"Probability of having run out by each date. By the end of the horizon: {told}.",
    )


def _points(row: Row) -> list[dict[str, Any]]:
    """Return the curve at evenly spaced instants, the first and the last included; it starts at 0, at the cutoff."""
    curve = row.source.curve.iloc[:, row.position].dropna()
    picked = curve.iloc[np.unique(np.linspace(0, len(curve) - 1, min(POINTS, len(curve))).round().astype(int))]
    times, values = [row.source.forecast.cutoff, *picked.index], [0.0, *picked.to_numpy(dtype=float)]
    return [
        {"time": tools.stamp(time), "chance": tools.rounded(value), "series": row.name}
        for time, value in zip(times, values, strict=True)
    ]


def _lines(found: Sequence[Row]) -> tools.Layer:
    names = [row.name for row in found]
    colours = alt.Scale(domain=names, range=list(theme.SERIES[: len(names)]))
    dashes = alt.Scale(domain=names, range=list(DASHES[: len(names)]))
    legend = alt.Legend(columns=tools.NARROW_ONE, symbolType="stroke", labelLimit=260)
    when, chance = alt.Tooltip("time:T", format="%d %b %Y"), alt.Tooltip("chance:Q", format=".0%")
    base = tools.chart(point for row in found for point in _points(row))
    return base.mark_line(interpolate="step-after", strokeWidth=2).encode(
        x=tools.time_axis("time"),
        y=alt.Y(
            "chance:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", title="probability", tickCount=5)
        ),
        color=alt.Color("series:N", scale=colours, legend=legend),
        strokeDash=alt.StrokeDash("series:N", scale=dashes, legend=legend),
        tooltip=[alt.Tooltip("series:N"), when, chance],
    )


def _risk(found: Sequence[Row]) -> list[tools.Layer]:
    """Draw the chance that is still put up with: a curve that rises above it asks for an order."""
    end = tools.stamp(pd.Timestamp(found[0].source.forecast.index[-1]))
    risks = sorted({row.source.risk for row in found})
    base = tools.chart(
        {"time": end, "risk": risk, "text": f"risk put up with: {words.percent(risk)}"} for risk in risks
    )
    line = base.mark_rule(color=theme.GREY, strokeDash=[4, 3]).encode(y=alt.Y("risk:Q"))
    text = base.mark_text(align="right", dx=-4, dy=-6, fontSize=10.5, color=theme.GREY)
    return [line, text.encode(x=alt.X("time:T", scale=tools.UTC), y=alt.Y("risk:Q"), text=alt.Text("text:N"))]
