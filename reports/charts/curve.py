"""The chance of having run out by a date, for the series that matter most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd

from reports import theme, words
from reports.charts import tools
from reports.rows import Row, rows

if TYPE_CHECKING:
    from capacity.outlook import Outlook
    from capacity.plan import Plan

__all__ = ["probability"]

POINTS = 120
LEAST = 0.005
DASHES = ([], [6, 3], [2, 2], [8, 3, 2, 3], [4, 1], [1, 3])


def probability(result: Outlook | Plan, *, most: int = 5, title: str = "Chance of having run out") -> alt.LayerChart:
    """Draw P(breach by t) of the most urgent series that are not past their limit yet, up to where their history can carry a probability.

    Parameters
    ----------
    most
        Curves at most; more than six cannot be told apart.
    """
    found = [row for row in rows(result) if row.verdict != "past" and row.chance >= LEAST][
        : min(most, len(theme.SERIES))
    ]
    records = [point for row in found for point in _points(row)]
    layers = [_lines(records, [row.name for row in found])]
    if found:
        layers += [*_risk(found), *tools.rule(found[0].outlook.forecast.cutoff, "", side="right")]
    subtitle = "" if found else "no series has a chance worth drawing"
    return tools.dressed(alt.layer(*layers), title=title, subtitle=subtitle, description=_description(found))


def _points(row: Row) -> list[dict[str, Any]]:
    """The curve at evenly spaced instants, its first and last included; a curve starts at zero, at the cutoff."""
    curve = row.outlook.curve.iloc[:, row.position].dropna()
    picked = curve.iloc[np.unique(np.linspace(0, len(curve) - 1, min(POINTS, len(curve))).round().astype(int))]
    start = [{"time": tools.stamp(row.outlook.forecast.cutoff), "chance": 0.0, "series": row.name}]
    return start + [
        {"time": tools.stamp(time), "chance": tools.rounded(value), "series": row.name}
        for time, value in zip(pd.DatetimeIndex(picked.index), picked.to_numpy(), strict=True)
    ]


def _lines(records: Sequence[dict[str, Any]], names: Sequence[str]) -> alt.Chart:
    colours = alt.Scale(domain=list(names), range=list(theme.SERIES[: len(names)]))
    dashes = alt.Scale(domain=list(names), range=[list(dash) for dash in DASHES[: len(names)]])
    legend = alt.Legend(columns=tools.NARROW_ONE, symbolType="stroke", labelLimit=260)
    y = alt.Y("chance:Q", scale=alt.Scale(domain=[0, 1]), axis=alt.Axis(format="%", title="probability", tickCount=5))
    return (
        alt.Chart(tools.table(records))
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=tools.time_axis("time"),
            y=y,
            color=alt.Color("series:N", scale=colours, legend=legend),
            strokeDash=alt.StrokeDash("series:N", scale=dashes, legend=legend),
            tooltip=[
                alt.Tooltip("series:N"),
                alt.Tooltip("time:T", format="%d %b %Y"),
                alt.Tooltip("chance:Q", format=".0%"),
            ],
        )
    )


def _risk(found: Sequence[Row]) -> list[alt.Chart]:
    """The chance that is still put up with: a curve that rises above it asks for an order."""
    risks = sorted({row.outlook.risk for row in found})
    end = tools.stamp(pd.Timestamp(found[0].outlook.forecast.index[-1]))
    data = [{"time": end, "value": risk, "text": f"risk put up with: {words.percent(risk)}"} for risk in risks]
    line = alt.Chart(tools.table(data)).mark_rule(color=theme.GREY, strokeDash=[4, 3]).encode(y=alt.Y("value:Q"))
    return [line, tools.label(data, colour=theme.GREY, dy=-6, dx=-4, align="right")]


def _description(found: Sequence[Row]) -> str:
    told = "; ".join(f"{row.name} {words.chance(row.chance)}" for row in found)
    return (
        f"Probability of having run out by each date, at the end of the horizon: {told or 'none above half a percent'}."
    )
